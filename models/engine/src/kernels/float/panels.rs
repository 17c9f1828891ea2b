//! Weights in the order of their use, and the blocks of channels that are worked on together.

use super::geometry::Geometry;
use super::tile::LANES;
use crate::tensor::Buffer;
use std::ops::Range;
use tincy_network::Convolution;

/// The most input channels of a block: with them a tile's weights stay in the first cache.
const MAX_CHANNELS: usize = 256;

/// The most inputs that one call of an inner loop reads from each pixel, where runs are shorter.
const MAX_INPUTS: usize = 320;

/// Up to [`LANES`] output channels that are summed together.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) first: usize,
    pub(super) channels: usize,
}

impl Panel {
    /// The output channel of each lane, if it has one.
    pub(super) fn lanes(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        let Panel { first, channels } = *self;
        (0..LANES).map(move |lane| (lane < channels).then_some(first + lane))
    }
}

/// Input channels that are copied together, and the panels that read them.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Input channels.
    pub(super) channels: Range<usize>,
    /// Floats a slab pixel.
    pub(super) pitch: usize,
    pub(super) panels: Range<usize>,
    /// Distances in the slab from a window's start to its runs of consecutive inputs.
    pub(super) runs: Vec<usize>,
    /// Inputs of a run.
    pub(super) run: usize,
    /// Runs that one call of an inner loop takes.
    pub(super) runs_a_call: usize,
    /// Packed weights of a run and panel.
    pub(super) run_weights: usize,
    /// Where the first panel's weights start.
    pub(super) weights: usize,
    /// Whether it is the first, and the last, block that these panels add up.
    pub(super) first: bool,
    pub(super) last: bool,
}

impl Block {
    /// Where a panel's weights lie.
    pub(super) fn panel_weights(&self, panel: usize) -> Range<usize> {
        let size = self.runs.len() * self.run_weights;
        let start = self.weights + (panel - self.panels.start) * size;
        start..start + size
    }
}

/// A convolution's weights, packed.
#[derive(Debug)]
pub(super) struct Panels {
    pub(super) panels: Vec<Panel>,
    pub(super) blocks: Vec<Block>,
    weights: Buffer,
    count: usize,
}

impl Panels {
    pub(super) fn new(convolution: &Convolution, geometry: &Geometry) -> Panels {
        let (panels, blocks) = by_group(convolution, geometry);
        let mut packed = Vec::new();
        for block in &blocks {
            for panel in block.panels.clone() {
                let panel = &panels[panel];
                pack(convolution, geometry, block, panel, &mut packed);
            }
        }
        Panels {
            panels,
            blocks,
            weights: Buffer::from_slice(&packed),
            count: packed.len(),
        }
    }

    /// The packed weights.
    pub(super) fn weights(&self) -> &[f32] {
        self.weights.slice(self.count)
    }

    /// Panels whose sums must be kept between blocks.
    pub(super) fn kept(&self) -> usize {
        let unfinished = self.blocks.iter().filter(|b| !b.last);
        unfinished.map(|b| b.panels.len()).max().unwrap_or(1)
    }

    /// The output channel of each lane of each panel.
    pub(super) fn lanes(&self) -> Vec<Option<usize>> {
        self.panels.iter().flat_map(Panel::lanes).collect()
    }
}

/// The panels of each group, and as few blocks of its input channels as the cache allows.
fn by_group(convolution: &Convolution, geometry: &Geometry) -> (Vec<Panel>, Vec<Block>) {
    let (mut panels, mut blocks) = (Vec::new(), Vec::new());
    let inputs = geometry.input.channels / convolution.groups;
    let outputs = convolution.out_channels / convolution.groups;
    let mut weights = 0;
    for group in 0..convolution.groups {
        let first = panels.len();
        panels.extend(cut(group * outputs..(group + 1) * outputs));
        for part in parts(inputs) {
            let mut block = Block {
                channels: group * inputs + part.start..group * inputs + part.end,
                pitch: part.len(),
                panels: first..panels.len(),
                runs: geometry.taps(geometry.slab_width(), part.len()),
                run: part.len(),
                runs_a_call: 1,
                run_weights: 0,
                weights,
                first: part.start == 0,
                last: part.end == inputs,
            };
            join_runs(&mut block, geometry);
            weights += block.panels.len() * block.runs.len() * block.run_weights;
            blocks.push(block);
        }
    }
    (panels, blocks)
}

/// Where kernel columns touch, a kernel row is one run; short runs share a call.
fn join_runs(block: &mut Block, geometry: &Geometry) {
    let [_, columns] = geometry.kernel;
    if geometry.dilation[1] == 1 && block.run * columns <= MAX_INPUTS {
        block.run *= columns;
        block.runs = block.runs.iter().copied().step_by(columns).collect();
    }
    block.runs_a_call = (MAX_INPUTS / block.run).clamp(1, block.runs.len());
    block.run_weights = block.run * LANES;
}

/// Panels for a range of output channels.
fn cut(outputs: Range<usize>) -> Vec<Panel> {
    let end = outputs.end;
    let panel = |first| Panel {
        first,
        channels: LANES.min(end - first),
    };
    outputs.step_by(LANES).map(panel).collect()
}

/// Even parts of a group's input channels, multiples of eight where there are several.
fn parts(inputs: usize) -> impl Iterator<Item = Range<usize>> {
    let count = inputs.div_ceil(MAX_CHANNELS);
    let size = inputs
        .div_ceil(count)
        .next_multiple_of(if count > 1 { 8 } else { 1 });
    (0..inputs)
        .step_by(size)
        .map(move |start| start..inputs.min(start + size))
}

/// Appends a panel's weights for a block: `[ky][kx][input][lane]`.
fn pack(
    convolution: &Convolution,
    geometry: &Geometry,
    block: &Block,
    panel: &Panel,
    packed: &mut Vec<f32>,
) {
    let weights = convolution.weights.as_floats();
    let inputs = geometry.input.channels / convolution.groups;
    let taps = geometry.kernel[0] * geometry.kernel[1];
    for tap in 0..taps {
        for channel in block.channels.clone() {
            let input = channel % inputs;
            let row = (0..LANES).map(|lane| {
                let o = panel.first + lane;
                let used = lane < panel.channels;
                if used {
                    weights[(o * taps + tap) * inputs + input]
                } else {
                    0.0
                }
            });
            packed.extend(row);
        }
    }
}
