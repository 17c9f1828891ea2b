//! The kinds of layers: their parameters, and the shape and number type of what they produce.

use crate::shape::window_positions;
use crate::{Activation, Code, Error, Number, Padding, Shape, Source, Values, WeightKind, Weights};
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
    /// The sum of two f32 maps, then an activation. Where the second has another size or number of
    /// channels, Darknet's rule holds: it is sampled with stride `w1 / w2` (or spread with
    /// `w2 / w1`), and only the channels that both have are added.
    Add {
        /// Applied to the sum.
        activation: Activation,
    },
    /// The first map times the second, which has one pixel (squeeze and excitation); f32.
    ScaleChannels {
        /// Applied to the product.
        activation: Activation,
    },
    /// Darknet's space-to-depth (`reorg`, forward): see [`reorg_source`].
    Reorg {
        /// 1 or more; divides height and width.
        stride: usize,
    },
    /// An activation on its own; f32.
    Activation {
        /// The function.
        activation: Activation,
    },
    /// e^x / sum(e^x) over all elements of the map; f32.
    Softmax,
}

/// A two-dimensional convolution (cross-correlation), and what becomes of its sums.
///
/// `acc[y][x][o] = sum over ky, kx, i of w[o][ky][kx][i] * in[y*sy + ky*dy - top][x*sx + kx*dx -
/// left][g*I + i]`, where `I` = input channels / groups and `g` is the group of `o`; outside the map
/// the input is zero (the code's zero point). Codes enter as `code - zero`, never scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// Output channels.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Step in y and x.
    pub stride: [usize; 2],
    /// Distance of kernel elements in y and x.
    pub dilation: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
    /// Groups; input and output channels are split evenly among them.
    pub groups: usize,
    /// `[out][ky][kx][in / groups]`.
    pub weights: Weights,
    /// What becomes of the sums.
    pub finish: Finish,
}

impl Convolution {
    /// Weights of one output channel.
    pub fn window(&self, in_channels: usize) -> usize {
        self.kernel[0]
            .saturating_mul(self.kernel[1])
            .saturating_mul(in_channels / self.groups)
    }

    /// Whether each output channel reads only the input channel of the same number.
    pub fn is_depthwise(&self, in_channels: usize) -> bool {
        self.groups > 1 && self.groups == in_channels && self.groups == self.out_channels
    }
}

/// How a convolution's sum becomes its output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Finish {
    /// `activation(acc * scale + bias)` in f32, then quantized where the output is a code.
    Affine(Affine),
    /// Integer sums to codes by counting thresholds. Only for integer weights on codes.
    Thresholds(Thresholds),
}

/// `activation(acc * scale[o] + bias[o])`, in f32: one product, one sum, no fused operation where
/// the sum was an integer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// One a channel, or empty for 1: float weights have their scale inside.
    #[serde(skip)]
    pub scale: Values<f32>,
    /// One a channel.
    #[serde(skip)]
    pub bias: Values<f32>,
    /// Applied last, before quantization.
    pub activation: Activation,
    /// f32, or the code to round to by [`Code::quantize`].
    pub output: Number,
}

/// The code of a sum is the number of the channel's thresholds that it reaches (`acc >= t`).
///
/// Any monotone activation, batch norm and requantization fold into these exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Unsigned, zero point 0; it has `2^bits - 1` thresholds a channel.
    pub code: Code,
    /// `[out][2^bits - 1]`, rising within a channel. `i32::MAX` is never reached.
    #[serde(skip)]
    pub values: Values<i32>,
}

impl Thresholds {
    /// Thresholds a channel.
    pub fn steps(&self) -> usize {
        self.code.max() as usize
    }

    /// The thresholds of output channel `o`.
    pub fn channel(&self, o: usize) -> &[i32] {
        &self.values[o * self.steps()..][..self.steps()]
    }
}

/// A window that slides over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Window height and width.
    pub size: [usize; 2],
    /// Step in y and x.
    pub stride: [usize; 2],
    /// Pixels around the map that never win.
    pub padding: Padding,
}

impl Pool {
    fn output(&self, input: Shape) -> Result<Shape, Error> {
        let (height, width) = windows(input, self.size, [1, 1], self.stride, self.padding)?;
        // A window that sees nothing but padding has no largest value.
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        if top.max(bottom) >= self.size[0] || left.max(right) >= self.size[1] {
            return Err(Error::layer(
                "padding",
                "less than the window",
                format!("{top} {left} {bottom} {right}"),
            ));
        }
        Ok(Shape::new(height, width, input.channels))
    }
}

/// The most pixels of padding on a side: more than any detector, less than any overflow.
const MAX_PADDING: usize = 4096;

fn windows(
    input: Shape,
    size: [usize; 2],
    dilation: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
) -> Result<(usize, usize), Error> {
    let Padding {
        top,
        left,
        bottom,
        right,
    } = padding;
    if [top, left, bottom, right]
        .iter()
        .any(|side| *side > MAX_PADDING)
    {
        let found = format!("{top} {left} {bottom} {right}");
        return Err(Error::layer(
            "padding",
            format!("at most {MAX_PADDING}"),
            found,
        ));
    }
    if dilation.contains(&0) {
        return Err(Error::layer("dilation", "at least 1", 0));
    }
    let (height, width) = (input.height + top + bottom, input.width + left + right);
    let rows = window_positions(height, size[0], dilation[0], stride[0]);
    let columns = window_positions(width, size[1], dilation[1], stride[1]);
    rows.zip(columns).ok_or_else(|| {
        let found = format!(
            "{}x{} with stride {}x{}",
            size[0], size[1], stride[0], stride[1]
        );
        Error::layer("window", format!("one that fits {height}x{width}"), found)
    })
}

/// The channel and pixel of the input that element (`y`, `x`, `c`) of a reorg's output comes from.
///
/// Darknet writes the *input* shape's layout through the *output* index arithmetic (`reorg_cpu` with
/// `forward = 0`), so this is not the usual space-to-depth; published networks depend on it.
/// Returns (y, x, c) of the input.
pub fn reorg_source(input: Shape, stride: usize, y: usize, x: usize, c: usize) -> [usize; 3] {
    // In CHW order, output element `i` of the flat buffer takes the element that these loops read.
    let (width, height, channels) = (input.width, input.height, input.channels);
    let (out_width, out_height) = (width / stride, height / stride);
    let flat = (c * out_height + y) * out_width + x;
    let (i, j, k) = (flat % width, flat / width % height, flat / (width * height));
    let out_channels = channels / (stride * stride);
    let (c2, offset) = (k % out_channels, k / out_channels);
    let (w2, h2) = (i * stride + offset % stride, j * stride + offset / stride);
    let source = w2 + width * stride * (h2 + height * stride * c2);
    [
        source / width % height,
        source % width,
        source / (width * height),
    ]
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
            Op::Add { .. } => "add",
            Op::ScaleChannels { .. } => "scale",
            Op::Reorg { .. } => "reorg",
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
            Op::Activation { .. } | Op::Softmax => shape,
        };
        if !self.moves_codes() {
            for (_, number) in inputs {
                expect("number type of an input", Number::F32, *number)?;
            }
        }
        Ok((output, number))
    }

    /// Whether the layer only moves or compares elements, whatever they are.
    fn moves_codes(&self) -> bool {
        matches!(
            self,
            Op::MaxPool(_) | Op::Upsample { .. } | Op::Concat | Op::Slice { .. } | Op::Reorg { .. }
        )
    }
}

fn expect<T: PartialEq + std::fmt::Display>(
    what: &'static str,
    expected: T,
    found: T,
) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::layer(what, expected, found))
    }
}

fn upsampled(shape: Shape, factor: usize) -> Result<Shape, Error> {
    if !(1..=64).contains(&factor) {
        return Err(Error::layer("factor", "1 to 64", factor));
    }
    Ok(Shape::new(
        shape.height * factor,
        shape.width * factor,
        shape.channels,
    ))
}

fn concatenated(inputs: &[(Shape, Number)]) -> Result<Shape, Error> {
    let (first, number) = inputs[0];
    let mut channels = 0usize;
    for (shape, other) in inputs {
        expect("rows of an input", first.height, shape.height)?;
        expect("columns of an input", first.width, shape.width)?;
        if *other != number {
            return Err(Error::layer("number type of an input", number, other));
        }
        channels = channels.saturating_add(shape.channels);
    }
    Ok(Shape::new(first.height, first.width, channels))
}

fn sliced(shape: Shape, start: usize, count: usize) -> Result<Shape, Error> {
    if count == 0
        || start
            .checked_add(count)
            .is_none_or(|end| end > shape.channels)
    {
        let found = format!("{count} from {start} on");
        return Err(Error::layer(
            "channels",
            format!("within {}", shape.channels),
            found,
        ));
    }
    Ok(Shape::new(shape.height, shape.width, count))
}

fn added(first: Shape, second: Shape) -> Result<Shape, Error> {
    let samples = first.width.is_multiple_of(second.width)
        && first.height == second.height * (first.width / second.width);
    let spreads = second.width.is_multiple_of(first.width)
        && second.height == first.height * (second.width / first.width);
    if samples || spreads {
        Ok(first)
    } else {
        Err(Error::layer(
            "second input",
            format!("{first} or a multiple"),
            second,
        ))
    }
}

fn reorganised(shape: Shape, stride: usize) -> Result<Shape, Error> {
    let square = stride.saturating_mul(stride);
    let divides = stride > 0
        && shape.height.is_multiple_of(stride)
        && shape.width.is_multiple_of(stride)
        && shape.channels.is_multiple_of(square);
    if !divides {
        return Err(Error::layer(
            "stride",
            format!("one that divides {shape}"),
            stride,
        ));
    }
    Ok(Shape::new(
        shape.height / stride,
        shape.width / stride,
        shape.channels * square,
    ))
}

impl Convolution {
    fn output(&self, input: Shape, number: Number) -> Result<(Shape, Number), Error> {
        let groups = self.groups;
        if groups == 0
            || !input.channels.is_multiple_of(groups)
            || !self.out_channels.is_multiple_of(groups)
        {
            let channels = format!(
                "one that divides {} and {}",
                input.channels, self.out_channels
            );
            return Err(Error::layer("groups", channels, groups));
        }
        let (height, width) =
            windows(input, self.kernel, self.dilation, self.stride, self.padding)?;
        let window = self.window(input.channels);
        let count = window.saturating_mul(self.out_channels);
        expect("number of weights", count, self.weights.count())?;
        self.weights.check()?;
        if number == Number::F32 && self.weights.kind() != WeightKind::F32 {
            return Err(Error::layer(
                "number type of the input",
                "a code, for integer weights",
                number,
            ));
        }
        let output = self.finish_output(number)?;
        Ok((Shape::new(height, width, self.out_channels), output))
    }

    fn finish_output(&self, input: Number) -> Result<Number, Error> {
        let outputs = self.out_channels;
        match &self.finish {
            Finish::Affine(affine) => {
                expect("number of biases", outputs, affine.bias.len())?;
                if !affine.scale.is_empty() {
                    expect("number of scales", outputs, affine.scale.len())?;
                }
                Ok(affine.output)
            }
            Finish::Thresholds(thresholds) => {
                let code = thresholds.code;
                if self.weights.kind() == WeightKind::F32 || input.code().is_none() {
                    return Err(Error::layer(
                        "finish",
                        "affine, for float sums",
                        "thresholds",
                    ));
                }
                if !code.is_valid() || code.signed || code.zero != 0 {
                    return Err(Error::layer(
                        "threshold code",
                        "unsigned without zero point",
                        Number::Code(code),
                    ));
                }
                expect(
                    "number of thresholds",
                    outputs * thresholds.steps(),
                    thresholds.values.len(),
                )?;
                rising(thresholds, outputs)?;
                Ok(Number::Code(code))
            }
        }
    }
}

fn rising(thresholds: &Thresholds, outputs: usize) -> Result<(), Error> {
    match (0..outputs).find(|o| !thresholds.channel(*o).is_sorted()) {
        None => Ok(()),
        Some(o) => Err(Error::layer(
            "thresholds",
            "rising",
            format!("channel {o} unsorted"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reorg_moves_every_element_once() {
        let input = Shape::new(4, 6, 8);
        let mut seen = vec![false; input.elements()];
        for c in 0..32 {
            for y in 0..2 {
                for x in 0..3 {
                    let [iy, ix, ic] = reorg_source(input, 2, y, x, c);
                    let index = (ic * input.height + iy) * input.width + ix;
                    assert!(!std::mem::replace(&mut seen[index], true));
                }
            }
        }
        assert!(seen.iter().all(|s| *s));
    }

    #[test]
    fn darknets_shortcut_accepts_multiples_only() {
        assert!(added(Shape::new(8, 8, 4), Shape::new(8, 8, 4)).is_ok());
        assert!(added(Shape::new(8, 8, 4), Shape::new(4, 4, 9)).is_ok());
        assert!(added(Shape::new(4, 4, 9), Shape::new(8, 8, 4)).is_ok());
        assert!(added(Shape::new(8, 8, 4), Shape::new(3, 3, 4)).is_err());
    }
}
