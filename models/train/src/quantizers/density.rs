//! A differentiable stand-in for the part of ternary weights that are not zero.
//!
//! ```text
//! D        = mean of s,            s = 1 / (1 + e^-((|w| - eta) / tau))
//! dD/deta  = -(1/n) * sum of s (1 - s) / tau
//! dD/dw    = s (1 - s) / (tau n) * sign(w)
//! ```
//!
//! As a penalty it pushes weights under the threshold and the threshold over weights. Training
//! with it was erratic; it is reported, and the [budget](super::budget) is what thins.

/// The soft density, and its slope by the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftDensity {
    /// 0 to 1.
    pub density: f64,
    /// Never positive.
    pub by_threshold: f64,
}

/// The soft density at threshold `eta` with softness `tau`; its slopes by the weights go into
/// `by_weight`.
pub fn soft_density(weights: &[f32], eta: f64, tau: f64, by_weight: &mut [f32]) -> SoftDensity {
    let count = weights.len().max(1) as f64;
    let (mut density, mut slopes) = (0.0, 0.0);
    for (weight, by_weight) in weights.iter().zip(by_weight) {
        let s = 1.0 / (1.0 + (-(f64::from(weight.abs()) - eta) / tau).exp());
        let slope = s * (1.0 - s) / tau / count;
        density += s;
        slopes += slope;
        let direction = if *weight == 0.0 {
            0.0
        } else {
            f64::from(weight.signum())
        };
        *by_weight = (slope * direction) as f32;
    }
    SoftDensity {
        density: density / count,
        by_threshold: -slopes,
    }
}

/// Hoyer's sparsity: 0 if all magnitudes are alike, 1 if all but one are zero.
pub fn hoyer(weights: &[f32]) -> f64 {
    let root = (weights.len() as f64).sqrt();
    let sum = |term: fn(f64) -> f64| -> f64 { weights.iter().map(|w| term(f64::from(*w))).sum() };
    (root - sum(f64::abs) / sum(|w| w * w).sqrt()) / (root - 1.0)
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
            let weights = case.floats("w");
            assert!((hoyer(&weights) - case.number("hoyer")).abs() < 1e-9);
            for expected in case.list("threshold_regularizer_own") {
                let mut slopes = vec![0.0; weights.len()];
                let (eta, tau) = (expected.number("eta"), expected.number("tau"));
                let found = soft_density(&weights, eta, tau, &mut slopes);
                assert!((found.density - expected.number("density_soft")).abs() < 1e-9);
                assert!((found.by_threshold - expected.number("d_density_d_eta")).abs() < 1e-9);
                golden::close(&slopes, &expected.numbers("d_density_d_w"));
            }
        }
    }
}
