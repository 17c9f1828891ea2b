//! The straight line that a channel's thresholds stand for.
//!
//! A channel that was trained as `code = clip(round(a * acc + b), 0, n)` has thresholds where `a * acc
//! + b` crosses `k - 1/2`. Stored are integers that `acc` reaches, so the crossing lies half a unit
//! below each, on average. The line through all of them gives `a` and `b` back.

use tincy_network::Thresholds;

/// `code = clip(round(factor * acc + offset), 0, n)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Codes a unit of the sum; positive.
    pub factor: f64,
    /// The code at a sum of 0.
    pub offset: f64,
}

/// The line of output channel `o`, whose sums lie within `least` and `most`; `None` if fewer than two
/// thresholds can be reached at all, so that the channel has no slope to be seen.
pub fn of_channel(thresholds: &Thresholds, o: usize, least: i64, most: i64) -> Option<Line> {
    let points: Vec<(f64, f64)> = thresholds
        .channel(o)
        .iter()
        .enumerate()
        .filter(|(_, t)| (least + 1..=most).contains(&i64::from(**t)))
        .map(|(k, t)| (k as f64 + 1.0, f64::from(*t) - 0.5))
        .collect();
    // Crossings as a line over the code's number: crossing = start + step * k.
    let count = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / count;
    let (k, t) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - k).powi(2)).sum();
    let joint: f64 = points.iter().map(|p| (p.0 - k) * (p.1 - t)).sum();
    let step = joint / spread;
    // Thresholds of one value are a step without slope: steeper than any sum can tell.
    let step = if step < 1e-3 { 1e-3 } else { step };
    (points.len() >= 2).then(|| Line {
        factor: 1.0 / step,
        offset: -0.5 - (t - step * k) / step,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_network::Code;

    fn thresholds(values: Vec<i32>) -> Thresholds {
        Thresholds {
            code: Code::unsigned(4, 1.0),
            values: values.into(),
        }
    }

    #[test]
    fn a_line_comes_back_from_its_thresholds() {
        for (factor, offset) in [(0.11, 3.7), (0.031, -2.25), (0.42, 7.0)] {
            let crossing = |k: i32| ((f64::from(k) - 0.5 - offset) / factor).ceil() as i32;
            let all = thresholds((1..=15).map(crossing).collect());
            let line = of_channel(&all, 0, -4000, 4000).unwrap();
            assert!((line.factor / factor - 1.0).abs() < 0.05, "{line:?}");
            let worst = (1..=15).map(|k| {
                let acc = f64::from(crossing(k));
                (line.factor * acc + line.offset - factor * acc - offset).abs()
            });
            assert!(
                worst.fold(0.0, f64::max) < 0.6 * factor.max(0.2),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_channel_that_never_fires_has_no_line() {
        let all = thresholds(vec![i32::MAX; 15]);
        assert_eq!(of_channel(&all, 0, -100, 100), None);
    }
}
