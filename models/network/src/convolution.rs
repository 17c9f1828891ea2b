//! A convolution, and what becomes of its sums.

use crate::rules::{expect, windows};
use crate::{
    Activation, Code, Error, Number, Padding, Requantize, Shape, Values, WeightKind, Weights,
};
use serde::{Deserialize, Serialize};

/// A two-dimensional convolution (cross-correlation), and what becomes of its sums.
///
/// `acc[y][x][o] = sum over ky, kx, i of w[o][ky][kx][i] * in[y*sy + ky*dy - top][x*sx + kx*dx -
/// left][g*I + i]`, where `I` = input channels / groups and `g` is the group of `o`; outside the map
/// the input is zero (the code's zero point). Codes enter as `code - zero`, never scaled. Weights with
/// [multipliers](crate::multipliers) are `m[ky][kx] * sign`.
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

/// How a convolution's sum becomes its output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Finish {
    /// `activation(acc * scale + bias)` in f32, then quantized where the output is a code.
    Affine(Affine),
    /// Integer sums to codes by counting thresholds. Only for integer weights on codes.
    Thresholds(Thresholds),
    /// Integer sums to codes by a product, a shift and a table. Only for integer weights on codes.
    Requantize(Box<Requantize>),
}

impl Finish {
    /// A short name for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Finish::Affine(_) => "affine",
            Finish::Thresholds(_) => "thresholds",
            Finish::Requantize(_) => "requantize",
        }
    }

    /// Number type of the result.
    pub fn output(&self) -> Number {
        match self {
            Finish::Affine(affine) => affine.output,
            Finish::Thresholds(thresholds) => Number::Code(thresholds.code),
            Finish::Requantize(requantize) => Number::Code(requantize.output()),
        }
    }
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
    /// Unsigned; it has `2^bits - 1` thresholds a channel.
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

impl Convolution {
    /// One weight for each channel, which all of its pixels are multiplied by.
    pub fn by_channel(weights: Weights, finish: Finish) -> Convolution {
        let channels = weights.count();
        Convolution {
            out_channels: channels,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: channels,
            weights,
            finish,
        }
    }

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

impl Convolution {
    pub(crate) fn output(&self, input: Shape, number: Number) -> Result<(Shape, Number), Error> {
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
        self.check_multipliers(window)?;
        if number == Number::F32 && self.weights.kind() != WeightKind::F32 {
            return Err(Error::layer(
                "number type of the input",
                "a code, for integer weights",
                number,
            ));
        }
        self.check_finish(number)?;
        let shape = Shape::new(height, width, self.out_channels);
        Ok((shape, self.finish.output()))
    }

    /// One multiplier a kernel position, if any.
    fn check_multipliers(&self, window: usize) -> Result<(), Error> {
        let Some(multiplied) = self.weights.multiplied_window() else {
            return Ok(());
        };
        let (positions, found) = (self.kernel[0] * self.kernel[1], self.weights.multipliers());
        expect("number of position multipliers", positions, found.len())?;
        expect("weights of a multiplied window", window, multiplied)
    }

    fn check_finish(&self, input: Number) -> Result<(), Error> {
        let outputs = self.out_channels;
        let integers = self.weights.kind() != WeightKind::F32 && input.code().is_some();
        if !integers && !matches!(self.finish, Finish::Affine(_)) {
            let expected = "affine, for float sums";
            return Err(Error::layer("finish", expected, self.finish.name()));
        }
        match &self.finish {
            Finish::Affine(affine) => affine.check(outputs),
            Finish::Thresholds(thresholds) => thresholds.check(outputs),
            Finish::Requantize(requantize) => requantize.check(outputs),
        }
    }
}

impl Affine {
    fn check(&self, outputs: usize) -> Result<(), Error> {
        expect("number of biases", outputs, self.bias.len())?;
        if !self.scale.is_empty() {
            expect("number of scales", outputs, self.scale.len())?;
        }
        Ok(())
    }
}

impl Thresholds {
    fn check(&self, outputs: usize) -> Result<(), Error> {
        let code = self.code;
        if !code.is_valid() || code.signed {
            let found = Number::Code(code);
            return Err(Error::layer("threshold code", "an unsigned one", found));
        }
        let count = outputs * self.steps();
        expect("number of thresholds", count, self.values.len())?;
        match (0..outputs).find(|o| !self.channel(*o).is_sorted()) {
            None => Ok(()),
            Some(o) => Err(Error::layer(
                "thresholds",
                "rising",
                format!("channel {o} unsorted"),
            )),
        }
    }
}
