//! Some channels of a map.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::vector::{clear, put};
use tincy_network::Shape;

/// `count` channels from `start` on.
pub(crate) struct Slice {
    pub(crate) start: usize,
    pub(crate) count: usize,
}

impl Layer for Slice {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(Shape {
            channels: self.count,
            ..inputs[0]
        })
    }

    fn forward(&self, pass: Forward<'_>) {
        let pixels = pass.inputs[0].chunks_exact(pass.shapes[0].channels);
        for (from, to) in pixels.zip(pass.output.chunks_exact_mut(self.count)) {
            to.copy_from_slice(&from[self.start..self.start + self.count]);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(gradient) = &mut pass.d_inputs[0] else {
            return;
        };
        clear(&mut gradient.values, gradient.add);
        let pixels = gradient.values.chunks_exact_mut(pass.shapes[0].channels);
        for (to, from) in pixels.zip(pass.d_output.chunks_exact(self.count)) {
            put(&mut to[self.start..self.start + self.count], from, true);
        }
    }
}
