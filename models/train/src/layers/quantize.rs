//! A quantizer after a map.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::parameters::{ParameterId, Parameters};
use crate::quantize::MapQuantizer;
use crate::vector::put;
use tincy_network::Shape;

/// The map as its codes will have it.
pub(crate) struct Quantize {
    pub(crate) quantizer: Box<dyn MapQuantizer>,
    /// The quantizer's own parameters.
    pub(crate) own: Option<ParameterId>,
}

impl Layer for Quantize {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(inputs[0])
    }

    fn prepare(&mut self, parameters: &Parameters) {
        self.quantizer
            .take(self.own.map_or(&[], |own| parameters.get(own)));
    }

    fn forward(&self, pass: Forward<'_>) {
        self.quantizer.forward(pass.inputs[0], pass.output);
    }

    fn backward(&self, pass: Backward<'_>) {
        let range = self.own.map_or(0..0, |own| pass.parameters.range(own));
        let d_own = &mut pass.d_parameters[range];
        self.quantizer
            .backward(pass.inputs[0], pass.d_output, d_own);
        if let Some(gradient) = &mut pass.d_inputs[0] {
            put(&mut gradient.values, pass.d_output, gradient.add);
        }
    }

    fn is_trained(&self, parameters: &Parameters) -> bool {
        self.own.is_some_and(|own| parameters.list()[own.0].trained)
    }
}
