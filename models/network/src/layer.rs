//! The kinds of layers, and what each produces from its inputs.

use crate::blocks::{self, BlockOrder};
use crate::resize::resized;
use crate::rules::{
    added, added_codes, concatenated, expect, gathered, reorganised, sliced, upsampled,
};
use crate::{Activation, Convolution, Error, Number, Pool, Shape, Source, Steps};
use serde::{Deserialize, Serialize};

/// One step of a network: an operation, what it reads and what it produces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub(crate) name: String,
    pub(crate) op: Op,
    pub(crate) inputs: Vec<Source>,
    pub(crate) shape: Shape,
    pub(crate) number: Number,
}

impl Layer {
    /// Name, unique in its network.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// What it reads, in order.
    pub fn inputs(&self) -> &[Source] {
        &self.inputs
    }

    /// Shape of its output.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Number type of its output.
    pub fn number(&self) -> Number {
        self.number
    }

    /// Its convolution, if it is one.
    pub fn convolution(&self) -> Option<&Convolution> {
        match &self.op {
            Op::Convolution(convolution) => Some(convolution),
            _ => None,
        }
    }
}

/// What a layer does. All maps are NHWC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// A convolution with its finish. A fully connected layer is one whose kernel is the whole map.
    Convolution(Convolution),
    /// The largest value under each window; padding never wins.
    MaxPool(Pool),
    /// The mean over all pixels of each channel; f32 in and out.
    GlobalAverage,
    /// Every pixel repeated `factor` x `factor` times.
    Upsample {
        /// 1 or more.
        factor: usize,
    },
    /// The channels of all inputs, one after the other.
    Concat,
    /// `count` channels from `start` on.
    Slice {
        /// First channel.
        start: usize,
        /// Number of channels.
        count: usize,
    },
    /// Channel `c` of the output is channel `channels[c]` of the input: a channel shuffle.
    Gather {
        /// Numbers of channels of the input.
        channels: Vec<u32>,
    },
    /// Every pixel a weighted mean of its four [neighbours](crate::resize::neighbours) in the input,
    /// of the upper two and of the lower two first; f32.
    Resize {
        /// Rows and columns of the output.
        size: [usize; 2],
    },
    /// The sum of two maps, then an activation.
    ///
    /// Of two f32 maps, the second may have another size or number of channels; then Darknet's rule
    /// holds: it is sampled with stride `w1 / w2` (or spread with `w2 / w1`), and only the channels
    /// that both have are added.
    ///
    /// Two maps of codes must have the same shape and the very same format, which the sum keeps:
    /// `clamp(a + b - zero, min, max)`. Their activation is linear.
    Add {
        /// Applied to the sum.
        activation: Activation,
    },
    /// The first map times the second, which has one pixel (squeeze and excitation); f32.
    ScaleChannels {
        /// Applied to the product.
        activation: Activation,
    },
    /// Darknet's space-to-depth (`reorg`, forward): see [`reorg::source`](crate::reorg::source).
    Reorg {
        /// 1 or more; divides height and width.
        stride: usize,
    },
    /// Channels become blocks of `block` x `block` pixels: see [`blocks::source`].
    DepthToSpace {
        /// 1 or more; its square divides the channels.
        block: usize,
        /// Where a block's pixels lie among the channels.
        order: BlockOrder,
    },
    /// Real numbers to codes by thresholds.
    Steps(Steps),
    /// An activation on its own; f32.
    Activation {
        /// The function.
        activation: Activation,
    },
    /// e^x / sum(e^x) over all elements of the map; f32.
    Softmax,
}

impl Op {
    /// A short name for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Convolution(_) => "conv",
            Op::MaxPool(_) => "maxpool",
            Op::GlobalAverage => "avgpool",
            Op::Upsample { .. } => "upsample",
            Op::Concat => "concat",
            Op::Slice { .. } => "slice",
            Op::Gather { .. } => "gather",
            Op::Resize { .. } => "resize",
            Op::Add { .. } => "add",
            Op::ScaleChannels { .. } => "scale",
            Op::Reorg { .. } => "reorg",
            Op::DepthToSpace { .. } => "depth-to-space",
            Op::Steps(_) => "steps",
            Op::Activation { .. } => "activation",
            Op::Softmax => "softmax",
        }
    }

    /// Shape and number type of the output, or what does not fit.
    pub(crate) fn output(&self, inputs: &[(Shape, Number)]) -> Result<(Shape, Number), Error> {
        let wanted = match self {
            Op::Concat => inputs.len().max(1),
            Op::Add { .. } | Op::ScaleChannels { .. } => 2,
            _ => 1,
        };
        if inputs.len() != wanted {
            return Err(Error::layer("number of inputs", wanted, inputs.len()));
        }
        let (shape, number) = inputs[0];
        let output = match self {
            Op::Convolution(convolution) => return convolution.output(shape, number),
            Op::MaxPool(pool) => pool.output(shape)?,
            Op::GlobalAverage => Shape::new(1, 1, shape.channels),
            Op::Upsample { factor } => upsampled(shape, *factor)?,
            Op::Concat => concatenated(inputs)?,
            Op::Slice { start, count } => sliced(shape, *start, *count)?,
            Op::Gather { channels } => gathered(shape, channels)?,
            Op::Resize { size } => resized(shape, *size)?,
            Op::Add { activation } if number != Number::F32 => {
                added_codes(inputs, *activation)?;
                return Ok((shape, number));
            }
            Op::Add { .. } => added(shape, inputs[1].0)?,
            Op::ScaleChannels { .. } => {
                expect(
                    "second input",
                    Shape::new(1, 1, shape.channels),
                    inputs[1].0,
                )?;
                shape
            }
            Op::Reorg { stride } => reorganised(shape, *stride)?,
            Op::DepthToSpace { block, .. } => blocks::spread(shape, *block)?,
            Op::Activation { .. } | Op::Softmax | Op::Steps(_) => shape,
        };
        if !self.moves_codes() {
            for (_, number) in inputs {
                expect("number type of an input", Number::F32, *number)?;
            }
        }
        if let Op::Steps(steps) = self {
            steps.check(shape.channels)?;
            return Ok((output, Number::Code(steps.code)));
        }
        Ok((output, number))
    }

    /// Whether the layer only moves or compares elements, whatever they are.
    fn moves_codes(&self) -> bool {
        matches!(
            self,
            Op::MaxPool(_)
                | Op::Upsample { .. }
                | Op::Concat
                | Op::Slice { .. }
                | Op::Gather { .. }
                | Op::Reorg { .. }
                | Op::DepthToSpace { .. }
        )
    }
}
