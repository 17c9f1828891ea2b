//! The layers of a network as passes of the core, and where everything lies in memory.
//!
//! A program is a chain: convolutions one after the other, with a pool behind some. Memory holds the
//! weights of all passes, the first input, two maps that take turns, and room for a pass whose
//! channels are joined to those of another. The first input has its place for itself: lanes of a
//! pixel's last block that have no channel must be zero, and only there nothing else is ever written.

use super::geometry::Geometry;
use super::pixel;
use super::weights::{self, Layout};
use crate::memory::LINE;
use crate::{Error, Result};
use std::ops::Range;
use tincy_bitstreams::overlay::Overlay;
use tincy_network::{Layer, Network, Op, Pool, Shape, Source};

/// A chain of layers, ready for a core.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) passes: Vec<Pass>,
    /// All weights, as they lie from the start of the memory on.
    pub(super) weights: Vec<u8>,
    pub(super) input: Place,
    pub(super) output: Place,
    pub(super) bits: usize,
    pub(super) pixel_bytes: usize,
    bytes: usize,
}

/// A map in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// First byte.
    pub(super) start: usize,
    pub(super) shape: Shape,
}

/// Two starts of the core: loading, computing.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) name: String,
    pub(super) geometry: Geometry,
    /// First bytes of the weight buffers.
    pub(super) weights: [usize; 2],
    /// First byte of the input map.
    pub(super) source: usize,
    /// First byte of the map that is written.
    pub(super) target: usize,
    pub(super) join: Option<Join>,
}

/// What the CPU does after a pass that holds some channels of a map: its bytes of each pixel go to
/// their place in the map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Join {
    /// First byte of the whole map.
    pub(super) map: usize,
    /// First byte within a pixel.
    pub(super) at: usize,
    /// Bytes of a pixel.
    pub(super) len: usize,
}

/// A convolution and the pool behind it.
struct Stage<'a> {
    name: String,
    layer: &'a Layer,
    geometry: Geometry,
    output: Shape,
}

impl Program {
    /// The layers of a range as a program for an overlay.
    ///
    /// # Errors
    /// If they are no chain, or one of them cannot be run: which, and why.
    pub fn new(network: &Network, layers: Range<usize>, overlay: &Overlay) -> Result<Program> {
        let stages = stages(network, layers.clone(), overlay)?;
        let first = network.layers()[layers.start].inputs()[0];
        let input = network.tensor(first).0;
        let pixel_bytes = (overlay.pixel_words() * overlay.word_bytes) as usize;
        let mut end = 0;
        let mut take = |bytes: usize| {
            let start = end;
            end += bytes.next_multiple_of(LINE);
            start
        };
        let mut program = Program {
            passes: Vec::new(),
            weights: Vec::new(),
            input: Place {
                start: 0,
                shape: input,
            },
            output: Place {
                start: 0,
                shape: stages[stages.len() - 1].output,
            },
            bits: overlay.activation_bits as usize,
            pixel_bytes,
            bytes: 0,
        };
        for stage in &stages {
            program.pack(stage, overlay, &mut take);
        }
        let map = |stage: &Stage| stage.output.pixels() * pixel_bytes;
        program.input.start = take(input.pixels() * pixel_bytes);
        let turns = [0, 1].map(|turn| {
            let maps = stages.iter().skip(turn).step_by(2).map(map);
            take(maps.max().unwrap_or(0))
        });
        let parts = stages
            .iter()
            .filter(|stage| stage.is_joined(overlay))
            .map(map);
        let part = take(parts.max().unwrap_or(0));
        program.bytes = end;
        program.place(&stages, turns, part, overlay);
        Ok(program)
    }

    /// The chain of layers with the most operations that an overlay can run; `None` if it can run none.
    pub fn longest(network: &Network, overlay: &Overlay) -> Option<Range<usize>> {
        let all = network.layers().len();
        let chain = |start: usize| {
            let mut ends = (start + 1..=all).rev();
            let fits = |end: &usize| stages(network, start..*end, overlay).is_ok();
            ends.find(fits).map(|end| start..end)
        };
        let operations = |range: &Range<usize>| -> u64 {
            range.clone().map(|index| network.operations(index)).sum()
        };
        (0..all).filter_map(chain).max_by_key(operations)
    }

    /// Bytes of memory that it needs.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Shape of the map that it reads.
    pub fn input(&self) -> Shape {
        self.input.shape
    }

    /// Shape of the map that it gives.
    pub fn output(&self) -> Shape {
        self.output.shape
    }

    /// Passes of the core: each loads its weights, then computes.
    pub fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Packs the weights of a stage's passes; where maps lie is not known yet.
    fn pack(&mut self, stage: &Stage, overlay: &Overlay, take: &mut impl FnMut(usize) -> usize) {
        let layout = Layout::new(overlay, stage.geometry.kernel);
        let convolution = stage.layer.convolution().expect("a stage begins with one");
        let channels = stage.channels(overlay);
        for (index, part) in channels.iter().enumerate() {
            let buffers = weights::pack(convolution, stage.geometry.inputs, part.clone(), &layout);
            let mut starts = [0; 2];
            for (start, words) in starts.iter_mut().zip(buffers) {
                *start = take(layout.bytes());
                self.weights.resize(*start, 0);
                self.weights
                    .extend(words.iter().flat_map(|word| word.to_le_bytes()));
            }
            let name = match channels.len() {
                1 => stage.name.clone(),
                passes => format!("{} pass {} of {passes}", stage.name, index + 1),
            };
            self.passes.push(Pass {
                name,
                geometry: Geometry {
                    outputs: part.len(),
                    ..stage.geometry
                },
                weights: starts,
                source: 0,
                target: 0,
                join: None,
            });
        }
    }

    /// Tells every pass where its maps lie.
    fn place(&mut self, stages: &[Stage], turns: [usize; 2], part: usize, overlay: &Overlay) {
        let mut passes = self.passes.iter_mut();
        let mut source = self.input.start;
        for (stage, map) in stages.iter().zip(turns.into_iter().cycle()) {
            let channels = stage.channels(overlay);
            for (index, channels) in channels.iter().enumerate() {
                let Some(pass) = passes.next() else { return };
                pass.source = source;
                // The first pass writes whole pixels where the map will be, the others beside it.
                pass.target = if index == 0 { map } else { part };
                pass.join = (index > 0).then(|| Join {
                    map,
                    at: channels.start * self.bits / 8,
                    len: pixel::bytes(channels.len(), self.bits),
                });
            }
            source = map;
        }
        self.output.start = source;
    }
}

impl Stage<'_> {
    /// The output channels of each pass: all that the chip holds, the last one the rest. A border
    /// lies at a whole byte, as the chip holds a multiple of 32.
    fn channels(&self, overlay: &Overlay) -> Vec<Range<usize>> {
        let (all, most) = (self.geometry.outputs, overlay.max_outputs as usize);
        let starts = (0..all).step_by(most);
        starts.map(|start| start..all.min(start + most)).collect()
    }

    fn is_joined(&self, overlay: &Overlay) -> bool {
        self.geometry.outputs > overlay.max_outputs as usize
    }
}

/// Cuts a chain into convolutions and the pools behind them.
fn stages<'a>(
    network: &'a Network,
    range: Range<usize>,
    overlay: &Overlay,
) -> Result<Vec<Stage<'a>>> {
    let mut layers = network.layers()[range.clone()].iter().peekable();
    let (mut stages, mut source, mut index) = (Vec::new(), None, range.start);
    while let Some(layer) = layers.next() {
        let input = layer.inputs()[0];
        if layer.inputs().len() != 1 || source.is_some_and(|source| source != input) {
            let (what, expected) = ("input", "the layer before it alone");
            return Err(Error::layer(layer.name(), what, expected, "another"));
        }
        let behind =
            |next: &&Layer| pool(next).is_some() && next.inputs() == [Source::Layer(index)];
        let pooled = layers.next_if(behind);
        let geometry = Geometry::of(
            layer,
            network.tensor(input),
            pooled.and_then(|layer| Some((layer, pool(layer)?))),
            overlay,
        )?;
        stages.push(Stage {
            name: match pooled {
                Some(pool) => format!("{} + {}", layer.name(), pool.name()),
                None => layer.name().to_string(),
            },
            layer,
            geometry,
            output: pooled.unwrap_or(layer).shape(),
        });
        index += 1 + usize::from(pooled.is_some());
        source = Some(Source::Layer(index - 1));
    }
    match stages.is_empty() {
        true => Err(Error::layer(
            "none",
            "range of layers",
            "one at least",
            "an empty one",
        )),
        false => Ok(stages),
    }
}

fn pool(layer: &Layer) -> Option<Pool> {
    match layer.op() {
        Op::MaxPool(pool) => Some(*pool),
        _ => None,
    }
}
