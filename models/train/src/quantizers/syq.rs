//! SYQ: symmetric quantization with learned codebooks (Faraone et al., CVPR 2018).
//!
//! Weights are binary or ternary times a positive scale that a subgroup of them shares:
//!
//! ```text
//! eta = t * max |W|            (ternary; the paper's t is 0.05)
//! m   = |W| > eta  (ternary),  1 (binary)
//! q   = a_g * sign(W) * m      sign(0) = +1
//! dE/da_g = sum over g of dE/dq * sign(W) * m        exact
//! dE/dW   = a_g * dE/dq                              straight-through, masked weights too
//! ```
//!
//! The subgroups run over places in the kernel that all channels share: the layer, a row, or a
//! position. Scales start at the mean magnitude of their subgroup, best of trained float weights, and
//! stay above [`LEAST_SHARE`] of that.

use super::loops::{largest_magnitude, sum, sum2};
use super::{Codes, Layout, Quantizer, Shared, keep_positive, sign};

/// The part of its start that a learned scale keeps: one that falls towards zero takes its weights'
/// gradient `a_g * dE/dq` along, so the layer would never come back.
pub const LEAST_SHARE: f32 = 0.125;

/// The values that a weight can take, before its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Levels {
    /// -1 and +1.
    Binary,
    /// -1, 0 and +1.
    Ternary {
        /// Weights of a magnitude up to this part of the largest become 0.
        threshold: f64,
    },
}

/// Which weights share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subgroup {
    /// All of the layer.
    Layer,
    /// Those of a kernel row.
    Row,
    /// Those of a place in the kernel; the method's own.
    Position,
}

/// The quantizer of a layer's weights.
#[derive(Clone, Debug)]
pub struct Syq {
    levels: Levels,
    subgroup: Subgroup,
    layout: Layout,
    scales: Vec<f32>,
    /// The smallest that each scale may become.
    least: Vec<f32>,
    learned: bool,
}

impl Syq {
    /// With scales that fit `weights`; they stay as they are unless `learned`.
    pub fn new(
        levels: Levels,
        subgroup: Subgroup,
        learned: bool,
        layout: Layout,
        weights: &[f32],
    ) -> Syq {
        let groups = match subgroup {
            Subgroup::Layer => 1,
            Subgroup::Row => layout.rows,
            Subgroup::Position => layout.positions(),
        };
        let mut syq = Syq {
            levels,
            subgroup,
            layout,
            scales: vec![0.0; groups],
            least: Vec::new(),
            learned,
        };
        let mut sums = vec![0.0f64; groups];
        for (run, weights) in weights.chunks_exact(layout.inputs).enumerate() {
            sums[syq.group(run)] += sum(weights, f32::abs);
        }
        let members = (layout.count() / groups) as f64;
        syq.scales = sums.iter().map(|sum| (sum / members) as f32).collect();
        keep_positive(&mut syq.scales);
        syq.least = syq.scales.iter().map(|scale| LEAST_SHARE * scale).collect();
        syq
    }

    /// The scale of each subgroup.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The magnitude up to which a weight becomes 0; below any for binary levels.
    fn eta(&self, weights: &[f32]) -> f64 {
        match self.levels {
            Levels::Binary => -1.0,
            Levels::Ternary { threshold } => threshold * f64::from(largest_magnitude(weights)),
        }
    }

    /// The subgroup of a run of weights: those of one output channel and one place in the kernel.
    fn group(&self, run: usize) -> usize {
        let position = run % self.layout.positions();
        match self.subgroup {
            Subgroup::Layer => 0,
            Subgroup::Row => position / self.layout.columns,
            Subgroup::Position => position,
        }
    }
}

/// -1, 0 or +1.
fn level(weight: f32, eta: f64) -> f32 {
    if f64::from(weight.abs()) > eta {
        sign(weight)
    } else {
        0.0
    }
}

impl Quantizer for Syq {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        let (eta, inputs) = (self.eta(values), self.layout.inputs);
        let runs = values
            .chunks_exact(inputs)
            .zip(out.chunks_exact_mut(inputs));
        for (run, (values, out)) in runs.enumerate() {
            let scale = self.scales[self.group(run)];
            for (value, out) in values.iter().zip(out) {
                *out = scale * level(*value, eta);
            }
        }
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], parameters: &mut [f32]) {
        let (eta, inputs) = (self.eta(values), self.layout.inputs);
        let mut sums = vec![0.0f64; self.scales.len()];
        let runs = values
            .chunks_exact(inputs)
            .zip(gradient.chunks_exact_mut(inputs));
        for (run, (values, gradient)) in runs.enumerate() {
            let group = self.group(run);
            sums[group] += sum2(values, gradient, |value, up| up * level(value, eta));
            gradient
                .iter_mut()
                .for_each(|gradient| *gradient *= self.scales[group]);
        }
        // Without learned scales `parameters` is empty.
        for (parameter, sum) in parameters.iter_mut().zip(sums) {
            *parameter += sum as f32;
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        let eta = self.eta(values);
        Codes {
            codes: values
                .iter()
                .map(|value| level(*value, eta) as i16)
                .collect(),
            scales: self.scales.clone(),
            shared: match self.subgroup {
                Subgroup::Layer => Shared::Layer,
                Subgroup::Row => Shared::Row,
                Subgroup::Position => Shared::Position,
            },
        }
    }

    fn parameters(&self) -> &[f32] {
        if self.learned { &self.scales } else { &[] }
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        if self.learned {
            &mut self.scales
        } else {
            &mut []
        }
    }

    fn settle(&mut self) {
        for (scale, least) in self.scales.iter_mut().zip(&self.least) {
            // A scale that is no number goes back there too.
            *scale = scale.max(*least);
        }
    }

    fn state(&self) -> Vec<f32> {
        self.scales.clone()
    }

    fn restore(&mut self, state: &[f32]) -> bool {
        let fits = state.len() == self.scales.len();
        if fits {
            self.scales.copy_from_slice(state);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::{self, Golden};
    use super::*;

    fn quantizer(case: &Golden) -> Syq {
        let levels = match case.text("levels") {
            "binary" => Levels::Binary,
            _ => Levels::Ternary {
                threshold: case.number("t"),
            },
        };
        let subgroup = match case.text("subgroup") {
            "layer" => Subgroup::Layer,
            "row" => Subgroup::Row,
            _ => Subgroup::Position,
        };
        let (layout, weights) = case.weights("w", "shape_khkwio");
        Syq::new(levels, subgroup, true, layout, &weights)
    }

    #[test]
    fn the_golden_cases() {
        let Some(file) = golden::open("syq.json") else {
            return;
        };
        for case in file.list("cases") {
            let syq = quantizer(&case);
            let (_, weights) = case.weights("w", "shape_khkwio");
            let (_, mut gradient) = case.weights("upstream", "shape_khkwio");
            golden::close(syq.scales(), &case.numbers("alpha0"));
            let mut found = vec![0.0; weights.len()];
            syq.forward(&weights, &mut found);
            golden::close(&found, &case.weights("q", "shape_khkwio").1);
            let codes = syq.codes(&weights);
            let as_floats: Vec<f32> = codes.codes.iter().map(|code| f32::from(*code)).collect();
            golden::close(&as_floats, &case.weights("code", "shape_khkwio").1);
            assert!((codes.sparsity() - case.number("sparsity")).abs() < 1e-12);
            let mut parameters = vec![0.0; syq.scales().len()];
            syq.backward(&weights, &mut gradient, &mut parameters);
            golden::close(&gradient, &case.weights("dE_dw_ste", "shape_khkwio").1);
            golden::close(&parameters, &case.numbers("dE_dalpha"));
        }
    }

    #[test]
    fn five_steps_of_plain_descent() {
        let Some(file) = golden::open("syq.json") else {
            return;
        };
        let run = file.inside("sgd_row_binary");
        let (rate, target) = (run.number("lr") as f32, run.floats("target"));
        let steps = run.list("steps");
        let mut weights = steps[0].floats("w");
        let layout = Layout {
            outputs: 1,
            rows: 3,
            columns: 3,
            inputs: 1,
        };
        let mut syq = Syq::new(Levels::Binary, Subgroup::Row, true, layout, &weights);
        for step in steps {
            golden::close(syq.parameters(), &step.numbers("alpha"));
            golden::close(&weights, &step.floats("w"));
            let (mut q, mut da) = (vec![0.0; 9], vec![0.0; 3]);
            syq.forward(&weights, &mut q);
            let error: Vec<f32> = q.iter().zip(&target).map(|(q, t)| q - t).collect();
            let loss: f32 = error.iter().map(|e| e * e / 2.0).sum();
            assert!((f64::from(loss) - step.number("loss")).abs() < 1e-5);
            let mut dw = error;
            syq.backward(&weights, &mut dw, &mut da);
            for (weight, dw) in weights.iter_mut().zip(dw) {
                *weight -= rate * dw;
            }
            for (scale, da) in syq.parameters_mut().iter_mut().zip(da) {
                *scale -= rate * da;
            }
        }
    }

    #[test]
    fn a_learned_scale_never_falls_out_of_reach() {
        let layout = Layout {
            outputs: 1,
            rows: 2,
            columns: 1,
            inputs: 2,
        };
        let weights = [0.5, -0.5, 2.0, 2.0];
        let mut syq = Syq::new(Levels::Binary, Subgroup::Row, true, layout, &weights);
        syq.parameters_mut().copy_from_slice(&[-0.1, f32::NAN]);
        syq.settle();
        assert_eq!(syq.scales(), [0.0625, 0.25]);
        syq.parameters_mut().copy_from_slice(&[0.07, 3.0]);
        syq.settle();
        assert_eq!(syq.scales(), [0.07, 3.0]);
    }

    #[test]
    fn fixed_scales_are_kept_but_not_learned() {
        let layout = Layout {
            outputs: 2,
            rows: 1,
            columns: 1,
            inputs: 2,
        };
        let weights = [0.5, -1.0, 0.25, 0.25];
        let mut syq = Syq::new(Levels::Binary, Subgroup::Layer, false, layout, &weights);
        assert!(syq.parameters().is_empty() && syq.scales() == [0.5]);
        assert!(syq.restore(&[0.75]) && !syq.restore(&[0.75, 0.5]));
        let mut q = [0.0; 4];
        syq.forward(&weights, &mut q);
        assert_eq!(q, [0.75, -0.75, 0.75, 0.75]);
    }
}
