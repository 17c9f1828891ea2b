//! An activation written as the same activation of other sums.

use tincy_network::Activation;

/// `activation(x)` is about `post * activation(factor * x + shift) + rest`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Of the sums.
    pub(super) factor: f32,
    /// Added to the sums.
    pub(super) shift: f32,
    /// Of the result.
    pub(super) post: f32,
    /// Added to the result.
    pub(super) rest: f32,
}

/// Factors that are tried.
const FACTORS: [f32; 17] = [
    6.0, 4.0, 3.0, 2.0, 1.5, 0.8, 0.65, 0.5, 0.4, 0.33, 0.27, 0.22, 0.18, 0.15, 0.12, 0.1, 0.08,
];

/// Shifts that are tried, in quarters.
const QUARTERS: std::ops::RangeInclusive<i32> = -8..=32;

impl Fit {
    /// What changes nothing.
    pub(super) const SAME: Fit = Fit {
        factor: 1.0,
        shift: 0.0,
        post: 1.0,
        rest: 0.0,
    };

    /// The fit of least squared error for these sums, and that error, where results are told in steps
    /// of `most / 255` up to `most`.
    pub(super) fn best(sums: &[f32], activation: Activation, most: f32) -> (Fit, f64) {
        let exact: Vec<f32> = sums.iter().map(|sum| activation.apply(*sum)).collect();
        let mut results = vec![0.0; sums.len()];
        let mut trial = |factor: f32, shift: f32| {
            for (result, sum) in results.iter_mut().zip(sums) {
                *result = activation.apply(factor * sum + shift).min(most);
            }
            line(&results, &exact)
        };
        let rounding = rounding(most);
        let shifts = || QUARTERS.map(|quarter| quarter as f32 / 4.0);
        let all = FACTORS.iter().flat_map(|f| shifts().map(move |s| (*f, s)));
        let changed = all.map(|(factor, shift)| {
            let (post, rest, error) = trial(factor, shift);
            let fit = Fit {
                factor,
                shift,
                post: post as f32,
                rest: rest as f32,
            };
            (fit, error + post * post * rounding)
        });
        let best = changed.min_by(|a, b| a.1.total_cmp(&b.1));
        let best = best.expect("there are factors and shifts");
        let same = (Fit::SAME, cut(&exact, most));
        if best.1 < same.1 { best } else { same }
    }
}

/// The mean squared error of values told in steps of `most / 255` up to `most`.
pub(super) fn cut(values: &[f32], most: f32) -> f64 {
    let beyond = values.iter().map(|v| f64::from((v - most).max(0.0)));
    beyond.map(|v| v * v).sum::<f64>() / values.len() as f64 + rounding(most)
}

fn rounding(most: f32) -> f64 {
    (f64::from(most) / 255.0).powi(2) / 12.0
}

/// The line from `from` to `to`: its slope, its height at 0 and the mean squared error.
fn line(from: &[f32], to: &[f32]) -> (f64, f64, f64) {
    let count = from.len() as f64;
    let pairs = || {
        from.iter()
            .zip(to)
            .map(|(x, y)| (f64::from(*x), f64::from(*y)))
    };
    let (x, y) = pairs().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let (x, y) = (x / count, y / count);
    let sums = pairs().fold([0.0; 3], |[xx, xy, yy], (a, b)| {
        let (a, b) = (a - x, b - y);
        [xx + a * a, xy + a * b, yy + b * b]
    });
    let [xx, xy, yy] = sums.map(|sum| sum / count);
    let slope = xy / xx.max(1e-12);
    (slope, y - slope * x, (yy - slope * xy).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(low: f32, high: f32) -> Vec<f32> {
        let part = |i| low + (high - low) * i as f32 / 999.0;
        (0..1000).map(part).collect()
    }

    #[test]
    fn a_line_is_found() {
        let from = [0.0, 1.0, 2.0, 5.0];
        let (slope, height, error) = line(&from, &from.map(|x| 3.0 - 2.0 * x));
        assert!((slope + 2.0).abs() < 1e-9 && (height - 3.0).abs() < 1e-9 && error < 1e-9);
    }

    #[test]
    fn what_fits_stays() {
        let (fit, error) = Fit::best(&even(-4.0, 8.0), Activation::Swish, 8.0);
        assert_eq!(fit, Fit::SAME);
        assert!((error - (8.0f64 / 255.0).powi(2) / 12.0).abs() < 1e-9);
    }

    #[test]
    fn wide_sums_are_narrowed_and_narrow_ones_widened() {
        let rectified = Activation::Relu;
        let (fit, error) = Fit::best(&even(-80.0, 80.0), rectified, 8.0);
        // ReLU is homogeneous: exact but for the rounding, which grows with the factor.
        assert!((0.08..=0.1).contains(&fit.factor), "{fit:?}");
        assert!(error < 0.02, "{error}");
        let (fit, error) = Fit::best(&even(-0.5, 0.5), Activation::Swish, 8.0);
        assert!(fit.factor > 1.0, "{fit:?}");
        assert!(error < 2e-5, "{error}");
    }
}
