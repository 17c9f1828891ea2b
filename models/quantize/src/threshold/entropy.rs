//! The threshold of least Kullback-Leibler divergence of densities, as 8-bit calibrators choose it.
//!
//! Of each candidate, `i` bins, `P` is the first `i` counts with all others added to the last, and `Q` the
//! first `i` counts alone, each of `levels` groups of bins spread evenly over those that hold something.

use super::Best;

/// Stands for a `Q` of zero where `P` is not.
const NOTHING: f64 = 1e-9;

/// The number of bins of least divergence, for codes of `levels` levels on a side; the first such. `None`
/// where there are fewer bins than levels.
pub fn best(counts: &[u64], levels: usize) -> Option<Best> {
    let all: u64 = counts.iter().sum();
    let mut inside: u64 = counts.iter().take(levels.saturating_sub(1)).sum();
    let candidates = (levels..=counts.len()).map(|bins| {
        inside += counts[bins - 1];
        (bins, divergence(&counts[..bins], all - inside, levels))
    });
    Best::of(candidates)
}

/// The divergence where `counts` are kept and `beyond` magnitudes cut.
fn divergence(counts: &[u64], beyond: u64, levels: usize) -> f64 {
    let kept: u64 = counts.iter().sum();
    if kept == 0 {
        return f64::INFINITY;
    }
    let (all, kept) = ((kept + beyond) as f64, kept as f64);
    let last = counts.len() - 1;
    let mut sum = 0.0;
    for group in 0..levels {
        let (start, end) = (
            group * counts.len() / levels,
            (group + 1) * counts.len() / levels,
        );
        let counts = &counts[start..end];
        let full = counts.iter().filter(|count| **count > 0).count();
        let told = counts.iter().sum::<u64>() as f64 / full.max(1) as f64 / kept;
        for (bin, count) in (start..end).zip(counts) {
            let cut = if bin == last { beyond } else { 0 };
            let exact = (count + cut) as f64 / all;
            if exact > 0.0 {
                let told = if *count > 0 { told } else { 0.0 };
                sum += exact * (exact / told.max(NOTHING)).ln();
            }
        }
    }
    sum
}
