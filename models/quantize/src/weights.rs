//! Float filters to integers, a step a filter.

use crate::range::weight_step;

/// Bits up to which steps are those of least squared error: with more, the largest weight costs little.
pub(crate) const FEW: u8 = 4;

/// The steps of filters of `window` weights in `bits` bits.
pub fn steps(weights: &[f32], window: usize, bits: u8) -> Vec<f32> {
    let most = f32::from((1i16 << (bits - 1)) - 1);
    let filters = weights.chunks_exact(window);
    let step = |filter: &[f32]| match bits <= FEW {
        true => weight_step(filter, most),
        false => {
            let largest = filter
                .iter()
                .fold(0.0f32, |most, weight| most.max(weight.abs()));
            (largest / most).max(f32::MIN_POSITIVE * 1e8)
        }
    };
    filters.map(step).collect()
}

/// The nearest code of a weight of `bits` bits.
pub fn nearest(weight: f32, step: f32, bits: u8) -> i8 {
    let half = f32::from(1i16 << (bits - 1));
    (weight / step).round_ties_even().clamp(-half, half - 1.0) as i8
}

/// The nearest codes of filters of `window` weights.
pub fn rounded(weights: &[f32], steps: &[f32], window: usize, bits: u8) -> Vec<i8> {
    let filters = weights.chunks_exact(window).zip(steps);
    let codes = filters.flat_map(|(filter, step)| filter.iter().map(|w| nearest(*w, *step, bits)));
    codes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_has_its_own_step() {
        let weights = [1.27, -0.5, 0.0, 0.0127, 0.004, -0.0127];
        let steps = steps(&weights, 3, 8);
        assert!((steps[0] - 0.01).abs() < 1e-6 && (steps[1] - 0.0001).abs() < 1e-8);
        let codes = rounded(&weights, &steps, 3, 8);
        assert_eq!(codes, [127, -50, 0, 127, 40, -127]);
    }
}
