//! Darknet's space-to-depth.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::vector::clear;
use tincy_network::{Shape, reorg};

/// See [`reorg::source`].
pub(crate) struct Reorg {
    pub(crate) stride: usize,
}

impl Reorg {
    /// Calls `visit` with each element of the output and the element that it comes from.
    fn moves(&self, from: Shape, to: Shape, mut visit: impl FnMut(usize, usize)) {
        for y in 0..to.height {
            for x in 0..to.width {
                for c in 0..to.channels {
                    let [sy, sx, sc] = reorg::source(from, self.stride, y, x, c);
                    visit(
                        (y * to.width + x) * to.channels + c,
                        (sy * from.width + sx) * from.channels + sc,
                    );
                }
            }
        }
    }
}

impl Layer for Reorg {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        let (shape, stride) = (inputs[0], self.stride);
        if !shape.height.is_multiple_of(stride) || !shape.width.is_multiple_of(stride) {
            return Err(Error::Shape(format!(
                "a map of {shape} cannot be reorganised by {stride}; take another input size"
            )));
        }
        let (height, width) = (shape.height / stride, shape.width / stride);
        Ok(Shape::new(height, width, shape.channels * stride * stride))
    }

    fn forward(&self, pass: Forward<'_>) {
        let (from, to) = (pass.shapes[0], pass.shape);
        let maps = pass.inputs[0].chunks_exact(from.elements());
        for (map, output) in maps.zip(pass.output.chunks_exact_mut(to.elements())) {
            self.moves(from, to, |to, from| output[to] = map[from]);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let (from, to) = (pass.shapes[0], pass.shape);
        let Some(gradient) = &mut pass.d_inputs[0] else {
            return;
        };
        clear(&mut gradient.values, gradient.add);
        let maps = gradient.values.chunks_exact_mut(from.elements());
        for (map, d) in maps.zip(pass.d_output.chunks_exact(to.elements())) {
            self.moves(from, to, |to, from| map[from] += d[to]);
        }
    }
}
