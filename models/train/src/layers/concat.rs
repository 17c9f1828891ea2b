//! The channels of several maps, one after the other.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::vector::put;
use tincy_network::Shape;

/// Concatenation along channels.
pub(crate) struct Concat;

impl Layer for Concat {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        let Shape { height, width, .. } = inputs[0];
        let odd = inputs
            .iter()
            .find(|s| (s.height, s.width) != (height, width));
        if let Some(odd) = odd {
            return Err(Error::Shape(format!(
                "maps of {} and {odd} are joined; take an input size that all strides divide",
                inputs[0]
            )));
        }
        let channels = inputs.iter().map(|shape| shape.channels).sum();
        Ok(Shape::new(height, width, channels))
    }

    fn forward(&self, pass: Forward<'_>) {
        let mut first = 0;
        for (map, shape) in pass.inputs.iter().zip(pass.shapes) {
            let count = shape.channels;
            let pixels = pass.output.chunks_exact_mut(pass.shape.channels);
            for (to, from) in pixels.zip(map.chunks_exact(count)) {
                to[first..first + count].copy_from_slice(from);
            }
            first += count;
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let mut first = 0;
        for (gradient, shape) in pass.d_inputs.iter_mut().zip(pass.shapes) {
            let count = shape.channels;
            if let Some(gradient) = gradient {
                let pixels = pass.d_output.chunks_exact(pass.shape.channels);
                for (from, to) in pixels.zip(gradient.values.chunks_exact_mut(count)) {
                    put(to, &from[first..first + count], gradient.add);
                }
            }
            first += count;
        }
    }
}
