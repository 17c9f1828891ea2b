//! `[convolutional]` and `[connected]`: options, weights, and the batch normalisation folded in.

use super::cfg::Section;
use super::options::Keys;
use super::weights::WeightsFile;
use crate::Result;
use tincy_network::{Activation, Affine, Convolution, Finish, Number, Padding, Shape, Weights};

/// Added to the variance, as the later fork does.
const EPSILON: f64 = 1e-5;

const CONVOLUTIONAL: Keys = Keys {
    used: &[
        "filters",
        "size",
        "stride",
        "stride_x",
        "stride_y",
        "pad",
        "padding",
        "dilation",
        "groups",
        "batch_normalize",
        "activation",
    ],
    ignored: &["bflops", "dot", "angle"],
    neutral: &[
        ("binary", 0.0),
        ("xnor", 0.0),
        ("bin_output", 0.0),
        ("flipped", 0.0),
        ("antialiasing", 0.0),
        ("assisted_excitation", 0.0),
        ("deform", 0.0),
        ("sway", 0.0),
        ("rotate", 0.0),
        ("stretch", 0.0),
        ("stretch_sway", 0.0),
        ("coordconv", 0.0),
    ],
};

const CONNECTED: Keys = Keys {
    used: &["output", "activation", "batch_normalize"],
    ignored: &[],
    neutral: &[("flipped", 0.0)],
};

/// The numbers of a layer as they stand in the file, before they are put in order.
struct Parameters {
    bias: Vec<f32>,
    weights: Vec<f32>,
    normalisation: Option<Normalisation>,
}

/// `scale * (x - mean) / sqrt(variance + epsilon)`, one a channel.
struct Normalisation {
    scales: Vec<f32>,
    means: Vec<f32>,
    variances: Vec<f32>,
}

/// Reads a `[convolutional]` whose input is `input`.
pub(super) fn convolutional(
    section: &Section,
    layer: &str,
    input: Shape,
    file: &mut WeightsFile,
) -> Result<Convolution> {
    section.check(&CONVOLUTIONAL)?;
    let size: usize = section.number_or("size", 1)?;
    let out_channels: usize = section.number_or("filters", 1)?;
    if out_channels == 0 {
        return Err(section.wrong("filters=0: a layer without filters"));
    }
    let groups: usize = section.number_or("groups", 1)?;
    if groups == 0 || !input.channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups)
    {
        let channels = input.channels;
        let what = format!(
            "groups={groups} must divide the {channels} input channels and filters={out_channels}"
        );
        return Err(section.wrong(what));
    }
    let dilation = if size == 1 {
        1
    } else {
        section.number_or("dilation", 1)?
    };
    let padding = padding(section, size, dilation)?;
    let activation = activation(section, "logistic")?;
    let channels = input.channels / groups;
    let window = size.saturating_mul(size).saturating_mul(channels);
    let normalised = section.flag("batch_normalize")?;
    let vectors = if normalised { 4 } else { 1 };
    let count = window.saturating_mul(out_channels);
    file.expect(
        layer,
        count.saturating_add(out_channels.saturating_mul(vectors)),
    )?;
    let parameters = Parameters {
        bias: file.take(layer, "bias", out_channels)?,
        normalisation: Normalisation::read(normalised, layer, out_channels, file)?,
        weights: file.take(layer, "weight", count)?,
    };
    let (weights, bias) = parameters.fold(Shape::new(size, size, channels));
    Ok(Convolution {
        out_channels,
        kernel: [size; 2],
        stride: stride(section)?,
        dilation: [dilation; 2],
        padding: Padding::same(padding),
        groups,
        weights: Weights::floats(weights),
        finish: affine(bias, activation),
    })
}

/// Reads a `[connected]`: a kernel as large as the map. Here the batch normalisation comes last.
pub(super) fn connected(
    section: &Section,
    layer: &str,
    input: Shape,
    file: &mut WeightsFile,
) -> Result<Convolution> {
    section.check(&CONNECTED)?;
    let out_channels: usize = section.number_or("output", 1)?;
    let activation = activation(section, "logistic")?;
    let normalised = section.flag("batch_normalize")?;
    let count = input.elements().saturating_mul(out_channels);
    file.expect(layer, count.saturating_add(out_channels))?;
    let parameters = Parameters {
        bias: file.take(layer, "bias", out_channels)?,
        weights: file.take(layer, "weight", count)?,
        normalisation: Normalisation::read(normalised, layer, out_channels, file)?,
    };
    let (weights, bias) = parameters.fold(input);
    Ok(Convolution {
        out_channels,
        kernel: [input.height, input.width],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::default(),
        groups: 1,
        weights: Weights::floats(weights),
        finish: affine(bias, activation),
    })
}

fn affine(bias: Vec<f32>, activation: Activation) -> Finish {
    Finish::Affine(Affine {
        scale: Default::default(),
        bias: bias.into(),
        activation,
        output: Number::F32,
    })
}

/// Step in y and x: `stride_y` and `stride_x` where they are given, else `stride`.
pub(super) fn stride(section: &Section) -> Result<[usize; 2]> {
    let both = section.number_or("stride", 1)?;
    Ok([
        section.number_or("stride_y", both)?,
        section.number_or("stride_x", both)?,
    ])
}

/// Zeros on each side: `pad=1` means half the kernel, else `padding` counts. Darknet multiplies
/// it by the dilation but leaves the dilation out of the output's size, which fits only where the
/// padding keeps the size.
fn padding(section: &Section, size: usize, dilation: usize) -> Result<usize> {
    let padding: usize = if section.flag("pad")? {
        size / 2
    } else {
        section.number_or("padding", 0)?
    };
    if dilation != 1 && padding.saturating_mul(2).saturating_add(1) != size {
        let what = format!(
            "dilation={dilation} needs an odd size and pad=1; Darknet computes another size than it fills"
        );
        return Err(section.wrong(what));
    }
    Ok(padding.saturating_mul(dilation))
}

/// The activation that a section names.
pub(super) fn activation(section: &Section, default: &str) -> Result<Activation> {
    let name = section.text("activation").unwrap_or(default);
    Ok(match name {
        "linear" => Activation::Linear,
        "relu" => Activation::Relu,
        "relu6" => Activation::Relu6,
        "leaky" => Activation::LEAKY,
        "logistic" => Activation::Logistic,
        "mish" => Activation::Mish,
        "swish" => Activation::Swish,
        "tanh" => Activation::Tanh,
        "elu" => Activation::Elu,
        _ => {
            let line = section.entry("activation").map_or(section.line, |e| e.line);
            let what = format!(
                "activation={name} is not supported; supported are linear, relu, relu6, leaky, logistic, mish, swish, tanh, elu"
            );
            return Err(section.wrong_at(line, what));
        }
    })
}

impl Normalisation {
    fn read(
        wanted: bool,
        layer: &str,
        channels: usize,
        file: &mut WeightsFile,
    ) -> Result<Option<Normalisation>> {
        if !wanted {
            return Ok(None);
        }
        Ok(Some(Normalisation {
            scales: file.take(layer, "scale", channels)?,
            means: file.take(layer, "mean", channels)?,
            variances: file.take(layer, "variance", channels)?,
        }))
    }

    /// Factor of a channel, in f64.
    fn factor(&self, channel: usize) -> f64 {
        // A variance below zero cannot be; rounding in training brings it just there.
        let variance = f64::from(self.variances[channel]).max(0.0);
        f64::from(self.scales[channel]) / (variance + EPSILON).sqrt()
    }
}

impl Parameters {
    /// Weights `[out][c][y][x]` of a window to `[out][y][x][c]`, and the biases, both with the
    /// normalisation inside.
    fn fold(&self, window: Shape) -> (Vec<f32>, Vec<f32>) {
        let (pixels, channels) = (window.pixels(), window.channels);
        let mut weights = Vec::with_capacity(self.weights.len());
        let mut bias = Vec::with_capacity(self.bias.len());
        for (channel, stored) in self
            .weights
            .chunks_exact(window.elements().max(1))
            .enumerate()
        {
            let (factor, offset) = match &self.normalisation {
                None => (1.0, 0.0),
                Some(n) => (n.factor(channel), f64::from(n.means[channel])),
            };
            for i in 0..window.elements() {
                let (pixel, c) = (i / channels, i % channels);
                weights.push((f64::from(stored[c * pixels + pixel]) * factor) as f32);
            }
            bias.push((f64::from(self.bias[channel]) - offset * factor) as f32);
        }
        (weights, bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation_folds_into_weights_and_bias() {
        let parameters = Parameters {
            bias: vec![0.5],
            weights: vec![1.0, 2.0, 3.0, 4.0],
            normalisation: Some(Normalisation {
                scales: vec![3.0],
                means: vec![2.0],
                variances: vec![4.0 - 1e-5],
            }),
        };
        // Two channels of 1x2 pixels: [c][x] to [x][c]; the factor is 3 / 2.
        let (weights, bias) = parameters.fold(Shape::new(1, 2, 2));
        assert_eq!(weights, [1.5, 4.5, 3.0, 6.0]);
        assert_eq!(bias, [-2.5]);
    }
}
