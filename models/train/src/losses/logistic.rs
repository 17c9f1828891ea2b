//! The logistic function and the cross-entropy of yes or no.

pub(super) use tincy_network::activation::logistic;

/// Cross-entropy of a raw number against the probability `target`, and its slope.
pub(super) fn yes_or_no(x: f32, target: f32) -> (f32, f32) {
    // max(x, 0) - x t + ln(1 + e^-|x|), which no x overflows.
    let loss = x.max(0.0) - x * target + (-x.abs()).exp().ln_1p();
    (loss, logistic(x) - target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_defined_and_finite() {
        for (x, target) in [(0.3, 1.0), (-2.0, 0.25), (5.0, 0.0), (0.0, 0.5)] {
            let p = 1.0 / (1.0 + (-f64::from(x)).exp());
            let t = f64::from(target);
            let expected = -(t * p.ln() + (1.0 - t) * (1.0 - p).ln());
            let (loss, slope) = yes_or_no(x, target);
            assert!((f64::from(loss) - expected).abs() < 1e-6);
            assert!((f64::from(slope) - (p - t)).abs() < 1e-6);
        }
        assert_eq!(yes_or_no(1e30, 1.0).0, 0.0);
        assert_eq!(yes_or_no(-1e4, 1.0), (1e4, -1.0));
    }
}
