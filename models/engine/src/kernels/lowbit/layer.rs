//! The kernel of a layer: loops over bands, blocks of channels, chunks of units and tiles.

#![allow(unsafe_code)]

use super::arch::{Arch, Pace};
use super::block::View;
use super::finish::{self, Finish, Output};
use super::geometry::{Geometry, Pooling};
use super::multiplied::{self, Position};
use super::pack::{self, Block};
use super::scratch::{Band, Sizes, Widths, Work};
use super::tables;
use crate::kernel::{Kernel, Task};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Buffer, Tensor, TensorMut};
use std::ops::Range;
use tincy_network::{Code, WeightKind, accumulator};

/// Sums of this many bytes are kept at once where a block's units are taken in several chunks.
const SUM_BYTES: usize = 24 << 10;

/// And of this many where not, so that they leave a first-level cache to the tables.
const FEW_SUM_BYTES: usize = 4 << 10;

/// A convolution by table look-up.
pub(super) struct Lookup<A> {
    pub(super) arch: A,
    name: &'static str,
    pub(super) geometry: Geometry,
    pub(super) blocks: Vec<Block>,
    pub(super) indices: Buffer,
    pub(super) indices_per_block: usize,
    pub(super) planes: usize,
    /// The kernel's, where sums are multiplied by position.
    pub(super) positions: Vec<Position>,
    /// The largest sum of a table.
    pub(super) largest: u32,
    pub(super) shift: u32,
    pub(super) pace: Pace,
    pub(super) finish: Finish,
    pub(super) patches_at_once: usize,
    sizes: Sizes,
}

impl<A: Arch> Lookup<A> {
    /// The kernel of a task, or `None` where the method cannot serve it.
    pub(super) fn new(task: &Task<'_>, arch: A) -> Option<Lookup<A>> {
        let convolution = task.convolution;
        let code = served(task.number.code()?)?;
        let (row, shift) = match convolution.weights.kind() {
            WeightKind::Binary => (0, 1),
            WeightKind::Ternary => (1, 0),
            _ => return None,
        };
        let bits = usize::from(code.bits) - 1;
        let pace = A::PACE[bits];
        debug_assert!(pace.run * pace.runs * A::UNIT * code.max() as usize <= 255);
        let geometry = Geometry::new::<A>(task, pace.run)?;
        let positions = multiplied::positions(&geometry, convolution.weights.multipliers());
        let multiplied = !positions.is_empty();
        let bound = accumulator::bound(convolution, code);
        let narrow = !multiplied && finish::fits_narrow(bound);
        let blocks = pack::blocks(convolution.out_channels, convolution.groups, A::LANES);
        let finish = Finish::new::<A>(&convolution.finish, narrow, geometry.pooling, &blocks)?;
        let planes = pack::planes(convolution.weights.kind()).len();
        if finish.is_wide() && !fits_wide::<A>(&geometry, planes, code, &positions) {
            return None;
        }
        let widths = Widths {
            narrow: !multiplied,
            wide: finish.is_wide(),
        };
        let sum = if multiplied {
            size_of::<i32>()
        } else {
            size_of::<u16>()
        };
        let patch = geometry.patch_slots() * A::LANES * sum;
        let at_once = if geometry.chunks.len() == 1 {
            FEW_SUM_BYTES
        } else {
            SUM_BYTES
        };
        let patches_at_once = (at_once / patch).clamp(1, geometry.patches(geometry.band_rows));
        Some(Lookup {
            arch,
            name: A::NAMES[usize::from(multiplied)][row][bits],
            indices: pack::indices::<A>(convolution, &geometry, &blocks),
            indices_per_block: pack::block_indices::<A>(&geometry, planes),
            planes,
            positions,
            largest: A::UNIT as u32 * code.max() as u32,
            shift,
            pace,
            patches_at_once,
            sizes: Sizes::new::<A>(&geometry, patches_at_once, widths),
            finish,
            blocks,
            geometry,
        })
    }

    /// A small map: tables by rows, then blocks of channels, each shared by the team.
    fn run_one_band(&self, input: &[u8], output: Output<'_>, scratch: &mut [u8], team: &Team) {
        let (mut shared, members) = scratch.split_at_mut(self.sizes.band_bytes());
        let band = self.sizes.band(&mut shared);
        let members = Parts::new(members);
        let work = |member: usize| {
            let bytes = self.sizes.work_bytes();
            // SAFETY: every member takes its own part, one at a time.
            let mut memory = unsafe { members.part(member * bytes..(member + 1) * bytes) };
            self.sizes.work(&mut memory)
        };
        let rows = self.geometry.table_rows(self.geometry.rows);
        let (tables, sums) = (Parts::new(band.tables), Parts::new(band.sums));
        team.run(&|member| {
            let mine = team.share(member, rows);
            let (pitch, sum_pitch) = (self.geometry.row_pitch, self.sum_pitch());
            // SAFETY: members have rows of their own.
            let mut band = unsafe {
                Band {
                    tables: tables.part(mine.start * pitch..mine.end * pitch),
                    sums: sums.part(mine.start * sum_pitch..mine.end * sum_pitch),
                }
            };
            tables::clear_sides(&self.geometry, band.tables);
            self.make_tables(
                input,
                mine.start,
                0..mine.len(),
                &mut band,
                work(member).line,
            );
        });
        let (tables, sums) = (&*band.tables, &*band.sums);
        team.run(&|member| {
            let mut work = work(member);
            let rows = self.geometry.rows;
            self.run_blocks(
                tables,
                sums,
                rows,
                0,
                team.share(member, self.blocks.len()),
                &mut work,
                &output,
            );
        });
    }

    /// A large map: each member has a run of rows, which it takes band by band.
    fn run_bands(&self, input: &[u8], output: Output<'_>, scratch: &mut [u8], team: &Team) {
        let members = Parts::new(scratch);
        let step = self.geometry.patch.size[0];
        team.run(&|member| {
            let bytes = self.sizes.band_bytes() + self.sizes.work_bytes();
            // SAFETY: every member takes its own part.
            let mut memory = unsafe { members.part(member * bytes..(member + 1) * bytes) };
            let mut band = self.sizes.band(&mut memory);
            let mut work = self.sizes.work(&mut memory);
            let mine = team.share(member, self.geometry.rows / step);
            let (mut first, end) = (mine.start * step, mine.end * step);
            tables::clear_sides(&self.geometry, band.tables);
            let mut kept = 0;
            while first < end {
                let rows = self.geometry.band_rows.min(end - first);
                let table_rows = self.geometry.table_rows(rows);
                let table_row = first * self.geometry.stride[0];
                self.make_tables(input, table_row, kept..table_rows, &mut band, work.line);
                let blocks = 0..self.blocks.len();
                self.run_blocks(
                    band.tables,
                    band.sums,
                    rows,
                    first,
                    blocks,
                    &mut work,
                    &output,
                );
                kept = self.keep(table_rows, rows, &mut band);
                first += rows;
            }
        });
    }

    /// Moves the tables that the next band shares with this one to its front.
    fn keep(&self, table_rows: usize, rows: usize, band: &mut Band<'_>) -> usize {
        let used = (rows * self.geometry.stride[0]).min(table_rows);
        let (pitch, sums) = (self.geometry.row_pitch, self.sum_pitch());
        band.tables.copy_within(used * pitch..table_rows * pitch, 0);
        band.sums.copy_within(used * sums..table_rows * sums, 0);
        table_rows - used
    }

    /// Sums of a row of tables.
    fn sum_pitch(&self) -> usize {
        self.geometry.groups * self.geometry.table_columns
    }

    /// Makes some rows of a band whose first row is table row `first` of the map.
    fn make_tables(
        &self,
        input: &[u8],
        first: usize,
        rows: Range<usize>,
        band: &mut Band<'_>,
        line: &mut [u8],
    ) {
        let (pitch, sum_pitch) = (self.geometry.row_pitch, self.sum_pitch());
        for row in rows {
            let tables = &mut band.tables[row * pitch..][..pitch];
            let sums = &mut band.sums[row * sum_pitch..][..sum_pitch];
            tables::row(
                self.arch,
                &self.geometry,
                input,
                first + row,
                tables,
                sums,
                line,
            );
        }
    }

    /// Sums of codes under the windows of some rows, from a group's sums by table column.
    fn make_areas(&self, sums: &[i32], rows: usize, work: &mut Work<'_>) {
        let (geometry, pitch) = (&self.geometry, self.sum_pitch());
        if self.positions.is_empty() {
            tables::areas(geometry, sums, pitch, rows, work.column, work.areas);
        } else {
            let positions = &self.positions;
            tables::multiplied_areas(geometry, positions, sums, pitch, rows, work.areas);
        }
    }

    /// Computes some blocks of channels of a band.
    #[allow(clippy::too_many_arguments)]
    fn run_blocks(
        &self,
        tables: &[u8],
        sums: &[i32],
        rows: usize,
        first_row: usize,
        blocks: Range<usize>,
        work: &mut Work<'_>,
        output: &Output<'_>,
    ) {
        let geometry = &self.geometry;
        let mut group = usize::MAX;
        let down = if geometry.pooling == Pooling::Halve {
            2
        } else {
            1
        };
        let first_pixel = first_row / down * geometry.output_size()[1];
        for index in blocks {
            let block = &self.blocks[index];
            if block.group != group {
                group = block.group;
                let sums = &sums[group * geometry.table_columns..];
                self.make_areas(sums, rows, work);
            }
            let group_pitch = geometry.row_pitch / geometry.groups;
            let view = View {
                tables: &tables[group * group_pitch..],
                areas: work.areas,
                rows,
                first_pixel,
            };
            self.run_block(&view, index, work.sums, work.wide, output);
            if geometry.pooling == Pooling::Smooth {
                self.smooth(block, output);
            }
        }
    }
}

/// The code, if the method can read it.
fn served(code: Code) -> Option<Code> {
    (!code.signed && code.zero == 0 && code.bits <= 4).then_some(code)
}

/// Whether the 16-bit sums of a chunk, or of a position in it, cannot overflow, nor those of 32 bits.
fn fits_wide<A: Arch>(
    geometry: &Geometry,
    planes: usize,
    code: Code,
    multiplied: &[Position],
) -> bool {
    let largest = geometry
        .chunks
        .iter()
        .map(|chunk| chunk.lookups)
        .max()
        .unwrap_or(0);
    let positions = geometry.kernel[0] * geometry.kernel[1];
    let (largest, times) = match multiplied {
        [] => (largest, positions),
        _ => {
            let times = multiplied.iter().map(|p| p.multiplier as usize).sum();
            (largest / positions, times)
        }
    };
    let total = geometry.channels * times * code.max() as usize * planes;
    largest * planes * A::UNIT * code.max() as usize <= usize::from(u16::MAX)
        && total <= i32::MAX as usize / 2
}

impl<A: Arch> Kernel for Lookup<A> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        let (band, work) = (self.sizes.band_bytes(), self.sizes.work_bytes());
        if self.geometry.shared {
            band + threads * work
        } else {
            threads * (band + work)
        }
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let input = inputs[0].unsigned();
        assert_eq!(
            input.len(),
            self.geometry.input.elements(),
            "size of the input"
        );
        let output = Output::new(output);
        if self.geometry.shared {
            self.run_one_band(input, output, scratch, team);
        } else {
            self.run_bands(input, output, scratch, team);
        }
    }
}
