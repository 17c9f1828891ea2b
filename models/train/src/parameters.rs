//! The numbers that training changes: one flat array, with names for its parts.

use std::ops::Range;

/// A parameter tensor, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParameterId(pub(crate) usize);

/// What a parameter is; rates and decay are chosen by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Weights of a convolution.
    Weight,
    /// What is added to a convolution's sum.
    Bias,
    /// Factor of a normalised channel.
    Scale,
    /// What is added to a normalised channel.
    Shift,
    /// A quantizer's own: steps, scales.
    Quantizer,
    /// Running statistics: kept and averaged, never moved by gradients.
    Statistic,
}

/// One tensor of the flat array.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// `LAYER.weight` and so on; unique.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Where it lies in the flat array.
    pub range: Range<usize>,
    /// Whether training moves it.
    pub trained: bool,
}

/// All parameters of a model.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    list: Vec<Parameter>,
    values: Vec<f32>,
}

impl Parameters {
    pub(crate) fn add(&mut self, name: String, role: Role, values: &[f32]) -> ParameterId {
        let start = self.values.len();
        self.values.extend_from_slice(values);
        self.list.push(Parameter {
            name,
            role,
            range: start..self.values.len(),
            trained: role != Role::Statistic,
        });
        ParameterId(self.list.len() - 1)
    }

    /// The tensors, in the order of the flat array.
    pub fn list(&self) -> &[Parameter] {
        &self.list
    }

    /// Where a tensor lies.
    pub fn range(&self, id: ParameterId) -> Range<usize> {
        self.list[id.0].range.clone()
    }

    /// The values of a tensor.
    pub fn get(&self, id: ParameterId) -> &[f32] {
        &self.values[self.range(id)]
    }

    /// The values of a tensor, to change.
    pub fn get_mut(&mut self, id: ParameterId) -> &mut [f32] {
        let range = self.range(id);
        &mut self.values[range]
    }

    /// The tensor of a name.
    pub fn find(&self, name: &str) -> Option<ParameterId> {
        let at = self.list.iter().position(|p| p.name == name)?;
        Some(ParameterId(at))
    }

    /// All values, flat.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, flat, to change.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The size of a tensor's values, for rates in proportion: the root of their mean square, 1e-6 at
    /// least, and 0.1 for biases, which may start at 0.
    pub fn size(&self, parameter: &Parameter) -> f32 {
        let least = match parameter.role {
            Role::Bias => 0.1,
            _ => 1e-6,
        };
        let values = &self.values[parameter.range.clone()];
        let squares: f32 = values.iter().map(|value| value * value).sum();
        (squares / values.len().max(1) as f32).sqrt().max(least)
    }

    /// Chooses what is trained; statistics never are.
    pub fn train(&mut self, wanted: impl Fn(&Parameter) -> bool) {
        for parameter in &mut self.list {
            parameter.trained = parameter.role != Role::Statistic && wanted(parameter);
        }
    }
}
