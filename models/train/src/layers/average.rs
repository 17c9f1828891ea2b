//! The mean of each channel.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::vector::clear;
use tincy_network::Shape;

/// The mean over all pixels, a channel at a time.
pub(crate) struct GlobalAverage;

impl Layer for GlobalAverage {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(Shape::new(1, 1, inputs[0].channels))
    }

    fn forward(&self, pass: Forward<'_>) {
        let shape = pass.shapes[0];
        pass.output.fill(0.0);
        let pictures = pass.inputs[0].chunks_exact(shape.elements());
        for (map, means) in pictures.zip(pass.output.chunks_exact_mut(shape.channels)) {
            for pixel in map.chunks_exact(shape.channels) {
                for (mean, value) in means.iter_mut().zip(pixel) {
                    *mean += value;
                }
            }
            for mean in means {
                *mean /= shape.pixels() as f32;
            }
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let shape = pass.shapes[0];
        let Some(gradient) = &mut pass.d_inputs[0] else {
            return;
        };
        clear(&mut gradient.values, gradient.add);
        let pictures = gradient.values.chunks_exact_mut(shape.elements());
        for (map, means) in pictures.zip(pass.d_output.chunks_exact(shape.channels)) {
            for pixel in map.chunks_exact_mut(shape.channels) {
                for (to, mean) in pixel.iter_mut().zip(means) {
                    *to += mean / shape.pixels() as f32;
                }
            }
        }
    }
}
