//! `Conv`, with the batch normalization and the activation that follow it.

use super::activation::follower;
use super::lower::{Lowering, Value};
use super::node::NodeAt;
use super::patches::Patches;
use super::quantized;
use crate::Result;
use tincy_network::{Activation, Affine, Convolution, Finish, Number, Op, Padding, Shape, Weights};

/// The largest step of patches: weights grow by its square.
const MAX_STEP: usize = 8;

/// A convolution before its shape is known to fit.
pub(super) struct Filters {
    outputs: usize,
    /// Input channels of a group.
    inputs: usize,
    kernel: [usize; 2],
    /// `[out][in / groups][ky][kx]`
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Where the windows lie.
struct Windows {
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
}

/// A convolution whose filters lie on its input.
pub(super) struct Placed {
    outputs: usize,
    kernel: [usize; 2],
    windows: Windows,
    groups: usize,
    /// `[out][ky][kx][in / groups]`
    pub(super) weights: Vec<f32>,
}

impl Placed {
    pub(super) fn op(self, weights: Weights, finish: Finish) -> Op {
        Op::Convolution(Convolution {
            out_channels: self.outputs,
            kernel: self.kernel,
            stride: self.windows.stride,
            dilation: self.windows.dilation,
            padding: self.windows.padding,
            groups: self.groups,
            weights,
            finish,
        })
    }
}

/// Adds the convolution; what follows it and was taken along is marked as done.
pub(super) fn convolution<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    let mut filters = Filters::read(lowering, node)?;
    let input = lowering.channels(node, 0)?;
    if lowering.tensor(input.source()).1 != Number::F32
        && let Some(coded) = quantized::coded_weights(lowering, node, filters.outputs)?
    {
        return quantized::convolution(lowering, node, filters, coded, &input);
    }
    if node.op() == "QLinearConv" {
        return Err(node.wrong("weights of more than 8 bits without their zero point"));
    }
    let mut output = node.output()?;
    if let Some(norm) = lowering.only_reader(output)
        && norm.op() == "BatchNormalization"
        && norm.input(0)? == output
    {
        filters.normalize(norm)?;
        output = lowering.take(norm)?;
    }
    let step = lowering.step(input.source()) as f32;
    filters
        .weights
        .iter_mut()
        .for_each(|weight| *weight *= step);
    let placed = place(lowering, node, &filters, &input)?;
    let (activation, output) = activation(lowering, output)?;
    let weights = Weights::floats(placed.weights.clone());
    let finish = Finish::Affine(Affine {
        scale: Default::default(),
        bias: filters.bias.into(),
        activation,
        output: Number::F32,
    });
    let map = lowering.emit(node, placed.op(weights, finish), &[input.source()])?;
    lowering.set(output, Value::Map(map));
    Ok(())
}

/// The activation that follows a tensor, whose nodes are marked as done, and the tensor after it.
pub(super) fn activation<'a>(
    lowering: &mut Lowering<'a>,
    output: &'a str,
) -> Result<(Activation, &'a str)> {
    let Some(next) = follower(lowering.graph, output, &lowering.ends)? else {
        return Ok((Activation::Linear, output));
    };
    for index in next.nodes {
        lowering.done(index);
    }
    Ok((next.activation, next.output))
}

/// Lays filters on a map, or on the map of which the input has patches.
pub(super) fn place<'a>(
    lowering: &Lowering<'a>,
    node: NodeAt<'a>,
    filters: &Filters,
    input: &Value,
) -> Result<Placed> {
    let shape = lowering.shape(input);
    let groups = node.integer("group", 1)?;
    let groups = usize::try_from(groups).map_err(|_| node.wrong(format!("{groups} groups")))?;
    if filters.inputs.checked_mul(groups) != Some(shape.channels) {
        return Err(node.wrong(format!(
            "weights for {groups} groups of {} channels, the input is {shape}",
            filters.inputs
        )));
    }
    let windows = Windows::read(node, filters.kernel, shape)?;
    let (weights, kernel, windows) = match input {
        Value::Patches(patches) => {
            if groups != 1 || windows.dilation != [1, 1] {
                return Err(node.wrong("patches are read by plain convolutions only"));
            }
            if patches.step.iter().any(|step| *step > MAX_STEP) {
                let what = format!("only every {MAX_STEP}th row or column can be taken at most");
                return Err(node.wrong(what));
            }
            let kernel = [0, 1].map(|i| filters.kernel[i] * patches.step[i]);
            let windows = windows.spread(patches.step);
            (filters.over(patches), kernel, windows)
        }
        Value::Padded(_, more) => (filters.dense(), filters.kernel, windows.padded(*more)),
        _ => (filters.dense(), filters.kernel, windows),
    };
    Ok(Placed {
        outputs: filters.outputs,
        kernel,
        windows,
        groups,
        weights,
    })
}

impl Filters {
    fn read(lowering: &Lowering<'_>, node: NodeAt<'_>) -> Result<Filters> {
        let linear = node.op() == "QLinearConv";
        let weights = lowering.constant(node, if linear { 3 } else { 1 })?;
        let [outputs, inputs, height, width] = weights.dims[..] else {
            let found = weights.describe();
            return Err(node.wrong(format!("weights of four sizes are expected, found {found}")));
        };
        let kernel = [height, width];
        let said = node.sizes("kernel_shape", kernel)?;
        if said != kernel || outputs == 0 || height == 0 || width == 0 {
            return Err(node.wrong(format!("a kernel of {said:?} with weights of {kernel:?}")));
        }
        let bias = match node.optional_input(2) {
            _ if linear => quantized::linear_bias(lowering, node, outputs)?,
            Some(_) => lowering.floats_of(node, 2)?,
            None => vec![0.0; outputs],
        };
        if bias.len() != outputs {
            let found = bias.len();
            return Err(node.wrong(format!("{outputs} biases are expected, found {found}")));
        }
        Ok(Filters {
            outputs,
            inputs,
            kernel,
            weights: match linear {
                true => vec![0.0; weights.integers().map_or(0, <[i64]>::len)],
                false => lowering.floats_of(node, 1)?,
            },
            bias,
        })
    }

    /// Weights of one output channel.
    fn window(&self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Folds `(x - mean) * gamma / sqrt(variance + epsilon) + beta` into weights and biases.
    fn normalize(&mut self, norm: NodeAt<'_>) -> Result<()> {
        let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| norm.floats(i));
        let [gamma, beta, mean, variance] = [gamma?, beta?, mean?, variance?];
        for list in [gamma, beta, mean, variance] {
            if list.len() != self.outputs {
                let (expected, found) = (self.outputs, list.len());
                let what = format!("{expected} numbers a list are expected, found {found}");
                return Err(norm.wrong(what));
            }
        }
        let epsilon = f64::from(norm.float("epsilon", 1e-5)?);
        let window = self.window();
        for o in 0..self.outputs {
            let deviation = (f64::from(variance[o]) + epsilon).sqrt();
            let factor = f64::from(gamma[o]) / deviation;
            if !factor.is_finite() {
                return Err(norm.wrong(format!("variance {} in channel {o}", variance[o])));
            }
            for weight in &mut self.weights[o * window..(o + 1) * window] {
                *weight = (f64::from(*weight) * factor) as f32;
            }
            let centred = f64::from(self.bias[o]) - f64::from(mean[o]);
            self.bias[o] = (centred * factor + f64::from(beta[o])) as f32;
        }
        Ok(())
    }

    /// `[out][ky][kx][in / groups]`
    fn dense(&self) -> Vec<f32> {
        let places = self.kernel[0] * self.kernel[1];
        let mut to = vec![0.0; self.weights.len()];
        if self.window() == 0 {
            return to;
        }
        let windows = self.weights.chunks_exact(self.window());
        for (to, from) in to.chunks_exact_mut(self.window()).zip(windows) {
            for (i, weight) in from.iter().enumerate() {
                to[i % places * self.inputs + i / places] = *weight;
            }
        }
        to
    }

    /// The same convolution over the map that the patches are of; zero where no patch is.
    fn over(&self, patches: &Patches) -> Vec<f32> {
        let (kernel, step) = (self.kernel, patches.step);
        let channels = self.inputs / patches.places.len();
        let (wide, places) = (kernel[1] * step[1], kernel[0] * kernel[1]);
        let window = kernel[0] * step[0] * wide * channels;
        let mut to = vec![0.0; self.outputs * window];
        let windows = self.weights.chunks_exact(self.window());
        for (to, from) in to.chunks_exact_mut(window).zip(windows) {
            for (i, weight) in from.iter().enumerate() {
                let (input, at) = (i / places, i % places);
                let [top, left] = patches.places[input / channels];
                let y = at / kernel[1] * step[0] + top;
                let x = at % kernel[1] * step[1] + left;
                // Two patches of the same place add up.
                to[(y * wide + x) * channels + input % channels] += *weight;
            }
        }
        to
    }
}

impl Windows {
    fn read(node: NodeAt<'_>, kernel: [usize; 2], input: Shape) -> Result<Windows> {
        let stride = node.sizes("strides", [1, 1])?;
        let dilation = node.sizes("dilations", [1, 1])?;
        Ok(Windows {
            stride,
            dilation,
            padding: padding(node, input, kernel, stride, dilation)?,
        })
    }

    /// With zeros that were added around the map before.
    fn padded(mut self, more: Padding) -> Windows {
        let padding = &mut self.padding;
        for (side, more) in [
            (&mut padding.top, more.top),
            (&mut padding.left, more.left),
            (&mut padding.bottom, more.bottom),
            (&mut padding.right, more.right),
        ] {
            *side = side.saturating_add(more);
        }
        self
    }

    /// In pixels of a map that is larger by `step`.
    fn spread(self, step: [usize; 2]) -> Windows {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        Windows {
            stride: [0, 1].map(|i| self.stride[i].saturating_mul(step[i])),
            dilation: [1, 1],
            padding: Padding {
                top: top.saturating_mul(step[0]),
                left: left.saturating_mul(step[1]),
                bottom: bottom.saturating_mul(step[0]),
                right: right.saturating_mul(step[1]),
            },
        }
    }
}

/// `pads`, or what `auto_pad` stands for.
pub(super) fn padding(
    node: NodeAt<'_>,
    input: Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Result<Padding> {
    let [top, left, bottom, right] = match node.text("auto_pad", "NOTSET")? {
        "NOTSET" => node.sizes("pads", [0; 4])?,
        "VALID" => [0; 4],
        way @ ("SAME_UPPER" | "SAME_LOWER") => {
            if stride.contains(&0) {
                return Err(node.wrong("a stride of 0"));
            }
            let sizes = [input.height, input.width];
            let total = [0, 1].map(|i| {
                let reach = kernel[i].saturating_sub(1).saturating_mul(dilation[i]) + 1;
                let covered = (sizes[i].div_ceil(stride[i]) - 1) * stride[i];
                covered.saturating_add(reach).saturating_sub(sizes[i])
            });
            let small = total.map(|total| total / 2);
            let large = [total[0] - small[0], total[1] - small[1]];
            match way {
                "SAME_UPPER" => [small[0], small[1], large[0], large[1]],
                _ => [large[0], large[1], small[0], small[1]],
            }
        }
        other => return Err(node.wrong(format!("auto_pad {other} is not known"))),
    };
    Ok(Padding {
        top,
        left,
        bottom,
        right,
    })
}
