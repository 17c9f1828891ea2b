//! The threshold of least symmetrised Kullback-Leibler divergence of cumulative distributions.
//!
//! Settle et al., "Quantizing Convolutional Neural Networks for Low-Power High-Throughput Inference
//! Engines", arXiv:1805.07941, Algorithm 1. With `c` the cumulative distribution of magnitudes over `B`
//! bins, each candidate `i` of `n + 1` to `B` bins gives
//!
//! ```text
//! p = c, but 1 from bin i - 1 on                  what lies beyond is cut
//! q = p[0..i) resampled to n points and back      what n levels can tell
//! D = sum over c > 0 of (c - q) * log2(c / q)     both divergences added
//! ```

use super::Best;

/// The number of bins of least divergence, for codes of `levels` levels on a side; the first such. `None`
/// where there are no more bins than levels: then nothing is to be cut.
pub fn best(counts: &[u64], levels: usize) -> Option<Best> {
    let cumulative = Cumulative::new(counts);
    let mut coarse = vec![0.0; levels];
    let candidates = levels + 1..=counts.len();
    Best::of(candidates.map(|bins| (bins, cumulative.divergence(bins, &mut coarse))))
}

struct Cumulative {
    /// The share of magnitudes up to each bin.
    shares: Vec<f64>,
    /// `log2` of them, 0 for none.
    logarithms: Vec<f64>,
    /// For each bin the sum over it and all behind of `(c - 1) * log2(c)`.
    behind: Vec<f64>,
}

impl Cumulative {
    fn new(counts: &[u64]) -> Cumulative {
        let all = counts.iter().sum::<u64>() as f64;
        let running = counts.iter().scan(0u64, |sum, count| {
            *sum += count;
            Some(*sum as f64 / all)
        });
        let shares: Vec<f64> = running.collect();
        let logarithm = |share: &f64| if *share > 0.0 { share.log2() } else { 0.0 };
        let logarithms: Vec<f64> = shares.iter().map(logarithm).collect();
        let mut behind = vec![0.0; shares.len() + 1];
        for bin in (0..shares.len()).rev() {
            behind[bin] = behind[bin + 1] + (shares[bin] - 1.0) * logarithms[bin];
        }
        Cumulative {
            shares,
            logarithms,
            behind,
        }
    }

    fn divergence(&self, bins: usize, coarse: &mut [f64]) -> f64 {
        let cut = |bin: usize| match bin + 1 < bins {
            true => self.shares[bin],
            false => 1.0,
        };
        let levels = coarse.len();
        for (level, value) in coarse.iter_mut().enumerate() {
            *value = between(cut, bins, level, levels);
        }
        let within = (0..bins).filter(|bin| self.shares[*bin] > 0.0);
        let within = within.map(|bin| {
            let share = self.shares[bin];
            let told = between(|level| coarse[level], levels, bin, bins);
            (share - told) * (self.logarithms[bin] - told.log2())
        });
        within.sum::<f64>() + self.behind[bins]
    }
}

/// Point `index` of `points`, evenly spaced, on the line through `known` points, evenly spaced.
fn between(value: impl Fn(usize) -> f64, known: usize, index: usize, points: usize) -> f64 {
    if points == 1 {
        return value(0);
    }
    let at = index as f64 * (known - 1) as f64 / (points - 1) as f64;
    let low = (at.floor() as usize).min(known - 1);
    let high = (low + 1).min(known - 1);
    let (from, to) = (value(low), value(high));
    from + (to - from) * (at - low as f64)
}
