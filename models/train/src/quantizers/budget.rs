//! How dense each layer may be, so that expensive ones get sparser.
//!
//! ```text
//! c_l = h * ops_l / sum of ops + (1 - h) * weights_l / sum of weights       h = 1/2
//! d_l = min(1, m * c_l^-rho), m such that the non-zeros are the wanted part of all weights
//! d   = d_l + (0.85 - d_l) * (1 - f)^3,  f = min(1, step / (0.6 * steps))   during stage 1
//! ```

/// What a layer costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Multiplications for one picture.
    pub operations: f64,
    /// Number of weights.
    pub weights: f64,
}

/// The density at which thinning starts.
pub const START: f64 = 0.85;

/// The part of stage 1 in which the density falls; the rest is for settling.
const FALLING: f64 = 0.6;

/// Each layer's share of the cost; they sum to 1. Operations count half, weights half.
pub fn costs(layers: &[Layer]) -> Vec<f64> {
    let operations: f64 = layers.iter().map(|layer| layer.operations).sum();
    let weights: f64 = layers.iter().map(|layer| layer.weights).sum();
    let cost = |layer: &Layer| (layer.operations / operations + layer.weights / weights) / 2.0;
    layers.iter().map(cost).collect()
}

/// Each layer's density, so that `wanted` (0 to 1) of all weights are not zero and a layer's
/// density is in proportion to `cost^-rho`, cut at 1.
pub fn densities(layers: &[Layer], wanted: f64, rho: f64) -> Vec<f64> {
    let shares: Vec<f64> = costs(layers).iter().map(|cost| cost.powf(-rho)).collect();
    let at = |m: f64| shares.iter().map(move |share| (m * share).min(1.0));
    let total: f64 = layers.iter().map(|layer| layer.weights).sum();
    let kept = |m: f64| -> f64 { layers.iter().zip(at(m)).map(|(l, d)| l.weights * d).sum() };
    let (mut low, mut high) = (0.0, 1.0);
    while kept(high) < wanted.min(1.0) * total && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if kept(middle) < wanted * total {
            low = middle;
        } else {
            high = middle;
        }
    }
    at(high).collect()
}

/// The density at a step of stage 1, on its way to `target`.
pub fn ramp(target: f64, step: usize, steps: usize) -> f64 {
    let done = (step as f64 / (FALLING * steps.max(1) as f64)).min(1.0);
    target + (START - target).max(0.0) * (1.0 - done).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_met_and_expensive_layers_get_less() {
        let layer = |operations, weights| Layer {
            operations,
            weights,
        };
        let layers = [
            layer(73_728.0, 1_152.0),
            layer(36_864.0, 2_304.0),
            layer(2_048.0, 2_048.0),
        ];
        assert!((costs(&layers).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for wanted in [0.02, 0.1, 0.5, 0.9] {
            let densities = densities(&layers, wanted, 0.5);
            let kept: f64 = layers
                .iter()
                .zip(&densities)
                .map(|(l, d)| l.weights * d)
                .sum();
            assert!((kept / 5_504.0 - wanted).abs() < 1e-9, "{densities:?}");
            assert!(densities[0] <= densities[1] && densities[1] <= densities[2]);
        }
        let all = densities(&layers, 1.0, 0.5);
        assert!(all.iter().all(|density| (density - 1.0).abs() < 1e-9));
    }

    #[test]
    fn the_ramp_falls_to_its_target_and_stays() {
        let densities: Vec<f64> = (0..=100).map(|step| ramp(0.05, step, 100)).collect();
        assert_eq!(
            (densities[0], densities[60], densities[100]),
            (START, 0.05, 0.05)
        );
        assert!(densities.is_sorted_by(|a, b| a >= b));
        assert!((densities[30] - (0.05 + 0.8 / 8.0)).abs() < 1e-12);
        assert_eq!(ramp(0.9, 0, 100), 0.9);
    }
}
