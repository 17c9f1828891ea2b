//! Ternary weights with a scale for the layer (TWN), or one for each sign (TTQ).
//!
//! ```text
//! TWN (Li et al., 2016)              TTQ (Zhu et al., ICLR 2017)
//! eta = 0.7 * mean |W|               eta = t * max |W|,  t = 0.05
//! a   = mean of |W| above eta        p, n learned
//! q   = a * sign(W) above, else 0    q = p above eta, -n below -eta, else 0
//! dE/dW = dE/dq                      dE/dW = dE/dq * (p above, n below, 1 between)
//!                                    dE/dp = sum of dE/dq above, dE/dn = -sum below
//! ```

use super::loops::{largest_magnitude, mean_magnitude, sum, sum2};
use super::{Codes, Quantizer, Shared, keep_positive};

/// TWN: nothing is learned but the weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct Twn;

/// The threshold, and the mean magnitude above it.
fn fit(values: &[f32]) -> (f64, f32) {
    let eta = 0.7 * sum(values, f32::abs) / values.len().max(1) as f64;
    (eta, mean_above(values, eta))
}

/// The mean magnitude of the values above a threshold; 0 if there are none.
fn mean_above(values: &[f32], eta: f64) -> f32 {
    let above = |value: f32| f64::from(value.abs()) > eta;
    let count = sum(values, |value| f32::from(u8::from(above(value))));
    let total = sum(values, |value| if above(value) { value.abs() } else { 0.0 });
    if count > 0.0 {
        (total / count) as f32
    } else {
        0.0
    }
}

/// -1 below -eta, 1 above eta, else 0.
fn level(value: f32, eta: f64) -> i8 {
    let value = f64::from(value);
    i8::from(value > eta) - i8::from(value < -eta)
}

impl Quantizer for Twn {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        let (eta, scale) = fit(values);
        for (value, out) in values.iter().zip(out) {
            *out = scale * f32::from(level(*value, eta));
        }
    }

    fn backward(&self, _: &[f32], _: &mut [f32], _: &mut [f32]) {}

    fn codes(&self, values: &[f32]) -> Codes {
        let (eta, scale) = fit(values);
        Codes {
            codes: values
                .iter()
                .map(|value| level(*value, eta).into())
                .collect(),
            scales: vec![scale],
            shared: Shared::Layer,
        }
    }
}

/// TTQ: the two scales are learned.
///
/// Its two magnitudes are no codebook of one scale, so its codes are multiples of the smaller one's
/// 127th part or so: it is here to be compared with, not to be exported.
#[derive(Clone, Debug)]
pub struct Ttq {
    threshold: f64,
    /// Of positive and of negative weights.
    scales: [f32; 2],
}

impl Ttq {
    /// With both scales at the mean magnitude of `weights`.
    pub fn new(threshold: f64, weights: &[f32]) -> Ttq {
        Ttq {
            threshold,
            scales: [mean_magnitude(weights); 2],
        }
    }

    fn eta(&self, values: &[f32]) -> f64 {
        self.threshold * f64::from(largest_magnitude(values))
    }

    fn value(&self, level: i8) -> f32 {
        match level {
            1 => self.scales[0],
            -1 => -self.scales[1],
            _ => 0.0,
        }
    }
}

impl Quantizer for Ttq {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        let eta = self.eta(values);
        for (value, out) in values.iter().zip(out) {
            *out = self.value(level(*value, eta));
        }
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], parameters: &mut [f32]) {
        let eta = self.eta(values);
        for (parameter, wanted) in parameters.iter_mut().zip([1, -1]) {
            let of_sign = |value: f32, up: f32| if level(value, eta) == wanted { up } else { 0.0 };
            *parameter += f32::from(wanted) * sum2(values, gradient, of_sign) as f32;
        }
        for (value, gradient) in values.iter().zip(gradient) {
            match level(*value, eta) {
                0 => {}
                level => *gradient *= self.value(level).abs(),
            }
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        let eta = self.eta(values);
        let scale = self.scales[0].max(self.scales[1]) / 127.0;
        let code = |value: &f32| (self.value(level(*value, eta)) / scale).round() as i16;
        Codes {
            codes: values.iter().map(code).collect(),
            scales: vec![scale],
            shared: Shared::Layer,
        }
    }

    fn parameters(&self) -> &[f32] {
        &self.scales
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.scales
    }

    fn settle(&mut self) {
        keep_positive(&mut self.scales);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    #[test]
    fn the_golden_cases() {
        let Some(file) = golden::open("ternary.json") else {
            return;
        };
        for case in file.list("cases") {
            let (weights, mut gradient) = (case.floats("w"), case.floats("upstream"));
            let mut found = vec![0.0; weights.len()];

            let twn = case.inside("twn");
            let (eta, scale) = fit(&weights);
            assert!((eta - twn.number("delta")).abs() < 1e-9);
            golden::close(&[scale], &[twn.number("alpha")]);
            let codes: Vec<f32> = Twn
                .codes(&weights)
                .codes
                .iter()
                .map(|c| f32::from(*c))
                .collect();
            golden::close(&codes, &twn.numbers("code"));
            Twn.forward(&weights, &mut found);
            let error = sum2(&weights, &found, |w, q| (w - q) * (w - q)) / weights.len() as f64;
            assert!((error - twn.number("mse")).abs() < 1e-6);

            let expected = case.inside("ttq");
            let scales = [expected.number("wp") as f32, expected.number("wn") as f32];
            let mut ttq = Ttq::new(expected.number("t"), &weights);
            ttq.parameters_mut().copy_from_slice(&scales);
            ttq.forward(&weights, &mut found);
            golden::close(&found, &expected.numbers("q"));
            let mut parameters = [0.0; 2];
            ttq.backward(&weights, &mut gradient, &mut parameters);
            golden::close(&gradient, &expected.numbers("dE_dw_ste"));
            let slopes = [expected.number("dE_dwp"), expected.number("dE_dwn")];
            golden::close(&parameters, &slopes);
        }
    }
}
