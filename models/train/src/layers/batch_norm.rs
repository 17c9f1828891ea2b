//! Batch normalisation with an activation.

use crate::Error;
use crate::function::{descend, finish, needs_sum};
use crate::layer::{Backward, Forward, Layer};
use crate::parameters::{ParameterId, Parameters};
use crate::vector::{Repeated, put, vectorised};
use tincy_network::{Activation, Shape};

/// Added to variances.
pub(crate) const EPSILON: f64 = 1e-5;

/// Where mean and variance come from in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistics {
    /// From the batch; the running ones follow with this momentum.
    Batch {
        /// Share of the batch in the running statistics.
        momentum: f32,
    },
    /// From the running ones, which stay.
    Frozen,
}

/// `activation(scale * (x - mean) / sqrt(variance + epsilon) + shift)`, one of each a channel.
pub(crate) struct BatchNorm {
    pub(crate) scale: ParameterId,
    pub(crate) shift: ParameterId,
    pub(crate) mean: ParameterId,
    pub(crate) variance: ParameterId,
    pub(crate) activation: Activation,
    pub(crate) statistics: Statistics,
    /// Mean and inverse deviation of this pass.
    centre: Vec<f32>,
    inverse: Vec<f32>,
    /// The pass as `factor * x + offset`.
    factor: Repeated,
    offset: Repeated,
    /// The way back as `factor * d + slope * x + constant`.
    slope: Repeated,
    constant: Repeated,
}

impl BatchNorm {
    pub(crate) fn new(
        [scale, shift, mean, variance]: [ParameterId; 4],
        activation: Activation,
        statistics: Statistics,
    ) -> BatchNorm {
        BatchNorm {
            scale,
            shift,
            mean,
            variance,
            activation,
            statistics,
            centre: Vec::new(),
            inverse: Vec::new(),
            factor: Repeated::default(),
            offset: Repeated::default(),
            slope: Repeated::default(),
            constant: Repeated::default(),
        }
    }

    /// Takes the statistics of a pass: means and variances.
    fn normalise(&mut self, parameters: &Parameters, means: &[f64], variances: &[f64]) {
        let inverse: Vec<f64> = variances
            .iter()
            .map(|v| 1.0 / (v + EPSILON).sqrt())
            .collect();
        let (scale, shift) = (parameters.get(self.scale), parameters.get(self.shift));
        let factor: Vec<f32> = inverse
            .iter()
            .zip(scale)
            .map(|(i, s)| (i * f64::from(*s)) as f32)
            .collect();
        let offset: Vec<f32> = (0..scale.len())
            .map(|c| (f64::from(shift[c]) - means[c] * inverse[c] * f64::from(scale[c])) as f32)
            .collect();
        self.factor.set(&factor);
        self.offset.set(&offset);
        self.slope.set(&vec![0.0; scale.len()]);
        self.constant.set(&vec![0.0; scale.len()]);
        self.centre = means.iter().map(|m| *m as f32).collect();
        self.inverse = inverse.iter().map(|i| *i as f32).collect();
    }

    fn affine(&self, input: &[f32], output: &mut [f32]) {
        let (factor, offset) = (self.factor.values(), self.offset.values());
        vectorised(
            #[inline(always)]
            || {
                let parts = input
                    .chunks(factor.len())
                    .zip(output.chunks_mut(factor.len()));
                for (input, output) in parts {
                    for (((y, x), f), o) in output.iter_mut().zip(input).zip(factor).zip(offset) {
                        *y = x.mul_add(*f, *o);
                    }
                }
            },
        );
    }

    /// The gradient of the normalised map, in place; and per channel its sum and its sum times the
    /// centred input, which are the gradients of shift and scale.
    fn descend(&self, pass: Backward<'_>) -> Vec<f64> {
        if needs_sum(self.activation) {
            let sums = crate::layer::sized(&mut pass.scratch.columns, pass.d_output.len());
            self.affine(pass.inputs[0], sums);
            descend(self.activation, sums, pass.d_output);
        } else {
            descend(self.activation, pass.output, pass.d_output);
        }
        let sums = channel_sums(pass.d_output, Some(pass.inputs[0]), &self.centre);
        let (scale, shift) = (
            pass.parameters.range(self.scale),
            pass.parameters.range(self.shift),
        );
        let channels = shift.len();
        for c in 0..channels {
            pass.d_parameters[shift.start + c] += sums[c] as f32;
            let product = sums[channels + c] * f64::from(self.inverse[c]);
            pass.d_parameters[scale.start + c] += product as f32;
        }
        sums
    }

    /// `to = factor * d + slope * x + constant`.
    fn back(&self, d: &mut [f32], x: &[f32]) {
        let (factor, slope) = (self.factor.values(), self.slope.values());
        let constant = self.constant.values();
        vectorised(
            #[inline(always)]
            || {
                for (d, x) in d.chunks_mut(factor.len()).zip(x.chunks(factor.len())) {
                    let channels = factor.iter().zip(slope).zip(constant);
                    for ((d, x), ((f, s), c)) in d.iter_mut().zip(x).zip(channels) {
                        *d = d.mul_add(*f, x.mul_add(*s, *c));
                    }
                }
            },
        );
    }
}

/// Sums of `(a, a * (b - centre))` a channel, or of `(a - centre, (a - centre)^2)` without `b`.
///
/// Sums of a few thousand elements are taken in f32, and these in f64.
fn channel_sums(a: &[f32], b: Option<&[f32]>, centre: &[f32]) -> Vec<f64> {
    let channels = centre.len();
    let mut totals = vec![0.0; 2 * channels];
    let centre = Repeated::of(centre);
    let block = centre.values().len() * 8;
    let (mut first, mut second) = (Repeated::zeros(channels), Repeated::zeros(channels));
    let mut narrow = vec![0.0; channels];
    for (index, a) in a.chunks(block).enumerate() {
        first.values_mut().fill(0.0);
        second.values_mut().fill(0.0);
        let b = b.map(|b| &b[index * block..][..a.len()]);
        vectorised(
            #[inline(always)]
            || {
                block_sums(
                    a,
                    b,
                    centre.values(),
                    first.values_mut(),
                    second.values_mut(),
                )
            },
        );
        for (sums, totals) in [&first, &second]
            .into_iter()
            .zip(totals.chunks_exact_mut(channels))
        {
            narrow.fill(0.0);
            sums.fold_into(&mut narrow);
            for (total, sum) in totals.iter_mut().zip(&narrow) {
                *total += f64::from(*sum);
            }
        }
    }
    totals
}

#[inline(always)]
fn block_sums(a: &[f32], b: Option<&[f32]>, centre: &[f32], first: &mut [f32], second: &mut [f32]) {
    let width = centre.len();
    for (index, a) in a.chunks(width).enumerate() {
        let sums = first.iter_mut().zip(second.iter_mut()).zip(centre);
        match b {
            Some(b) => {
                for ((a, b), ((first, second), centre)) in
                    a.iter().zip(&b[index * width..]).zip(sums)
                {
                    *first += a;
                    *second = a.mul_add(b - centre, *second);
                }
            }
            None => {
                for (a, ((first, second), centre)) in a.iter().zip(sums) {
                    let a = a - centre;
                    *first += a;
                    *second = a.mul_add(a, *second);
                }
            }
        }
    }
}

impl Layer for BatchNorm {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(inputs[0])
    }

    fn prepare(&mut self, parameters: &Parameters) {
        let wide = |id| {
            parameters
                .get(id)
                .iter()
                .map(|v| f64::from(*v))
                .collect::<Vec<_>>()
        };
        self.normalise(parameters, &wide(self.mean), &wide(self.variance));
    }

    fn meets(&self) -> bool {
        matches!(self.statistics, Statistics::Batch { .. })
    }

    fn forward_sums(&self, pass: Forward<'_>) -> Vec<f64> {
        // Around the running mean the squares lose no digits.
        channel_sums(pass.inputs[0], None, pass.parameters.get(self.mean))
    }

    fn meet_forward(&mut self, sums: &[f64], pixels: usize, parameters: &mut Parameters) {
        let channels = sums.len() / 2;
        let count = pixels as f64;
        let running = parameters.get(self.mean);
        let offsets: Vec<f64> = sums[..channels].iter().map(|sum| sum / count).collect();
        let means: Vec<f64> = offsets
            .iter()
            .zip(running)
            .map(|(o, m)| o + f64::from(*m))
            .collect();
        let variances: Vec<f64> = offsets
            .iter()
            .zip(&sums[channels..])
            .map(|(offset, squares)| (squares / count - offset * offset).max(0.0))
            .collect();
        self.normalise(parameters, &means, &variances);
        if let Statistics::Batch { momentum } = self.statistics {
            let unbiased = count / (count - 1.0).max(1.0);
            let follow = |running: &mut [f32], now: &mut dyn Iterator<Item = f64>| {
                for (running, now) in running.iter_mut().zip(now) {
                    *running += momentum * (now as f32 - *running);
                }
            };
            follow(parameters.get_mut(self.mean), &mut means.into_iter());
            let variances = &mut variances.into_iter().map(|v| v * unbiased);
            follow(parameters.get_mut(self.variance), variances);
        }
    }

    fn forward(&self, pass: Forward<'_>) {
        self.affine(pass.inputs[0], pass.output);
        finish(self.activation, None, pass.output);
    }

    fn backward_sums(&self, pass: Backward<'_>) -> Vec<f64> {
        self.descend(pass)
    }

    fn meet_backward(&mut self, sums: &[f64], pixels: usize) {
        let channels = sums.len() / 2;
        let count = pixels as f64;
        let factor = &self.factor.values()[..channels];
        let (mut slope, mut constant) = (Vec::new(), Vec::new());
        for c in 0..channels {
            let (factor, inverse) = (f64::from(factor[c]), f64::from(self.inverse[c]));
            let along = -factor * inverse * inverse * sums[channels + c] / count;
            slope.push(along as f32);
            let level = -factor * sums[c] / count - along * f64::from(self.centre[c]);
            constant.push(level as f32);
        }
        self.slope.set(&slope);
        self.constant.set(&constant);
    }

    fn backward(&self, mut pass: Backward<'_>) {
        let frozen = !self.meets();
        let d_output = std::mem::take(&mut pass.d_output);
        let (input, d_inputs) = (pass.inputs[0], std::mem::take(&mut pass.d_inputs));
        if frozen {
            self.descend(Backward {
                d_output: &mut *d_output,
                ..pass
            });
        }
        if let Some(gradient) = &mut d_inputs[0] {
            self.back(d_output, input);
            put(&mut gradient.values, d_output, gradient.add);
        }
    }

    fn is_trained(&self, parameters: &Parameters) -> bool {
        [self.scale, self.shift]
            .iter()
            .any(|id| parameters.list()[id.0].trained)
    }
}
