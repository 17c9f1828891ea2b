//! Operations and bytes of layers, counted the same way everywhere.

use crate::{Finish, Layer, Network, Op};

impl Network {
    /// Operations of layer `index`: two for each multiply-add of a convolution, padding counted as
    /// if it were real; zero for every other kind (comparisons and copies are not counted).
    pub fn operations(&self, index: usize) -> u64 {
        let layer = &self.layers()[index];
        let Op::Convolution(convolution) = layer.op() else {
            return 0;
        };
        let (input, _) = self.tensor(layer.inputs()[0]);
        let products = layer.shape().elements() as u64 * convolution.window(input.channels) as u64;
        2 * products
    }

    /// Operations of all layers together.
    pub fn total_operations(&self) -> u64 {
        (0..self.layers().len())
            .map(|index| self.operations(index))
            .sum()
    }

    /// Bytes of all parameters at rest.
    pub fn total_parameter_bytes(&self) -> usize {
        self.layers().iter().map(parameter_bytes).sum()
    }
}

/// Bytes that a layer's parameters take at rest, packed.
pub fn parameter_bytes(layer: &Layer) -> usize {
    let convolution = match layer.op() {
        Op::Convolution(convolution) => convolution,
        Op::Steps(steps) => return 4 * steps.values.len(),
        _ => return 0,
    };
    let weights = convolution
        .weights
        .kind()
        .bytes(convolution.weights.count());
    let finish = match &convolution.finish {
        Finish::Affine(affine) => 4 * (affine.scale.len() + affine.bias.len()),
        Finish::Thresholds(thresholds) => 4 * thresholds.values.len(),
        Finish::Requantize(r) => {
            let table = r.table.as_ref().map_or(0, |table| table.codes.len());
            4 * (r.bias.len() + r.multiplier.len()) + r.shift.len() + table
        }
    };
    weights + convolution.weights.multipliers().len() + finish
}
