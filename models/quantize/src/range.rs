//! Codes that fit what maps hold: the one, of many ranges, whose squared error is least.

use crate::histogram::Histogram;
use tincy_network::{Activation, Code};

/// Ranges that are tried: shares of the largest value.
const SHARES: usize = 24;

/// Ranges that are tried below zero.
const LOWS: [f32; 9] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];

/// Sum of squared errors of `rounded` against `exact`, over all values of a map.
fn error(map: &Histogram, exact: impl Fn(f32) -> f32, rounded: impl Fn(f32) -> f32) -> f64 {
    let errors = map.bins().map(|(value, count)| {
        let error = f64::from(exact(value) - rounded(value));
        count * error * error
    });
    errors.sum()
}

/// The unsigned code of `bits` bits for sums that pass `activation` next, least in error behind it.
pub fn code_before(sums: &Histogram, bits: u8, activation: Activation) -> Code {
    let lows = LOWS.iter().map(|low| -low).filter(|low| *low > sums.low());
    let lows: Vec<f32> = lows.chain([sums.low()]).collect();
    let shares = (1..=SHARES).map(|i| sums.high() * i as f32 / SHARES as f32);
    let all = shares.flat_map(|high| lows.iter().map(move |low| (*low, high)));
    let exact = |value| activation.apply(value);
    least(all.map(|(low, high)| code(bits, low, high)), |code| {
        error(sums, exact, |value| activation.apply(rounded(code, value)))
    })
}

/// The unsigned code of `bits` bits that fits several maps at once.
pub fn code_of(bits: u8, maps: &[Histogram]) -> Code {
    let low = maps.iter().fold(0.0f32, |low, map| low.min(map.low()));
    let high = maps.iter().fold(0.0f32, |high, map| high.max(map.high()));
    // What is negative is cut no further than what is positive.
    let lows = [low, low / 2.0];
    let shares = (1..=SHARES).map(|i| high * i as f32 / SHARES as f32);
    let all = shares.flat_map(|high| lows.map(|low| (low, high)));
    least(all.map(|(low, high)| code(bits, low, high)), |code| {
        maps.iter()
            .map(|map| error(map, |v| v, |v| rounded(code, v)))
            .sum()
    })
}

/// The step of symmetric codes up to `most` that fits weights.
pub fn weight_step(weights: &[f32], most: f32) -> f32 {
    let largest = weights
        .iter()
        .fold(0.0f32, |most, weight| most.max(weight.abs()));
    let error = |step: &f32| -> f64 {
        let errors = weights.iter().map(|weight| {
            let code = (weight / step).round_ties_even().clamp(-most - 1.0, most);
            f64::from(weight - step * code).powi(2)
        });
        errors.sum()
    };
    let steps = (8..=40).map(|i| (largest * i as f32 / 40.0 / most).max(f32::MIN_POSITIVE * 1e8));
    least(steps, error)
}

pub(crate) fn least<T>(candidates: impl Iterator<Item = T>, error: impl Fn(&T) -> f64) -> T {
    let scored = candidates.map(|candidate| (error(&candidate), candidate));
    let best = scored.min_by(|a, b| a.0.total_cmp(&b.0));
    best.expect("there is a candidate").1
}

/// The unsigned code from about `low`, which is not positive, to `high`; zero has a code.
pub fn code(bits: u8, low: f32, high: f32) -> Code {
    let most = (1i32 << bits) - 1;
    let step = (f64::from(high) - f64::from(low)).max(1e-6) / f64::from(most);
    Code {
        bits,
        signed: false,
        scale: step,
        zero: ((-f64::from(low) / step).round() as i32).clamp(0, most),
    }
}

fn rounded(code: &Code, value: f32) -> f32 {
    (f64::from(code.quantize(value) - code.zero) * code.scale) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(low: f32, high: f32) -> Vec<f32> {
        let part = |i| low + (high - low) * i as f32 / 9999.0;
        (0..10_000).map(part).collect()
    }

    #[test]
    fn even_values_get_their_whole_range() {
        let values = ramp(-1.0, 3.0);
        let code = code_of(8, &[Histogram::of([&*values].into_iter())]);
        assert_eq!(code.zero, 64);
        assert!((code.scale - 4.0 / 255.0).abs() < 1e-6, "{}", code.scale);
    }

    #[test]
    fn a_lone_large_value_is_cut() {
        let mut values = ramp(0.0, 1.0);
        values.push(23.0);
        let code = code_of(4, &[Histogram::of([&*values].into_iter())]);
        assert!(code.scale * 15.0 < 5.0, "{}", code.scale);
    }

    #[test]
    fn what_an_activation_flattens_is_cut() {
        let values = ramp(-40.0, 4.0);
        let map = Histogram::of([&*values].into_iter());
        let code = code_before(&map, 8, Activation::Swish);
        let low = -f64::from(code.zero) * code.scale;
        assert!((-9.0..=-4.0).contains(&low), "{low}");
        assert!((f64::from(255 - code.zero) * code.scale - 4.0).abs() < 0.2);
    }

    #[test]
    fn steps_of_weights_leave_out_what_is_rare() {
        let even = ramp(-1.0, 1.0);
        assert!((weight_step(&even, 127.0) - 1.0 / 127.0).abs() < 4e-4);
        let mut odd = even.clone();
        odd.iter_mut().for_each(|weight| *weight *= 0.1);
        odd[0] = 1.0;
        assert!(weight_step(&odd, 7.0) < 0.5 / 7.0);
        assert!(weight_step(&[0.0; 9], 127.0) > 0.0);
    }
}
