//! Convolutions with bias and activation.

mod columns;
mod dense;
mod depthwise;
mod geometry;

pub(crate) use geometry::Geometry;

use crate::Error;
use crate::function::{descend_summed, finish, finish_into, needs_sum};
use crate::layer::{Backward, Forward, Gradient, Layer, sized};
use crate::parameters::{ParameterId, Parameters};
use crate::quantize::Installed;
use crate::quantizers::Layout;
use crate::vector::{Repeated, clear};
use dense::Dense;
use depthwise::{Depthwise, channels_first, channels_last};
use std::ops::Range;
use tincy_network::{Activation, Shape};

/// `activation(convolution(input, quantized weights) + bias)`.
pub(crate) struct Convolution {
    geometry: Geometry,
    weights: ParameterId,
    bias: Option<ParameterId>,
    activation: Activation,
    /// What the weights pass before they are used.
    quantizer: Option<Installed>,
    /// The weights that are used, in the order of the kernel: as the network has them, or
    /// `[ky][kx][channel]` for depthwise convolutions.
    used: Vec<f32>,
    repeated_bias: Option<Repeated>,
}

impl Convolution {
    pub(crate) fn new(
        geometry: Geometry,
        weights: ParameterId,
        bias: Option<ParameterId>,
        activation: Activation,
    ) -> Convolution {
        Convolution {
            geometry,
            weights,
            bias,
            activation,
            quantizer: None,
            used: Vec::new(),
            repeated_bias: None,
        }
    }

    /// Puts a quantizer before the weights.
    pub(crate) fn quantize(&mut self, quantizer: Installed) {
        self.quantizer = Some(quantizer);
    }

    /// Its weights among the parameters.
    pub(crate) fn weights(&self) -> ParameterId {
        self.weights
    }

    /// The sides of its weights.
    pub(crate) fn layout(&self) -> Layout {
        Layout {
            outputs: self.geometry.outputs,
            rows: self.geometry.kernel[0],
            columns: self.geometry.kernel[1],
            inputs: self.geometry.group_inputs(),
        }
    }

    fn taps(&self) -> usize {
        self.geometry.kernel[0] * self.geometry.kernel[1]
    }

    fn dense(&self, pictures: usize, input: Shape, output: Shape) -> Dense<'_> {
        Dense {
            geometry: &self.geometry,
            weights: &self.used,
            pictures,
            input,
            output,
        }
    }

    fn depthwise(&self, input: Shape, output: Shape) -> Depthwise<'_> {
        Depthwise {
            geometry: &self.geometry,
            weights: &self.used,
            input,
            output,
        }
    }

    fn sums(
        &self,
        pass: &mut Forward<'_>,
        sums: &mut [f32],
        finish: impl FnMut(Range<usize>, &mut [f32]),
    ) {
        let (pictures, input, output) = (pass.pictures, pass.shapes[0], pass.shape);
        if self.geometry.is_depthwise() {
            let road = self.depthwise(input, output);
            road.forward(pass.inputs[0], sums, finish);
        } else {
            let road = self.dense(pictures, input, output);
            road.forward(pass.inputs[0], sums, &mut pass.scratch.columns, finish);
        }
    }
}

impl Layer for Convolution {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        self.geometry.output(inputs[0])
    }

    fn prepare(&mut self, parameters: &Parameters) {
        let weights = parameters.get(self.weights);
        let used = sized(&mut self.used, weights.len());
        let quantized;
        let weights = match &mut self.quantizer {
            None => weights,
            Some(quantizer) => {
                quantizer.take(parameters);
                let mut out = vec![0.0; weights.len()];
                quantizer.forward(weights, &mut out);
                quantized = out;
                &quantized
            }
        };
        if self.geometry.is_depthwise() {
            channels_last(
                weights,
                self.geometry.kernel[0] * self.geometry.kernel[1],
                used,
            );
        } else {
            used.copy_from_slice(weights);
        }
        if let Some(bias) = self.bias {
            self.repeated_bias = Some(Repeated::of(parameters.get(bias)));
        }
    }

    fn forward(&self, mut pass: Forward<'_>) {
        let bias = self.repeated_bias.as_ref();
        let output = std::mem::take(&mut pass.output);
        if pass.training && needs_sum(self.activation) {
            let mut kept = std::mem::take(pass.kept);
            kept.resize(output.len(), 0.0);
            self.sums(&mut pass, &mut kept, |at, sums| {
                finish_into(self.activation, bias, sums, &mut output[at]);
            });
            *pass.kept = kept;
        } else {
            self.sums(&mut pass, output, |_, sums| {
                finish(self.activation, bias, sums);
            });
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let known = if needs_sum(self.activation) {
            pass.kept
        } else {
            pass.output
        };
        let d_sums = pass.d_output;
        match self.bias {
            Some(bias) => {
                let range = pass.parameters.range(bias);
                let sums = &mut pass.d_parameters[range];
                descend_summed(self.activation, known, d_sums, sums);
            }
            None => crate::function::descend(self.activation, known, d_sums),
        }
        let range = pass.parameters.range(self.weights);
        let trained = pass.parameters.list()[self.weights.0].trained;
        let d_weights = trained.then(|| &mut pass.d_parameters[range]);
        let d_input = pass.d_inputs[0].as_mut().map(|Gradient { values, add }| {
            clear(values, *add);
            values.as_mut_slice()
        });
        let (input, shapes) = (pass.inputs[0], (pass.shapes[0], pass.shape));
        if self.geometry.is_depthwise() {
            let road = self.depthwise(shapes.0, shapes.1);
            if let Some(d_weights) = d_weights {
                road.weight_gradient(input, d_sums, d_weights);
            }
            if let Some(d_input) = d_input {
                road.input_gradient(d_sums, d_input);
            }
        } else {
            let road = self.dense(pass.pictures, shapes.0, shapes.1);
            road.backward(input, d_sums, d_weights, d_input, &mut pass.scratch.columns);
        }
    }

    fn settle(&self, parameters: &Parameters, gradient: &mut [f32]) {
        let range = parameters.range(self.weights);
        if self.geometry.is_depthwise() {
            let given = gradient[range.clone()].to_vec();
            channels_first(&given, self.taps(), &mut gradient[range.clone()]);
        }
        if let Some(quantizer) = &self.quantizer {
            let mut d_weights = gradient[range.clone()].to_vec();
            let weights = parameters.get(self.weights);
            quantizer.backward(parameters, weights, &mut d_weights, gradient);
            gradient[range].copy_from_slice(&d_weights);
        }
    }

    fn settle_parameters(&mut self, parameters: &mut Parameters) {
        if let Some(quantizer) = &mut self.quantizer {
            quantizer.settle(parameters);
        }
    }

    fn quantizer(&mut self) -> Option<&mut Installed> {
        self.quantizer.as_mut()
    }

    fn as_convolution(&mut self) -> Option<&mut Convolution> {
        Some(self)
    }

    fn is_trained(&self, parameters: &Parameters) -> bool {
        let own = self.quantizer.as_ref();
        let ids = [Some(self.weights), self.bias];
        let mut ids = ids.into_iter().flatten();
        ids.any(|id| parameters.list()[id.0].trained)
            || own.is_some_and(|own| own.is_trained(parameters))
    }
}
