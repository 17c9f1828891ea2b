//! The loops around the tiles: bands of rows, blocks of input channels, panels of output channels.
#![allow(unsafe_code)]

use super::finish::{Finish, Output, Rows};
use super::geometry::Geometry;
use super::panels::{Block, Panels};
use super::slab::Slab;
use super::tile::{LANES, MAX_PIXELS, Tile, Tiles};
use crate::kernel::{Kernel, Task};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use std::ops::Range;
use tincy_network::{Affine, Number};

/// Packed weights beyond this many bytes are split among threads rather than read by each.
const SHARED_WEIGHTS: usize = 256 << 10;

/// Tiles whose sums, still in the first cache, are finished together.
const TILES_A_FINISH: usize = 8;

/// A convolution with float weights for the inner loops `T`.
pub(super) struct FloatConvolution<T> {
    tiles: T,
    geometry: Geometry,
    panels: Panels,
    finish: Finish,
    out_channels: usize,
    zero: i32,
    /// Whether tiles read the input itself, without a slab.
    direct: bool,
    band_rows: usize,
    origins: Vec<u32>,
}

/// One run of the kernel.
struct Frame<'a> {
    input: Tensor<'a>,
    output: Output<'a>,
}

/// The part of a frame that one thread works on at a time.
struct Band {
    rows: Range<usize>,
    panels: Range<usize>,
}

/// Input that tiles read: a slab, or the input itself.
struct Source<'a> {
    values: &'a [f32],
    pitch: usize,
}

impl<T: Tiles> FloatConvolution<T> {
    /// `None` if the window does not fit the input.
    pub(super) fn new(tiles: T, task: &Task<'_>, affine: &Affine) -> Option<Self> {
        let geometry = Geometry::new(task.convolution, task.input)?;
        let panels = Panels::new(task.convolution, &geometry);
        let whole = panels.blocks.iter().all(|b| b.first && b.last);
        let direct =
            geometry.is_pointwise() && whole && !panels.depthwise && task.number == Number::F32;
        let pitch = panels.blocks.iter().map(|b| b.pitch).max()?;
        let band_rows = geometry.band_rows(pitch * size_of::<f32>());
        Some(FloatConvolution {
            tiles,
            finish: Finish::new(affine, &panels.lanes()),
            out_channels: task.convolution.out_channels,
            zero: task.number.code().map_or(0, |code| code.zero),
            direct,
            band_rows,
            origins: geometry.origins(band_rows),
            geometry,
            panels,
        })
    }

    fn slab_floats(&self) -> usize {
        let pitch = |b: &Block| b.pitch;
        let pitch = self.panels.blocks.iter().map(pitch).max().unwrap_or(0);
        let pixels = self.geometry.slab_height(self.band_rows) * self.geometry.slab_width();
        // A depthwise tile reads whole panels, beyond the last channel if it must.
        let floats = if self.direct {
            0
        } else {
            pixels * pitch + LANES
        };
        floats.next_multiple_of(LANES)
    }

    /// Floats of one panel's sums over a band.
    fn panel_sums(&self) -> usize {
        self.origins.len().next_multiple_of(T::PIXELS) * LANES
    }

    fn member_floats(&self) -> usize {
        self.slab_floats() + self.panels.kept() * self.panel_sums()
    }

    /// The rows and panels of a member: a split of one or the other, whichever is more even, rows
    /// if the weights are few.
    fn share(&self, team: &Team, member: usize) -> Band {
        let (rows, panels) = (self.geometry.output[0], self.panels.panels.len());
        // Work of the busiest member, in 1/1024 of an even share.
        let busiest = |n: usize| n.div_ceil(team.size()) * team.size() * 1024 / n;
        let heavy = size_of_val(self.panels.weights()) > SHARED_WEIGHTS;
        let by_panel = if heavy {
            busiest(panels) <= busiest(rows) + 100
        } else {
            busiest(panels) + 100 < busiest(rows)
        };
        match by_panel {
            true => Band {
                rows: 0..rows,
                panels: team.share(member, panels),
            },
            false => Band {
                rows: team.share(member, rows),
                panels: 0..panels,
            },
        }
    }

    fn run_share(&self, share: &Band, frame: &Frame<'_>, scratch: &mut [f32]) {
        let (slab, sums) = scratch.split_at_mut(self.slab_floats());
        for rows in Geometry::bands(share.rows.clone(), self.band_rows) {
            for block in &self.panels.blocks {
                let start = block.panels.start.max(share.panels.start);
                let panels = start..block.panels.end.min(share.panels.end);
                if panels.is_empty() {
                    continue;
                }
                let band = Band {
                    rows: rows.clone(),
                    panels,
                };
                let source = self.source(block, &band.rows, frame, slab);
                self.run_block(block, &band, &source, frame, sums);
            }
        }
    }

    fn source<'a>(
        &self,
        block: &Block,
        rows: &Range<usize>,
        frame: &Frame<'a>,
        slab: &'a mut [f32],
    ) -> Source<'a> {
        let map = self.geometry.input;
        if self.direct {
            let start = rows.start * map.width * map.channels + block.channels.start;
            return Source {
                values: &frame.input.floats()[start..],
                pitch: map.channels,
            };
        }
        let part = Slab {
            geometry: &self.geometry,
            rows: rows.clone(),
            channels: block.channels.clone(),
        };
        let inside = &mut slab[..part.len()];
        let zero = self.zero;
        match frame.input {
            Tensor::F32(values) => part.fill(values, inside, 0.0, |v| v),
            Tensor::U8(codes) => part.fill(codes, inside, 0.0, |c| (i32::from(c) - zero) as f32),
            Tensor::I8(codes) => part.fill(codes, inside, 0.0, |c| (i32::from(c) - zero) as f32),
        }
        Source {
            values: slab,
            pitch: block.pitch,
        }
    }

    fn run_block(
        &self,
        block: &Block,
        band: &Band,
        source: &Source<'_>,
        frame: &Frame<'_>,
        sums: &mut [f32],
    ) {
        let calls = block.runs.len().div_ceil(block.runs_a_call);
        for panel in band.panels.clone() {
            let kept = if block.first && block.last {
                0
            } else {
                panel - block.panels.start
            };
            let sums = &mut sums[kept * self.panel_sums()..][..self.panel_sums()];
            let weights = &self.panels.weights()[block.panel_weights(panel)];
            for call in 0..calls {
                let runs =
                    call * block.runs_a_call..block.runs.len().min((call + 1) * block.runs_a_call);
                let step = Step {
                    block,
                    weights: &weights[runs.start * block.run_weights..runs.end * block.run_weights],
                    runs: &block.runs[runs],
                    panel,
                    fresh: block.first && call == 0,
                    last: block.last && call + 1 == calls,
                };
                self.run_tiles(&step, &band.rows, source, frame, sums);
            }
        }
    }

    /// Adds one call's runs to all tiles of a band and panel.
    fn run_tiles(
        &self,
        step: &Step<'_>,
        rows: &Range<usize>,
        source: &Source<'_>,
        frame: &Frame<'_>,
        sums: &mut [f32],
    ) {
        let width = self.geometry.output[1];
        let origins = &self.origins[..rows.len() * width];
        let prefetch = Prefetch::new(step.weights, origins.len().div_ceil(T::PIXELS));
        let pixels = T::PIXELS * TILES_A_FINISH;
        for (group, origins) in origins.chunks(pixels).enumerate() {
            // Where one call does the whole sum, the same small memory serves all groups.
            let whole = step.fresh && step.last;
            let start = if whole { 0 } else { group * pixels * LANES };
            let sums = &mut sums[start..][..origins.len() * LANES];
            let tiles = sums.chunks_mut(T::PIXELS * LANES);
            for (t, (origins, sums)) in origins.chunks(T::PIXELS).zip(tiles).enumerate() {
                let lines = prefetch.lines(group * TILES_A_FINISH + t);
                lines.for_each(|line| self.tiles.prefetch(line));
                self.run_tile(step, source, origins, sums);
            }
            if step.last {
                self.finish_sums(step, rows.start * width + group * pixels, frame, sums);
            }
        }
    }

    /// Finishes the sums of some pixels, from output pixel `pixel` on.
    fn finish_sums(&self, step: &Step<'_>, pixel: usize, frame: &Frame<'_>, sums: &[f32]) {
        let panel = &self.panels.panels[step.panel];
        let rows = Rows {
            finish: &self.finish,
            panel: step.panel,
            sums,
            output: &frame.output,
            start: pixel * self.out_channels + panel.first,
            step: self.out_channels,
            channels: panel.channels,
        };
        // SAFETY: `share` gives each member rows or panels of its own, and a pixel and panel are
        // one member's.
        unsafe { self.tiles.finish(&rows) };
    }

    fn run_tile(&self, step: &Step<'_>, source: &Source<'_>, origins: &[u32], sums: &mut [f32]) {
        let panel = &self.panels.panels[step.panel];
        let first = if self.panels.depthwise {
            panel.first
        } else {
            0
        };
        let start = source.values[first..].as_ptr();
        let mut pixels = [start; MAX_PIXELS];
        for (pixel, origin) in pixels.iter_mut().zip(origins) {
            *pixel = start.wrapping_add(*origin as usize * source.pitch);
        }
        let tile = Tile {
            pixels,
            count: origins.len(),
            runs: step.runs,
            run: step.block.run,
            weights: step.weights.as_ptr(),
            sums: sums.as_mut_ptr(),
            fresh: step.fresh,
            wide: 2 * panel.channels > LANES,
        };
        // SAFETY: the slab (or the input of a pointwise convolution) holds the whole window of
        // each origin of the band: `Geometry` computes its size from the same numbers as origins
        // and runs; behind it are LANES floats more for the last panel of a depthwise one. The
        // weights are `runs.len() * run_weights`, the sums `count * LANES` floats.
        unsafe {
            if self.panels.depthwise {
                self.tiles.depthwise(&tile);
            } else {
                self.tiles.dense(&tile);
            }
        }
    }
}

/// One call of the inner loop for each tile of a band.
struct Step<'a> {
    block: &'a Block,
    weights: &'a [f32],
    runs: &'a [usize],
    panel: usize,
    fresh: bool,
    last: bool,
}

/// Asks for the weights of the next call, which follow this call's, a few lines with each tile:
/// they come from far away, and a call is too short to hide that.
struct Prefetch {
    start: *const f32,
    lines: usize,
    lines_a_tile: usize,
}

impl Prefetch {
    fn new(weights: &[f32], tiles: usize) -> Prefetch {
        let lines = weights.len() / LANES;
        Prefetch {
            start: weights.as_ptr_range().end,
            lines,
            lines_a_tile: lines.div_ceil(tiles),
        }
    }

    /// The cache lines for one tile; beyond the last weights they are no valid addresses.
    fn lines(&self, tile: usize) -> impl Iterator<Item = *const f32> {
        let first = (tile * self.lines_a_tile).min(self.lines);
        let end = (first + self.lines_a_tile).min(self.lines);
        let start = self.start;
        (first..end).map(move |line| start.wrapping_add(line * LANES))
    }
}

impl<T: Tiles> Kernel for FloatConvolution<T> {
    fn name(&self) -> &'static str {
        match (self.panels.depthwise, self.geometry.is_pointwise()) {
            (true, _) => T::NAMES[2],
            (false, true) => T::NAMES[1],
            (false, false) => T::NAMES[0],
        }
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        threads * self.member_floats() * size_of::<f32>()
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let frame = Frame {
            input: inputs[0],
            output: Output::new(output),
        };
        let floats = self.member_floats();
        let bytes = self.scratch_bytes(team.size());
        let scratch = Parts::new(bytemuck::cast_slice_mut::<u8, f32>(&mut scratch[..bytes]));
        team.run(&|member| {
            // SAFETY: each member takes a part of its own.
            let scratch = unsafe { scratch.part(member * floats..(member + 1) * floats) };
            self.run_share(&self.share(team, member), &frame, scratch);
        });
    }
}
