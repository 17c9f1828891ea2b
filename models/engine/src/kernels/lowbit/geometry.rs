//! Where tables, tiles and outputs of a layer lie.
//!
//! Tables of a band of rows lie as `[row][group][unit][column][table]`, padding included. A tile is a few
//! output pixels, a *patch* the tiles whose pixels are finished together; a *slot* is a pixel's place
//! in that order. All offsets are in bytes from the band's first table.

use super::arch::{Arch, Patch};
use crate::kernel::Task;
use tincy_network::{Padding, Pool, Shape};

/// Indices of a block of channels are taken in chunks of about this much, so that they stay in a
/// first-level cache while all tiles pass.
const CHUNK_LOOKUPS: usize = 144;

/// Where sums are multiplied by position, chunks are of twice as many, and at least so many units, so that there
/// are few multiplications for each look-up; and at most so many, so that sums of a position, with two
/// planes of 4-bit codes, fit 16 bits.
const MULTIPLIED_UNITS: [usize; 2] = [16, 128];

/// A max pool done in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// None.
    No,
    /// 2x2 with stride 2: pixels meet in a patch.
    Halve,
    /// 2x2 with stride 1, one pixel of padding below and to the right: done on the finished map.
    Smooth,
}

impl Pooling {
    /// The pooling, if it is one of these.
    pub(super) fn new(pool: Option<Pool>) -> Option<Pooling> {
        let Some(pool) = pool else {
            return Some(Pooling::No);
        };
        let after = Padding {
            bottom: 1,
            right: 1,
            ..Padding::default()
        };
        match (pool.size, pool.stride) {
            ([2, 2], [2, 2]) if pool.padding == Padding::default() => Some(Pooling::Halve),
            ([2, 2], [1, 1]) if pool.padding == after => Some(Pooling::Smooth),
            _ => None,
        }
    }
}

/// Offsets of the tables that a tile looks into, and how far the last one reaches.
#[derive(Clone, Copy)]
pub(super) struct Lookups<'a> {
    offsets: &'a [u32],
    reach: usize,
    /// The distances that a 3x3 window without dilation needs at stride 1; its list has nine offsets a
    /// unit.
    pub square: Option<Square>,
}

/// Distances between the tables of a 3x3 window, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Square {
    /// From a row to the next.
    pub row_pitch: usize,
    /// From a unit to the next.
    pub unit_pitch: usize,
    /// Whether patches are those of a pooled layer, two rows each.
    #[cfg(target_arch = "x86_64")]
    pub pooled: bool,
}

impl Lookups<'_> {
    /// The offsets.
    pub(super) fn offsets(&self) -> &[u32] {
        self.offsets
    }

    /// Bytes that looking into all tables needs, from a pixel's base on.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }
}

/// A part of a block's look-ups.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Units.
    pub units: std::ops::Range<usize>,
    /// Offset of its first unit's tables.
    pub base: usize,
    /// Look-ups of one plane of indices, padded to whole runs.
    pub lookups: usize,
}

/// An output pixel of a band.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Its number in the band, row by row; `u32::MAX` for none.
    pub pixel: u32,
    /// The slots that it is made of, counted from the band's first; all the same without pooling.
    pub slots: [u32; 4],
    /// For each of these, the place of its window's sum of codes.
    pub areas: [u32; 4],
}

/// Everything that does not depend on weights.
pub(super) struct Geometry {
    pub input: Shape,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: Padding,
    pub pooling: Pooling,
    pub groups: usize,
    /// Input channels of a group, and the same rounded up to what the table builder takes.
    pub channels: usize,
    pub padded_channels: usize,
    /// Output channels.
    pub outputs: usize,
    /// Rows and columns that are computed, before any pooling.
    pub rows: usize,
    pub columns: usize,
    /// Rows of a full band, a multiple of the patch's.
    pub band_rows: usize,
    /// Whether all rows make one band, which the team shares by channels, not by rows.
    pub shared: bool,
    pub patch: Patch,
    /// Bytes of a table.
    pub table: usize,
    /// Tables of a row.
    pub table_columns: usize,
    pub unit_pitch: usize,
    pub row_pitch: usize,
    /// One look-up list serves all chunks.
    offsets: Vec<u32>,
    reach: usize,
    square: bool,
    pub chunks: Vec<Chunk>,
    /// Table of each slot's first look-up.
    pub bases: Vec<u32>,
    pub targets: Vec<Target>,
}

/// Rows and columns that are computed: those that a pool takes by pairs, in whole pairs. `None` if there are none.
fn computed(task: &Task<'_>, pooling: Pooling) -> Option<[usize; 2]> {
    let Shape { height, width, .. } = task.sums();
    let sides = match pooling {
        Pooling::Halve => [height & !1, width & !1],
        _ => [height, width],
    };
    (!sides.contains(&0)).then_some(sides)
}

impl Geometry {
    /// The geometry of a task, or `None` if the pool cannot be done in the same pass.
    pub(super) fn new<A: Arch>(task: &Task<'_>, run: usize) -> Option<Geometry> {
        let (convolution, input) = (task.convolution, task.input);
        let pooling = Pooling::new(task.pool)?;
        let [rows, columns] = computed(task, pooling)?;
        let [ky, kx] = convolution.kernel;
        let ([sy, sx], [dy, dx]) = (convolution.stride, convolution.dilation);
        let square = [ky, kx, sy, sx, dy, dx] == [3, 3, 1, 1, 1, 1];
        let patch = match pooling {
            Pooling::Halve => A::POOLED_PATCH,
            _ => Patch {
                aligned: A::PATCH.aligned && square,
                ..A::PATCH
            },
        };
        let channels = input.channels / convolution.groups;
        let last_column =
            columns.next_multiple_of(if patch.aligned { patch.size[1] } else { 1 }) - 1;
        let width = input.width + convolution.padding.left + convolution.padding.right;
        let table_columns = width.max(last_column * sx + (kx - 1) * dx + 1);
        let padded_channels = channels.next_multiple_of(A::STEP);
        let unit_pitch = table_columns * A::TABLE;
        let mut geometry = Geometry {
            input,
            kernel: [ky, kx],
            stride: [sy, sx],
            dilation: [dy, dx],
            padding: convolution.padding,
            pooling,
            groups: convolution.groups,
            channels,
            padded_channels,
            outputs: convolution.out_channels,
            rows,
            columns,
            band_rows: rows,
            shared: false,
            patch,
            table: A::TABLE,
            table_columns,
            unit_pitch,
            row_pitch: unit_pitch * convolution.groups * padded_channels.div_ceil(A::UNIT),
            offsets: Vec::new(),
            reach: 0,
            square,
            chunks: Vec::new(),
            bases: Vec::new(),
            targets: Vec::new(),
        };
        geometry.set_band(A::BAND_BYTES);
        let units = channels.div_ceil(A::UNIT);
        if convolution.weights.multipliers().is_empty() {
            geometry.set_chunks(units, run);
        } else {
            geometry.set_multiplied_chunks(units);
        }
        geometry.set_slots();
        let far = geometry.table_bytes(geometry.band_rows) + geometry.reach;
        (far <= u32::MAX as usize).then_some(geometry)
    }

    /// Rows of tables under `rows` rows of output.
    pub(super) fn table_rows(&self, rows: usize) -> usize {
        (rows - 1) * self.stride[0] + (self.kernel[0] - 1) * self.dilation[0] + 1
    }

    /// Bytes of tables under `rows` rows of output.
    pub(super) fn table_bytes(&self, rows: usize) -> usize {
        self.table_rows(rows) * self.row_pitch
    }

    /// Bytes of a band's tables, with room for look-ups that are only there to fill a run.
    pub(super) fn band_bytes(&self) -> usize {
        self.table_bytes(self.band_rows) + self.reach
    }

    /// Height and width of the output.
    pub(super) fn output_size(&self) -> [usize; 2] {
        match self.pooling {
            Pooling::Halve => [self.rows / 2, self.columns / 2],
            _ => [self.rows, self.columns],
        }
    }

    /// Slots of a patch.
    pub(super) fn patch_slots(&self) -> usize {
        self.patch.size[0] * self.patch.size[1]
    }

    /// Output pixels of a patch.
    pub(super) fn patch_targets(&self) -> usize {
        match self.pooling {
            Pooling::Halve => self.patch_slots() / 4,
            _ => self.patch_slots(),
        }
    }

    /// Pixels that become one output pixel.
    pub(super) fn window_pixels(&self) -> usize {
        if self.pooling == Pooling::Halve { 4 } else { 1 }
    }

    /// Output pixels of `rows` rows.
    pub(super) fn target_pixels(&self, rows: usize) -> u32 {
        let down = if self.pooling == Pooling::Halve { 2 } else { 1 };
        (rows / down * self.output_size()[1]) as u32
    }

    /// Patches that `rows` rows take.
    pub(super) fn patches(&self, rows: usize) -> usize {
        let [height, width] = self.patch.size;
        if self.patch.aligned {
            rows.div_ceil(height) * self.columns.div_ceil(width)
        } else {
            (rows * self.columns).div_ceil(width)
        }
    }

    /// Row and column of a kernel position, in table rows and columns.
    pub(super) fn position(&self, k: usize) -> [usize; 2] {
        let [_, columns] = self.kernel;
        [
            k / columns * self.dilation[0],
            k % columns * self.dilation[1],
        ]
    }

    /// The look-ups of a chunk.
    pub(super) fn lookups(&self, chunk: &Chunk) -> Lookups<'_> {
        let square = Square {
            row_pitch: self.row_pitch,
            unit_pitch: self.unit_pitch,
            #[cfg(target_arch = "x86_64")]
            pooled: self.pooling == Pooling::Halve,
        };
        Lookups {
            offsets: &self.offsets[..chunk.lookups],
            reach: self.reach,
            square: self.square.then_some(square),
        }
    }

    /// A small map with many weights is one band: its tables are made once, and its weights read
    /// once. A large map goes by bands.
    fn set_band(&mut self, bytes: usize) {
        let positions = self.kernel[0] * self.kernel[1];
        let weights = positions * self.outputs * self.channels / 4;
        self.shared = self.table_bytes(self.rows) <= weights || self.pooling == Pooling::Smooth;
        if self.shared {
            return;
        }
        let step = self.patch.size[0];
        let fits = (1..=self.rows / step).take_while(|n| self.table_bytes(n * step) <= bytes);
        self.band_rows = step * fits.last().unwrap_or(1);
    }

    fn set_chunks(&mut self, units: usize, run: usize) {
        let positions = self.kernel[0] * self.kernel[1];
        let step = (CHUNK_LOOKUPS / positions).clamp(1, units);
        self.chunks = (0..units)
            .step_by(step)
            .map(|first| {
                let units = first..units.min(first + step);
                Chunk {
                    base: first * self.unit_pitch,
                    lookups: (units.len() * positions).next_multiple_of(run),
                    units,
                }
            })
            .collect();
        for unit in 0..step {
            for y in 0..self.kernel[0] {
                for x in 0..self.kernel[1] {
                    let column = x * self.dilation[1] * self.table;
                    let row = y * self.dilation[0] * self.row_pitch;
                    self.offsets
                        .push((unit * self.unit_pitch + row + column) as u32);
                }
            }
        }
        self.offsets
            .resize(self.chunks[0].lookups.max(self.offsets.len()), 0);
        self.reach = self
            .offsets
            .iter()
            .max()
            .map_or(0, |offset| *offset as usize + self.table);
    }

    /// Chunks whose look-ups go position by position, which takes no list of offsets.
    fn set_multiplied_chunks(&mut self, units: usize) {
        let positions = self.kernel[0] * self.kernel[1];
        let [least, most] = MULTIPLIED_UNITS;
        let step = (2 * CHUNK_LOOKUPS / positions)
            .clamp(least, most)
            .min(units);
        let chunks = (0..units).step_by(step).map(|first| {
            let units = first..units.min(first + step);
            Chunk {
                base: first * self.unit_pitch,
                lookups: units.len() * positions,
                units,
            }
        });
        self.chunks = chunks.collect();
    }

    /// Lays out slots and targets of a full band; a band with fewer rows uses the first of them.
    fn set_slots(&mut self) {
        let [height, width] = self.patch.size;
        let across = self.columns.div_ceil(width);
        for patch in 0..self.patches(self.band_rows) {
            let mut areas = Vec::with_capacity(self.patch_slots());
            for slot in 0..self.patch_slots() {
                let (y, x) = if self.patch.aligned {
                    let (down, right) = (slot / width, slot % width);
                    (
                        patch / across * height + down,
                        patch % across * width + right,
                    )
                } else {
                    let pixel = (patch * width + slot).min(self.band_rows * self.columns - 1);
                    (pixel / self.columns, pixel % self.columns)
                };
                let (y, x) = (y.min(self.band_rows - 1), x * self.stride[1]);
                let row = y * self.stride[0] * self.row_pitch;
                self.bases.push((row + x * self.table) as u32);
                areas.push((y * self.table_columns + x) as u32);
            }
            for n in 0..self.patch_targets() {
                let (pixel, slots) = self.target(patch, n);
                self.targets.push(Target {
                    pixel,
                    slots: slots.map(|slot| (patch * self.patch_slots()) as u32 + u32::from(slot)),
                    areas: slots.map(|slot| areas[usize::from(slot)]),
                });
            }
        }
    }

    /// The number of a patch's target `n`, and its slots.
    fn target(&self, patch: usize, n: usize) -> (u32, [u8; 4]) {
        let [height, width] = self.patch.size;
        let [_, out_columns] = self.output_size();
        let across = self.columns.div_ceil(width);
        let (slots, y, x) = match self.pooling {
            Pooling::Halve => {
                let slot = 2 * n as u8;
                let below = slot + width as u8;
                let x = patch % across * (width / 2) + n;
                (
                    [slot, slot + 1, below, below + 1],
                    patch / across * (height / 2),
                    x,
                )
            }
            _ if self.patch.aligned => {
                let (y, x) = (
                    patch / across * height + n / width,
                    patch % across * width + n % width,
                );
                ([n as u8; 4], y, x)
            }
            _ => (
                [n as u8; 4],
                (patch * width + n) / out_columns,
                (patch * width + n) % out_columns,
            ),
        };
        let pixel = if x < out_columns {
            (y * out_columns + x) as u32
        } else {
            u32::MAX
        };
        (pixel, slots)
    }
}
