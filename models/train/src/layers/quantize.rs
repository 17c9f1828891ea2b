//! A quantizer after a map.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::parameters::Parameters;
use crate::quantize::Installed;
use crate::vector::put;
use tincy_network::Shape;

/// The map as its codes will have it.
pub(crate) struct Quantize(pub(crate) Installed);

impl Layer for Quantize {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(inputs[0])
    }

    fn prepare(&mut self, parameters: &Parameters) {
        self.0.take(parameters);
    }

    fn forward(&self, pass: Forward<'_>) {
        self.0.forward(pass.inputs[0], pass.output);
    }

    fn backward(&self, pass: Backward<'_>) {
        let (map, d_map) = (pass.inputs[0], pass.d_output);
        self.0
            .backward(pass.parameters, map, d_map, pass.d_parameters);
        if let Some(gradient) = &mut pass.d_inputs[0] {
            put(&mut gradient.values, d_map, gradient.add);
        }
    }

    fn settle_parameters(&mut self, parameters: &mut Parameters) {
        self.0.settle(parameters);
    }

    fn quantizer(&mut self) -> Option<&mut Installed> {
        Some(&mut self.0)
    }

    fn is_trained(&self, parameters: &Parameters) -> bool {
        self.0.is_trained(parameters)
    }
}
