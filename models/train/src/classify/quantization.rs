//! Which layers of a classifier get which quantizers.

use crate::quantizers::{Layout, Method};
use crate::{Error, Model};
use tincy_network::Op;

/// Methods for the inner layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantization {
    /// Of the weights of all layers but the first and the last.
    pub weights: Option<Method>,
    /// Of the activations of all layers but the last.
    pub activations: Option<Method>,
    /// Whether the first layer's weights are quantized too.
    pub first: bool,
    /// Of the last layer's weights.
    pub last: Option<Method>,
}

/// Puts the quantizers in.
///
/// # Errors
/// If a method does not suit what it is for.
pub fn quantize(model: &mut Model, quantization: &Quantization) -> Result<(), Error> {
    let layers: Vec<(String, Layout, usize)> = layers(model);
    let last = layers.len() - 1;
    for (number, (name, _, features)) in layers.iter().enumerate().take(last) {
        let inner = number > 0 || quantization.first;
        if let Some(method) = quantization.weights.filter(|_| inner) {
            model.quantize_weights(name, method)?;
        }
        if let Some(method) = quantization.activations {
            // Behind normalisation, activations are about 1 in size.
            let quantizer = method.of_activations(*features, &[1.0]);
            let wrong = || Error::Shape(format!("{method} is not for activations"));
            model.quantize_map(name, quantizer.ok_or_else(wrong)?)?;
        }
    }
    if let Some(method) = quantization.last {
        model.quantize_weights(&layers[last].0, method)?;
    }
    Ok(())
}

/// The convolutions: name, layout of the weights, activations of a picture.
pub(super) fn layers(model: &Model) -> Vec<(String, Layout, usize)> {
    let layers = model.template().layers().iter();
    let convolutions = layers.filter_map(|layer| match layer.op() {
        Op::Convolution(convolution) => {
            let places = convolution.kernel[0] * convolution.kernel[1];
            let layout = Layout {
                outputs: convolution.out_channels,
                rows: convolution.kernel[0],
                columns: convolution.kernel[1],
                inputs: convolution.weights.count() / convolution.out_channels / places,
            };
            Some((layer.name().to_string(), layout, layer.shape().elements()))
        }
        _ => None,
    });
    convolutions.collect()
}
