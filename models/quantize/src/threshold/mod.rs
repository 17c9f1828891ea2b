//! Where to cut what a map holds, by several methods.
//!
//! All look at magnitudes and give one, the threshold: values beyond it get the outermost codes. What a
//! method optimises is defined by the numbers of bins and levels, so each can be tested without a network.
//!
//! | module | the threshold is |
//! | --- | --- |
//! | [`divergence`] | of least symmetrised divergence of the cumulative distributions (arXiv:1805.07941, Algorithm 1) |
//! | [`entropy`] | of least divergence of the densities, as 8-bit calibrators do |
//! | [`percentile`] | what most magnitudes do not exceed |
//! | [`mse`] | of least squared error |

pub mod divergence;
pub mod entropy;
pub mod mse;
pub mod percentile;

use crate::histogram::Histogram;
use std::fmt;
use std::str::FromStr;

/// The most bins that the divergences look at: their work grows with its square.
const BINS: usize = 2048;

/// The share of magnitudes that [`Method::Percentile`] keeps: this many in ten thousand.
const KEPT: u64 = 9999;

/// How a threshold is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Symmetrised divergence of cumulative distributions.
    Divergence,
    /// The largest magnitude.
    Max,
    /// Least squared error. Where measured, the best end to end once channels have like sizes.
    #[default]
    Mse,
    /// What 99.99 % of magnitudes do not exceed.
    Percentile,
    /// Divergence of densities.
    Entropy,
}

impl Method {
    /// All, in order of the enum.
    pub const ALL: [Method; 5] = [
        Method::Divergence,
        Method::Max,
        Method::Mse,
        Method::Percentile,
        Method::Entropy,
    ];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Divergence => "kl",
            Method::Max => "max",
            Method::Mse => "mse",
            Method::Percentile => "percentile",
            Method::Entropy => "entropy",
        }
    }

    /// The threshold for codes of `bits` bits, not above the largest magnitude. Where values are about as
    /// large below zero as above, each side has half of the levels.
    pub fn threshold(self, map: &Histogram, bits: u8) -> f64 {
        let is_signed = -map.low() > 0.5 * map.high();
        let levels = 1 << (bits - u8::from(is_signed && bits > 1));
        let magnitudes = map.magnitudes(BINS);
        let largest = magnitudes.largest;
        let at = |bins: Option<usize>| bins.map_or(largest, |bins| magnitudes.threshold(bins));
        match self {
            Method::Max => largest,
            Method::Divergence => at(divergence::best(&magnitudes.counts, levels).map(|b| b.bins)),
            Method::Entropy => at(entropy::best(&magnitudes.counts, levels).map(|b| b.bins)),
            Method::Percentile => {
                let edge = |bin| (bin + 1) as f64 * magnitudes.width;
                let counts = magnitudes.counts.iter().enumerate();
                let counts = counts.map(|(bin, count)| (edge(bin), *count));
                percentile::threshold(counts, KEPT, 10_000).min(largest)
            }
            Method::Mse => {
                let points: Vec<_> = map.bins().map(|(v, n)| (f64::from(v), n)).collect();
                mse::best(&points, largest, bits, is_signed).threshold
            }
        }
    }
}

/// The number of bins that a method looks at, and what makes it the best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Bins within the threshold.
    pub bins: usize,
    /// What was made least.
    pub divergence: f64,
}

impl Best {
    /// The first of the least.
    fn of(candidates: impl Iterator<Item = (usize, f64)>) -> Option<Best> {
        let best = candidates.min_by(|a, b| a.1.total_cmp(&b.1));
        best.map(|(bins, divergence)| Best { bins, divergence })
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Method, String> {
        let found = Method::ALL.into_iter().find(|method| method.name() == text);
        found.ok_or_else(|| format!("known are {}", Method::ALL.map(Method::name).join(", ")))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_lie_within_what_there_is() {
        let mut values: Vec<f32> = (0..20_000).map(|i| (i % 100) as f32 / 100.0).collect();
        values.push(40.0);
        let map = Histogram::of([&*values].into_iter());
        for method in Method::ALL {
            let threshold = method.threshold(&map, 8);
            assert!((0.9..=40.0).contains(&threshold), "{method}: {threshold}");
        }
        assert_eq!(Method::Max.threshold(&map, 8), 40.0);
        assert!(Method::Percentile.threshold(&map, 8) < 1.1);
        assert!(Method::Mse.threshold(&map, 4) < 20.0);
        let nothing = Histogram::default();
        assert!(Method::ALL.iter().all(|m| m.threshold(&nothing, 8) == 0.0));
    }

    #[test]
    fn names() {
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
        }
        assert!("best".parse::<Method>().unwrap_err().contains("kl, max"));
    }
}
