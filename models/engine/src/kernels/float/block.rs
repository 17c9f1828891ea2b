//! One block of input channels: its panels, the calls of the inner loop, and what becomes of sums.
#![allow(unsafe_code)]

use super::convolution::{Band, FloatConvolution, Frame, Source};
use super::finish::{POOLED, Rows};
use super::panels::Block;
use super::tile::{Ahead, LANES, Strip, Tiles};
use std::ops::Range;

/// Tiles whose sums, still in the first cache, are finished together.
const TILES_A_FINISH: usize = 8;

/// One call of the inner loop for each tile of a band.
struct Step<'a> {
    block: &'a Block,
    weights: &'a [f32],
    runs: &'a [usize],
    panel: usize,
    fresh: bool,
    last: bool,
}

impl<T: Tiles> FloatConvolution<T> {
    /// Adds a block to the sums of a band, panel by panel, and finishes them after the last block.
    pub(super) fn run_block(
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
        let ahead = Ahead::new(step.weights, origins.len().div_ceil(T::PIXELS));
        let pixels = T::PIXELS * TILES_A_FINISH;
        for (group, origins) in origins.chunks(pixels).enumerate() {
            // Where one call does the whole sum, the same small memory serves all groups.
            let whole = step.fresh && step.last;
            let start = if whole { 0 } else { group * pixels * LANES };
            let sums = &mut sums[start..][..origins.len() * LANES];
            self.run_strip(
                step,
                source,
                origins,
                sums,
                ahead.after(group * TILES_A_FINISH),
            );
            if step.last {
                self.finish_sums(step, rows.start * width + group * pixels, frame, sums);
            }
        }
    }

    fn run_strip(
        &self,
        step: &Step<'_>,
        source: &Source<'_>,
        origins: &[u32],
        sums: &mut [f32],
        ahead: Ahead,
    ) {
        let strip = Strip {
            input: source.values.as_ptr(),
            pitch: source.pitch,
            origins,
            runs: step.runs,
            run: step.block.run,
            weights: step.weights.as_ptr(),
            sums: sums.as_mut_ptr(),
            fresh: step.fresh,
            wide: 2 * self.panels.panels[step.panel].channels > LANES,
            ahead,
        };
        // SAFETY: the slab (or the input of a pointwise convolution) holds the whole window of
        // each origin of the band: `Geometry` computes its size from the same numbers as origins
        // and runs. The weights are `runs.len() * run_weights`, the sums LANES for each origin.
        unsafe { self.tiles.dense(&strip) };
    }

    /// Finishes the sums of some pixels, from the `pixel`th on in the order of the sums.
    fn finish_sums(&self, step: &Step<'_>, pixel: usize, frame: &Frame<'_>, sums: &[f32]) {
        let panel = &self.panels.panels[step.panel];
        let pixel = if self.pooled { pixel / POOLED } else { pixel };
        let rows = Rows {
            finish: &self.finish,
            panel: step.panel,
            sums,
            output: &frame.output,
            start: pixel * self.out_channels + panel.first,
            step: self.out_channels,
            channels: panel.channels,
            pooled: self.pooled,
        };
        // SAFETY: `share` gives each member rows or panels of its own, and a pixel and panel are
        // one member's.
        unsafe { self.tiles.finish(&rows) };
    }
}
