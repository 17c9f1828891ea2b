//! Weights to panels of sixteen output channels, in the order in which a tile reads them.

use super::arch::{Arch, LANES};
use super::geometry::{Geometry, Run};
use crate::kernel::Task;
use crate::tensor::Buffer;
use std::ops::Range;

/// Sixteen output channels (or fewer) of one group.
#[derive(Debug)]
pub(super) struct Panel {
    /// Its output channels.
    pub(super) outputs: Range<usize>,
    /// The first input channel that it reads.
    pub(super) input: usize,
}

/// All weights of a convolution.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) panels: Vec<Panel>,
    pub(super) runs: Vec<Run>,
    /// 16-bit weights of a panel.
    panel_len: usize,
    weights: Buffer,
}

impl Packed {
    /// Panels for [`Arch::dense`].
    pub(super) fn dense<A: Arch>(task: &Task<'_>, geometry: &Geometry) -> Packed {
        let c = task.convolution;
        let (inputs, outputs) = (task.input.channels / c.groups, c.out_channels / c.groups);
        let panels = (0..c.groups).flat_map(|group| {
            let all = group * outputs..(group + 1) * outputs;
            panels(all).map(move |outputs| Panel {
                outputs,
                input: group * inputs,
            })
        });
        let runs = geometry.runs(task, inputs, A::STEP);
        let lanes: usize = runs.iter().map(|run| run.len).sum();
        let mut packed = Packed::empty(panels.collect(), runs, lanes * LANES);
        let place = |element: usize, lane: usize| match A::PAIRED {
            true => element / 2 * 2 * LANES + 2 * lane + element % 2,
            false => element * LANES + lane,
        };
        let real = c.window(task.input.channels) / packed.runs.len();
        let run_len = packed.runs[0].len * LANES;
        packed.fill(task, |weight, lane| {
            weight / real * run_len + place(weight % real, lane)
        });
        packed
    }

    /// Panels for [`Arch::by_channel`].
    pub(super) fn by_channel(task: &Task<'_>, geometry: &Geometry) -> Packed {
        let panels = panels(0..task.convolution.out_channels).map(|outputs| Panel {
            input: outputs.start,
            outputs,
        });
        let runs = geometry.runs(task, 1, LANES);
        let len = runs.len() * LANES;
        let mut packed = Packed::empty(panels.collect(), runs, len);
        packed.fill(task, |weight, lane| weight * LANES + lane);
        packed
    }

    fn empty(panels: Vec<Panel>, runs: Vec<Run>, panel_len: usize) -> Packed {
        Packed {
            weights: Buffer::new(2 * panels.len() * panel_len),
            panels,
            runs,
            panel_len,
        }
    }

    /// Puts each weight of a channel where it belongs in its panel.
    fn fill(&mut self, task: &Task<'_>, place: impl Fn(usize, usize) -> usize) {
        let from = task.convolution.weights.unpack();
        let window = task.convolution.window(task.input.channels);
        let to = self
            .weights
            .slice_mut::<i16>(self.panels.len() * self.panel_len);
        for (panel, to) in self.panels.iter().zip(to.chunks_exact_mut(self.panel_len)) {
            for (lane, output) in panel.outputs.clone().enumerate() {
                let channel = &from[output * window..][..window];
                for (i, weight) in channel.iter().enumerate() {
                    to[place(i, lane)] = i16::from(*weight);
                }
            }
        }
    }

    /// The weights of a panel.
    pub(super) fn weights(&self, panel: usize) -> &[i16] {
        let all = self
            .weights
            .slice::<i16>(self.panels.len() * self.panel_len);
        &all[panel * self.panel_len..][..self.panel_len]
    }
}

fn panels(outputs: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let last = outputs.end;
    outputs
        .step_by(LANES)
        .map(move |first| first..last.min(first + LANES))
}
