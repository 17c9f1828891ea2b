//! The sum of two maps of one shape.

use crate::Error;
use crate::function::{descend, finish, finish_into, needs_sum};
use crate::layer::{Backward, Forward, Layer};
use crate::vector::put;
use tincy_network::{Activation, Shape};

/// `activation(first + second)`.
pub(crate) struct Add(pub(crate) Activation);

impl Layer for Add {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        let (first, second) = (inputs[0], inputs[1]);
        if first != second {
            return Err(Error::Shape(format!(
                "maps of {first} and {second} are added; training adds maps of one shape only"
            )));
        }
        Ok(first)
    }

    fn forward(&self, pass: Forward<'_>) {
        if pass.training && needs_sum(self.0) {
            pass.kept.clear();
            pass.kept.extend_from_slice(pass.inputs[0]);
            put(pass.kept, pass.inputs[1], true);
            finish_into(self.0, None, pass.kept, pass.output);
        } else {
            pass.output.copy_from_slice(pass.inputs[0]);
            put(pass.output, pass.inputs[1], true);
            finish(self.0, None, pass.output);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let known = if needs_sum(self.0) {
            pass.kept
        } else {
            pass.output
        };
        descend(self.0, known, pass.d_output);
        for gradient in pass.d_inputs.iter_mut().flatten() {
            put(&mut gradient.values, pass.d_output, gradient.add);
        }
    }
}
