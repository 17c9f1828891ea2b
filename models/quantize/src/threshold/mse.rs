//! The threshold of least squared error.

/// Candidates: so many equal parts of the largest magnitude.
const PARTS: usize = 100;

/// The best candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Least {
    /// Its number, from 1 on.
    pub part: usize,
    /// The sum of squared errors.
    pub error: f64,
    /// The magnitude.
    pub threshold: f64,
}

/// The best of `largest * part / 100` for values that are given with how often each occurs, the first of
/// equals. Codes are `-m` to `m` with `m = 2^(bits-1) - 1` if signed, else 0 to `2^bits - 1`; the largest
/// stands for the threshold.
pub fn best(values: &[(f64, f64)], largest: f64, bits: u8, signed: bool) -> Least {
    let most = match signed {
        true => (1u32 << (bits - 1)) - 1,
        false => (1u32 << bits) - 1,
    };
    let most = f64::from(most.max(1));
    let least = if signed { -most } else { 0.0 };
    let candidates = (1..=PARTS).map(|part| {
        let threshold = largest * part as f64 / PARTS as f64;
        let step = (threshold / most).max(f64::MIN_POSITIVE);
        let errors = values.iter().map(|(value, count)| {
            let code = (value / step).round_ties_even().clamp(least, most);
            count * (value - code * step).powi(2)
        });
        Least {
            part,
            error: errors.sum(),
            threshold,
        }
    });
    let best = candidates.min_by(|a, b| a.error.total_cmp(&b.error));
    best.expect("there are candidates")
}
