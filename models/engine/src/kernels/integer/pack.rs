//! Weights to panels of sixteen output channels, in the order in which a tile reads them.

use super::arch::{Arch, LANES, Window};
use super::geometry::Geometry;
#[cfg(target_arch = "x86_64")]
use super::geometry::Run;
use super::pairs::Again;
#[cfg(target_arch = "x86_64")]
use super::pairs::{Half, Split};
use crate::kernel::Task;
use crate::tensor::Buffer;
use std::marker::PhantomData;
use std::ops::Range;
use tincy_network::Code;

/// Sixteen output channels (or fewer) of one group.
#[derive(Debug)]
pub(in crate::kernels) struct Panel {
    /// Its output channels.
    pub(in crate::kernels) outputs: Range<usize>,
    /// The first input channel that it reads.
    pub(super) input: usize,
    /// What each channel's sum starts from, so that elements may be above `code - zero`.
    pub(in crate::kernels) start: [i32; LANES],
    /// Its weights.
    weights: Range<usize>,
    /// Elements with second weights.
    pub(super) again: Again,
}

impl Panel {
    pub(in crate::kernels) fn new(outputs: Range<usize>, input: usize) -> Panel {
        Panel {
            outputs,
            input,
            start: [0; LANES],
            weights: 0..0,
            again: Again::NONE,
        }
    }
}

/// All weights of a convolution.
#[derive(Debug)]
pub(super) struct Packed<A> {
    pub(super) panels: Vec<Panel>,
    pub(super) window: Window,
    /// How many fours' products are added in 16 bits.
    pub(super) depth: usize,
    /// Weights of all panels.
    len: usize,
    weights: Buffer,
    arch: PhantomData<A>,
}

impl<A: Arch> Packed<A> {
    /// Panels for [`Arch::dense`].
    pub(super) fn dense(task: &Task<'_>, geometry: &Geometry, code: Code) -> Packed<A> {
        let c = task.convolution;
        let (inputs, outputs) = (task.input.channels / c.groups, c.out_channels / c.groups);
        let panels = (0..c.groups).flat_map(|group| {
            let all = group * outputs..(group + 1) * outputs;
            panels(all).map(move |outputs| (outputs, group * inputs))
        });
        let window = Window::new(geometry.runs(task, inputs, A::STEP));
        let len = window.elements() * LANES;
        let place = |element: usize, lane: usize| {
            let (group, member) = (element / A::GROUP, element % A::GROUP);
            group * A::GROUP * LANES + lane * A::GROUP + member
        };
        let real = c.window(task.input.channels) / window.runs().len();
        let run_len = window.runs()[0].len * LANES;
        let mut packed = Packed::empty(panels, window, len);
        packed.fill(task, code, |weight, lane| {
            weight / real * run_len + place(weight % real, lane)
        });
        packed
    }

    /// Panels for [`Arch::by_channel`].
    pub(super) fn by_channel(task: &Task<'_>, geometry: &Geometry, code: Code) -> Packed<A> {
        let panels = panels(0..task.convolution.out_channels).map(|all| (all.clone(), all.start));
        let window = Window::new(geometry.runs(task, 1, LANES));
        let len = window.runs().len().next_multiple_of(A::GROUP) * LANES;
        let mut packed = Packed::empty(panels, window, len);
        packed.fill(task, code, A::place_by_channel);
        packed
    }

    fn empty(
        panels: impl Iterator<Item = (Range<usize>, usize)>,
        window: Window,
        panel_len: usize,
    ) -> Packed<A> {
        let mut panels: Vec<_> = panels
            .map(|(outputs, input)| Panel::new(outputs, input))
            .collect();
        for (i, panel) in panels.iter_mut().enumerate() {
            panel.weights = i * panel_len..(i + 1) * panel_len;
        }
        let len = panels.len() * panel_len;
        Packed {
            weights: Buffer::new(size_of::<A::Weight>() * len),
            len,
            panels,
            window,
            depth: 1,
            arch: PhantomData,
        }
    }

    /// Puts each weight of a channel where it belongs in its panel.
    fn fill(&mut self, task: &Task<'_>, code: Code, place: impl Fn(usize, usize) -> usize) {
        let from = task.convolution.weights.unpack();
        let window = task.convolution.window(task.input.channels);
        let surplus: i32 = A::padding(code.zero, code.signed).into();
        let all = self.weights.slice_mut::<A::Weight>(self.len);
        for panel in &mut self.panels {
            let to = &mut all[panel.weights.clone()];
            for (lane, output) in panel.outputs.clone().enumerate() {
                let channel = &from[output * window..][..window];
                for (i, weight) in channel.iter().enumerate() {
                    to[place(i, lane)] = A::Weight::from(*weight);
                }
                // Sums may pass 32 bits on the way and come back; they are proved to fit at the end.
                let sum = channel
                    .iter()
                    .fold(0, |sum: i32, w| sum.wrapping_add(i32::from(*w)));
                panel.start[lane] = sum.wrapping_mul(surplus).wrapping_neg();
            }
        }
    }

    /// The weights of a panel.
    pub(super) fn weights(&self, panel: usize) -> &[A::Weight] {
        &self.weights.slice(self.len)[self.panels[panel].weights.clone()]
    }
}

#[cfg(target_arch = "x86_64")]
impl<A: Arch<Weight = i8>> Packed<A> {
    /// The weights by fours of elements and halves of channels.
    pub(super) fn halves(&self) -> &[Half] {
        self.weights.slice(self.len).as_chunks().0
    }

    /// Splits the weights.
    pub(super) fn split(mut self, split: Split) -> Packed<A> {
        let halves: &[Half] = self.weights.slice(self.len).as_chunks().0;
        let fours: Vec<usize> = self.window.runs().iter().flat_map(Run::fours).collect();
        let mut packed: Vec<i8> = Vec::with_capacity(self.len);
        for (panel, halves) in self.panels.iter_mut().zip(halves.chunks(2 * fours.len())) {
            let first = packed.len();
            let mut again = [Vec::new(), Vec::new()];
            let mut second: [Vec<Half>; 2] = Default::default();
            for (i, half) in halves.iter().enumerate() {
                let mut half = *half;
                if let Some(rest) = split.split(&mut half) {
                    again[i % 2].push(fours[i / 2]);
                    second[i % 2].push(rest);
                }
                packed.extend(half);
            }
            second
                .iter()
                .for_each(|half| packed.extend(half.as_flattened()));
            panel.weights = first..packed.len();
            panel.again = Again::new(again);
        }
        (self.depth, self.len) = (split.depth, packed.len());
        self.weights = Buffer::from_slice(&packed);
        self
    }
}

/// The channels of each panel.
pub(in crate::kernels) fn panels(outputs: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let last = outputs.end;
    outputs
        .step_by(LANES)
        .map(move |first| first..last.min(first + LANES))
}
