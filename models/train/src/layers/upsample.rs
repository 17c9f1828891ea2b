//! Pixels repeated.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::vector::{clear, put};
use tincy_network::Shape;

/// Every pixel repeated `factor` x `factor` times.
pub(crate) struct Upsample {
    pub(crate) factor: usize,
}

impl Upsample {
    /// Where the source of output pixel `index`, counted through all pictures, begins.
    fn source(&self, from: Shape, to: Shape, index: usize) -> usize {
        let (row, x) = (index / to.width, index % to.width);
        let (picture, y) = (row / to.height, row % to.height);
        let row = picture * from.height + y / self.factor;
        (row * from.width + x / self.factor) * from.channels
    }
}

impl Layer for Upsample {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        let shape = inputs[0];
        let (height, width) = (shape.height * self.factor, shape.width * self.factor);
        Ok(Shape::new(height, width, shape.channels))
    }

    fn forward(&self, pass: Forward<'_>) {
        let from = pass.shapes[0];
        let pixels = pass.output.chunks_exact_mut(from.channels);
        for (index, to) in pixels.enumerate() {
            let at = self.source(from, pass.shape, index);
            to.copy_from_slice(&pass.inputs[0][at..at + from.channels]);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(gradient) = &mut pass.d_inputs[0] else {
            return;
        };
        clear(&mut gradient.values, gradient.add);
        let from = pass.shapes[0];
        for (index, d) in pass.d_output.chunks_exact(from.channels).enumerate() {
            let at = self.source(from, pass.shape, index);
            put(&mut gradient.values[at..at + from.channels], d, true);
        }
    }
}
