//! Sparse ternary weights in three stages (after Faraone et al., ICONIP 2017; rule "budget").
//!
//! ```text
//! 1 thinning    eta = the (1 - d) quantile of |W|, d falls to the layer's budget
//!               q = a * sign(W) above eta, a = mean |W| above eta; dE/dW = dE/dq for all weights,
//!               so that masked ones can come back
//! 2 pruning     the mask is where q is not 0; the rest is gone for good
//! 3 retraining  q = a * sign(W) on the mask, a = mean |W| there; dE/dW = dE/dq on the mask, else 0
//! ```
//!
//! [`budget`](super::budget) has how far and how fast d falls.

use super::loops::{map, sum, sum2};
use super::{Codes, Quantizer, Shared, sign};

/// The quantizer of a layer's weights through all three stages.
#[derive(Clone, Debug)]
pub struct SparseTernary {
    density: f64,
    /// 1 where a weight is left; empty before pruning.
    mask: Vec<f32>,
}

impl SparseTernary {
    /// At the start of stage 1, with this part of the weights not zero.
    pub fn new(density: f64) -> SparseTernary {
        SparseTernary {
            density,
            mask: Vec::new(),
        }
    }

    /// Whether stage 2 is done.
    pub fn is_pruned(&self) -> bool {
        !self.mask.is_empty()
    }

    /// 1 where a weight is left, 0 where it is gone; empty before pruning.
    pub fn mask(&self) -> &[f32] {
        &self.mask
    }

    /// Whether the output channel that `window` lies in has a weight left.
    pub fn has_any(&self, window: std::ops::Range<usize>) -> bool {
        self.mask[window].contains(&1.0)
    }

    fn fit(&self, values: &[f32]) -> Fit<'_> {
        if self.is_pruned() {
            let total = sum2(values, &self.mask, |value, left| value.abs() * left);
            let count = sum2(&self.mask, &self.mask, |left, _| left);
            Fit::Mask(&self.mask, (total / count.max(1.0)) as f32)
        } else {
            let eta = threshold(values, self.density);
            Fit::Threshold(eta, mean_above(values, eta))
        }
    }
}

/// Which weights are left, and their common magnitude.
enum Fit<'a> {
    Threshold(f32, f32),
    Mask(&'a [f32], f32),
}

impl Fit<'_> {
    fn scale(&self) -> f32 {
        match self {
            Fit::Threshold(_, scale) | Fit::Mask(_, scale) => *scale,
        }
    }

    /// -1, 0 or +1.
    fn level(&self, index: usize, value: f32) -> f32 {
        match self {
            Fit::Threshold(eta, _) => level(value, *eta),
            Fit::Mask(mask, _) => mask[index] * sign(value),
        }
    }
}

/// The largest magnitude that becomes 0, so that about `density` of the values do not. Above it is
/// the same as above the `1 - density` quantile, which lies between it and the next magnitude.
fn threshold(values: &[f32], density: f64) -> f32 {
    // Of numbers that are not negative, the bits are in the numbers' order.
    let mut magnitudes: Vec<u32> = values.iter().map(|value| value.abs().to_bits()).collect();
    if magnitudes.is_empty() {
        return 0.0;
    }
    let place = (1.0 - density).clamp(0.0, 1.0) * (magnitudes.len() - 1) as f64;
    f32::from_bits(*magnitudes.select_nth_unstable(place as usize).1)
}

/// The mean of the magnitudes above a threshold; 0 if there are none.
fn mean_above(values: &[f32], threshold: f32) -> f32 {
    let count = sum(
        values,
        #[inline(always)]
        move |value| if value.abs() > threshold { 1.0 } else { 0.0 },
    );
    let total = sum(
        values,
        #[inline(always)]
        move |value| {
            if value.abs() > threshold {
                value.abs()
            } else {
                0.0
            }
        },
    );
    if count > 0.0 {
        (total / count) as f32
    } else {
        0.0
    }
}

/// -1, 0 or +1.
#[inline(always)]
fn level(value: f32, threshold: f32) -> f32 {
    if value.abs() > threshold {
        sign(value)
    } else {
        0.0
    }
}

impl Quantizer for SparseTernary {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        match self.fit(values) {
            Fit::Threshold(eta, scale) => map(
                values,
                out,
                #[inline(always)]
                move |value| scale * level(value, eta),
            ),
            Fit::Mask(mask, scale) => {
                for ((value, left), out) in values.iter().zip(mask).zip(out) {
                    *out = scale * left * sign(*value);
                }
            }
        }
    }

    fn backward(&self, _: &[f32], gradient: &mut [f32], _: &mut [f32]) {
        for (gradient, left) in gradient.iter_mut().zip(&self.mask) {
            *gradient *= left;
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        let fit = self.fit(values);
        let values = values.iter().enumerate();
        Codes {
            codes: values
                .map(|(i, value)| fit.level(i, *value) as i16)
                .collect(),
            scales: vec![fit.scale()],
            shared: Shared::Layer,
        }
    }

    fn thins(&self) -> bool {
        true
    }

    fn set_density(&mut self, density: f64) {
        self.density = density;
    }

    fn prune(&mut self, weights: &[f32]) {
        let eta = threshold(weights, self.density);
        let left = |weight: &f32| level(*weight, eta).abs();
        self.mask = weights.iter().map(left).collect();
    }

    fn state(&self) -> Vec<f32> {
        let density = self.density as f32;
        [density]
            .into_iter()
            .chain(self.mask.iter().copied())
            .collect()
    }

    fn restore(&mut self, state: &[f32]) -> bool {
        let Some((density, mask)) = state.split_first() else {
            return false;
        };
        self.density = f64::from(*density);
        self.mask = mask.to_vec();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: [f32; 8] = [0.1, -0.9, 0.3, 0.05, -0.4, 0.8, -0.2, 0.6];

    #[test]
    fn thresholds_are_those_of_quantiles() {
        let values = [4.0, -1.0, 3.0, -2.0];
        // The quantiles are 4, 1, 2.5, 1.75; the largest magnitudes up to them:
        for (density, expected) in [(0.0, 4.0), (1.0, 1.0), (0.5, 2.0), (0.75, 1.0)] {
            assert_eq!(threshold(&values, density), expected);
        }
        assert_eq!(threshold(&[], 0.5), 0.0);
        assert_eq!(mean_above(&values, 2.0), 3.5);
    }

    #[test]
    fn the_three_stages() {
        let mut sparse = SparseTernary::new(0.5);
        let mut out = [0.0; 8];
        sparse.forward(&WEIGHTS, &mut out);
        // The four largest: 0.9, 0.8, 0.6, 0.4, whose mean is 0.675.
        let a = 0.675;
        assert_eq!(out, [0.0, -a, 0.0, 0.0, -a, a, 0.0, a]);
        let mut gradient = [1.0; 8];
        sparse.backward(&WEIGHTS, &mut gradient, &mut []);
        assert_eq!(gradient, [1.0; 8]);

        sparse.set_density(0.25);
        sparse.prune(&WEIGHTS);
        assert_eq!(sparse.codes(&WEIGHTS).sparsity(), 0.75);
        assert!(sparse.has_any(0..2) && !sparse.has_any(2..5));
        let turned = WEIGHTS.map(|weight| -weight / 2.0);
        sparse.forward(&turned, &mut out);
        assert_eq!(out, [0.0, 0.425, 0.0, 0.0, 0.0, -0.425, 0.0, 0.0]);
        sparse.backward(&turned, &mut gradient, &mut []);
        assert_eq!(gradient, [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

        let mut other = SparseTernary::new(1.0);
        assert!(other.restore(&sparse.state()) && other.is_pruned());
        assert_eq!(other.codes(&turned), sparse.codes(&turned));
    }
}
