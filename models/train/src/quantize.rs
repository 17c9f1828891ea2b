//! A quantizer at its place in a model: its parameters lie among the model's.

use crate::parameters::{ParameterId, Parameters, Role};
use crate::quantizers::Quantizer;

/// A quantizer and where its parameters lie.
pub(crate) struct Installed {
    quantizer: Box<dyn Quantizer>,
    own: Option<ParameterId>,
}

impl Installed {
    /// Adds the quantizer's parameters, as they are, to the model's.
    pub(crate) fn new(
        quantizer: Box<dyn Quantizer>,
        name: String,
        parameters: &mut Parameters,
    ) -> Installed {
        let own = quantizer.parameters();
        let own = (!own.is_empty()).then(|| parameters.add(name, Role::Quantizer, own));
        Installed { quantizer, own }
    }

    /// Uses the parameters of another quantizer of the same form.
    pub(crate) fn sharing(quantizer: Box<dyn Quantizer>, own: ParameterId) -> Installed {
        Installed {
            quantizer,
            own: Some(own),
        }
    }

    /// Takes the parameters' values up, before a pass.
    pub(crate) fn take(&mut self, parameters: &Parameters) {
        if let Some(own) = self.own {
            self.quantizer
                .parameters_mut()
                .copy_from_slice(parameters.get(own));
        }
    }

    /// Brings the parameters back into their range, after a step.
    pub(crate) fn settle(&mut self, parameters: &mut Parameters) {
        self.take(parameters);
        self.quantizer.settle();
        if let Some(own) = self.own {
            parameters
                .get_mut(own)
                .copy_from_slice(self.quantizer.parameters());
        }
    }

    pub(crate) fn forward(&self, values: &[f32], out: &mut [f32]) {
        self.quantizer.forward(values, out);
    }

    /// Turns `gradient` into that of the values and adds that of the parameters to all parameters'.
    pub(crate) fn backward(
        &self,
        parameters: &Parameters,
        values: &[f32],
        gradient: &mut [f32],
        d_parameters: &mut [f32],
    ) {
        let range = self.own.map_or(0..0, |own| parameters.range(own));
        self.quantizer
            .backward(values, gradient, &mut d_parameters[range]);
    }

    pub(crate) fn is_trained(&self, parameters: &Parameters) -> bool {
        self.own.is_some_and(|own| parameters.list()[own.0].trained)
    }

    /// The quantizer itself: its codes, its state.
    pub(crate) fn get(&self) -> &dyn Quantizer {
        &*self.quantizer
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Quantizer {
        &mut *self.quantizer
    }
}
