//! The kernel for maps of many pixels: lanes are positions, and a term adds a piece of a plane.

#![allow(unsafe_code)]

use super::arch::{Arch, MOST_VECTORS, Rows, SIDE};
use super::planes::Planes;
use super::terms::{Limits, Lists};
use super::vector::Vector;
use super::weights;
use crate::kernel::{Kernel, Task};
use crate::kernels::integer::arch::{LANES, MOST_PIXELS};
use crate::kernels::integer::finish::Finish;
use crate::kernels::integer::output::{Output, Spot};
use crate::kernels::integer::pack::{Panel, panels};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use std::ops::Range;
use tincy_network::{Code, Finish as Rule, Thresholds, accumulator};

/// A convolution by lists of the weights that are not zero.
pub(super) struct Positions<A> {
    arch: A,
    code: Code,
    planes: Planes,
    panels: Vec<Panel>,
    lists: Lists,
    ending: Ending,
}

/// What becomes of sums.
enum Ending {
    /// Thresholds less one, by channel, for sums that fit 16 bits: they are counted where they are
    /// summed.
    Count { steps: usize, values: Vec<i16> },
    /// Everything else, as of every integer layer.
    Finish(Finish),
}

impl Ending {
    fn new(task: &Task<'_>, code: Code, panels: &[Panel]) -> Ending {
        let bound = accumulator::bound(task.convolution, code);
        let narrow = bound.min > i64::from(i16::MIN) && bound.max <= i64::from(i16::MAX);
        match &task.convolution.finish {
            Rule::Thresholds(thresholds) if narrow => Ending::count(thresholds),
            _ => Ending::Finish(Finish::new(task.convolution, panels)),
        }
    }

    fn count(thresholds: &Thresholds) -> Ending {
        let (least, most) = (i16::MIN.into(), i16::MAX.into());
        let values = thresholds.values.iter();
        Ending::Count {
            steps: thresholds.steps(),
            values: values
                .map(|t| t.saturating_sub(1).clamp(least, most) as i16)
                .collect(),
        }
    }
}

impl<A: Arch> Positions<A> {
    /// `None` if the planes are too large to be addressed.
    pub(super) fn new(arch: A, task: &Task<'_>, code: Code) -> Option<Positions<A>> {
        let planes = Planes::new(task);
        u32::try_from(planes.bytes()).ok()?;
        let mut panels: Vec<_> = panels(0..task.convolution.out_channels)
            .map(|outputs| Panel::new(outputs, 0))
            .collect();
        let ending = Ending::new(task, code, &panels);
        let counted = matches!(ending, Ending::Count { .. });
        let mut lists = Lists::new(Limits::new(code, counted));
        let place = |at, channel| planes.place(at, channel) as u32;
        weights::each(task, &place, |output, channel| {
            let start = channel.start(code);
            panels[output / LANES].start[output % LANES] = start;
            let start = if counted { start as i16 } else { 0 };
            lists.push(&channel.plus, &channel.minus, start);
        });
        Some(Positions {
            arch,
            code,
            planes,
            panels,
            lists,
            ending,
        })
    }

    /// Bytes of a member's planes, with room for what a tile reads past their end.
    fn planes_bytes(&self) -> usize {
        (self.planes.bytes() + TILE).next_multiple_of(64)
    }

    /// Some rows of some panels.
    fn run_share(
        &self,
        rows: Range<usize>,
        panels: Range<usize>,
        codes: &[u8],
        output: &Output<'_>,
        planes: &mut [u8],
    ) {
        let mut work = Work::new();
        for start in rows.clone().step_by(self.planes.band) {
            let band = start..rows.end.min(start + self.planes.band);
            self.planes.fill(self.arch, codes, self.code, &band, planes);
            let positions = self.planes.positions(band.len());
            for first in (0..positions).step_by(MOST_VECTORS * A::Positions::LANES) {
                let count = (positions - first).min(MOST_VECTORS * A::Positions::LANES);
                let tile = Tile {
                    rows: Rows {
                        planes,
                        first,
                        vectors: count.div_ceil(A::Positions::LANES),
                    },
                    positions: first..first + count,
                    first_pixel: start * self.planes.output.width,
                };
                for panel in panels.clone() {
                    self.run_panel(&tile, panel, &mut work, output);
                }
            }
        }
    }

    fn run_panel(&self, tile: &Tile<'_>, panel: usize, work: &mut Work, output: &Output<'_>) {
        match &self.ending {
            Ending::Count { steps, values } => {
                self.count(tile, panel, *steps, values, work);
                self.for_runs(tile, panel, |run, spot| {
                    // SAFETY: a pixel and panel belong to one member's share, which visits them once.
                    unsafe { output.store(&spot, &work.bytes[run]) };
                });
            }
            Ending::Finish(finish) => {
                self.sum(tile, panel, work);
                self.for_runs(tile, panel, |run, spot| {
                    self.finish(finish, &spot, &work.sums[run.start..], output);
                });
            }
        }
    }

    /// The codes of a panel's channels at the tile's positions.
    fn count(&self, tile: &Tile<'_>, panel: usize, steps: usize, values: &[i16], work: &mut Work) {
        let outputs = self.panels[panel].outputs.clone();
        for (channel, codes) in outputs.zip(&mut work.codes) {
            let thresholds = &values[channel * steps..][..steps];
            for list in self.lists.channel(channel) {
                self.arch.row_codes(&tile.rows, &list, thresholds, codes);
            }
        }
        let blocks = &mut work.bytes.as_chunks_mut().0[..tile.positions.len().div_ceil(SIDE)];
        for (lane, codes) in work.codes.iter().enumerate() {
            for (block, codes) in blocks.iter_mut().zip(codes.as_chunks().0) {
                block[lane] = *codes;
            }
        }
        self.arch.transpose(blocks);
    }

    /// The sums of a panel's channels at the tile's positions.
    fn sum(&self, tile: &Tile<'_>, panel: usize, work: &mut Work) {
        let Panel { outputs, start, .. } = &self.panels[panel];
        for (lane, channel) in outputs.clone().enumerate() {
            for (part, list) in self.lists.channel(channel).enumerate() {
                self.arch.row_sums(&tile.rows, &list, &mut work.line);
                let sums = work.sums.iter_mut().take(tile.positions.len());
                for (sums, own) in sums.zip(&work.line) {
                    let before = if part == 0 { start[lane] } else { sums[lane] };
                    sums[lane] = before.wrapping_add(i32::from(*own));
                }
            }
        }
    }

    /// Calls `each` with the tile's runs of pixels: where they stand in it, and in the map.
    fn for_runs(&self, tile: &Tile<'_>, panel: usize, each: impl Fn(Range<usize>, Spot<'_>)) {
        for run in self.planes.runs(tile.positions.clone()) {
            let pixels = tile.first_pixel + run.pixels.start..tile.first_pixel + run.pixels.end;
            let spot = Spot {
                panel,
                outputs: &self.panels[panel].outputs,
                channels: self.planes.output.channels,
                pixels,
            };
            each(run.first..run.first + spot.pixels.len(), spot);
        }
    }

    /// Finishes the sums of a run of pixels.
    fn finish(&self, finish: &Finish, run: &Spot<'_>, sums: &[[i32; LANES]], output: &Output<'_>) {
        for first in run.pixels.clone().step_by(MOST_PIXELS) {
            let spot = Spot {
                pixels: first..run.pixels.end.min(first + MOST_PIXELS),
                ..*run
            };
            let Some(sums) = sums[first - run.pixels.start..].first_chunk() else {
                panic!("sums of fewer pixels than a tile of the finish");
            };
            // SAFETY: a pixel and panel belong to one member's share, which visits them once.
            unsafe { output.finish(self.arch.finishing(), finish, &spot, sums) };
        }
    }
}

/// Positions of a tile, with the widest vectors.
const TILE: usize = 256;

/// What a panel is summed at.
struct Tile<'a> {
    rows: Rows<'a>,
    positions: Range<usize>,
    /// The first pixel of the band.
    first_pixel: usize,
}

/// What one member of the team works with.
struct Work {
    /// Codes of a panel's channels, position by position.
    codes: [[u8; TILE]; LANES],
    /// Codes of the positions, channel by channel.
    bytes: [[u8; LANES]; TILE],
    /// Sums of a channel.
    line: [i16; TILE],
    /// Sums of the positions, channel by channel, with room for a whole tile of the finish.
    sums: [[i32; LANES]; TILE + MOST_PIXELS],
}

impl Work {
    fn new() -> Work {
        Work {
            codes: [[0; TILE]; LANES],
            bytes: [[0; LANES]; TILE],
            line: [0; TILE],
            sums: [[0; LANES]; TILE + MOST_PIXELS],
        }
    }
}

impl<A: Arch> Kernel for Positions<A> {
    fn name(&self) -> &'static str {
        A::NAMES[0]
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        self.planes_bytes() * threads
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let codes = inputs[0].bytes();
        let (output, planes) = (Output::new(output), Parts::new(scratch));
        let (height, bytes) = (self.planes.output.height, self.planes_bytes());
        // Rows where there are enough for all, else panels.
        let by_rows = height >= 2 * team.size() || height >= self.panels.len();
        team.run(&|member| {
            // SAFETY: each member takes its own planes.
            let planes = unsafe { planes.part(member * bytes..(member + 1) * bytes) };
            let (rows, panels) = match by_rows {
                true => (team.share(member, height), 0..self.panels.len()),
                false => (0..height, team.share(member, self.panels.len())),
            };
            if !panels.is_empty() {
                self.run_share(rows, panels, codes, &output, planes);
            }
        });
    }
}
