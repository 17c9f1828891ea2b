//! Constant weights to integers and scales.

use tincy_network::{Error, WeightKind, Weights};

/// How far a weight may be from a multiple of its channel's step, as a share of itself: the two were
/// rounded to floats.
const TOLERANCE: f64 = 4e-7;

/// The largest multiple of a step.
const MOST: f64 = 128.0;

/// Weights as integers times a scale for each output channel. `None` if there are none of 8 bits.
pub(super) fn of_weights(weights: &[f32], window: usize) -> Option<(Vec<i32>, Vec<f64>)> {
    let mut integers = Vec::with_capacity(weights.len());
    let mut scales = Vec::with_capacity(weights.len() / window);
    for channel in weights.chunks_exact(window) {
        let step = step(channel)?;
        integers.extend(
            channel
                .iter()
                .map(|w| (f64::from(*w) / step).round() as i32),
        );
        scales.push(step);
    }
    Some((integers, scales))
}

/// The largest number of which all weights are multiples.
fn step(weights: &[f32]) -> Option<f64> {
    let sizes = || weights.iter().map(|w| f64::from(w.abs()));
    let largest = sizes().fold(0.0, f64::max);
    let least = sizes().filter(|w| *w > 0.0).fold(f64::INFINITY, f64::min);
    if largest == 0.0 {
        return Some(1.0);
    }
    let whole = |step: f64| {
        sizes().all(|w| {
            let steps = w / step;
            (steps - steps.round()).abs() <= TOLERANCE * steps
        })
    };
    let steps = (1..=MOST as u32).map(|parts| least / f64::from(parts));
    let mut steps = steps.take_while(|step| largest / step < MOST + 0.5);
    let step = steps.find(|step| whole(*step))?;
    // The largest weight tells the step most sharply.
    Some(largest / (largest / step).round())
}

/// Integers packed in the fewest bits.
pub(super) fn packed(integers: &[i8]) -> Result<Weights, Error> {
    Weights::integers(WeightKind::smallest(integers), integers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_in_rounded_products() {
        let scale = 0.088_424_58_f32;
        let quantized = [-7, 3, 0, 5].map(|q| q as f32 * scale);
        let halves = [-6, 2, 0, 4].map(|q| q as f32 * scale);
        let weights = [quantized, halves, [0.0; 4]].concat();
        let (integers, scales) = of_weights(&weights, 4).unwrap();
        assert_eq!(integers, [-7, 3, 0, 5, -3, 1, 0, 2, 0, 0, 0, 0]);
        let off = |found: f64, expected: f32| (found / f64::from(expected) - 1.0).abs();
        assert!(off(scales[0], scale) < 1e-7 && off(scales[1], 2.0 * scale) < 1e-7);
    }

    #[test]
    fn real_weights_have_no_step() {
        assert_eq!(of_weights(&[0.3, 0.7123, -0.11], 3), None);
        assert_eq!(of_weights(&[1.0, 200.0], 2), None);
        assert!(of_weights(&[1.0, -128.0], 2).is_some());
    }
}
