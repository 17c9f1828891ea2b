//! An activation on its own.

use crate::Error;
use crate::function::{descend, finish, needs_sum};
use crate::layer::{Backward, Forward, Layer};
use crate::vector::put;
use tincy_network::{Activation, Shape};

/// `activation(input)`.
pub(crate) struct Activate(pub(crate) Activation);

impl Layer for Activate {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(inputs[0])
    }

    fn forward(&self, pass: Forward<'_>) {
        pass.output.copy_from_slice(pass.inputs[0]);
        finish(self.0, None, pass.output);
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(gradient) = &mut pass.d_inputs[0] {
            let known = if needs_sum(self.0) {
                pass.inputs[0]
            } else {
                pass.output
            };
            descend(self.0, known, pass.d_output);
            put(&mut gradient.values, pass.d_output, gradient.add);
        }
    }
}
