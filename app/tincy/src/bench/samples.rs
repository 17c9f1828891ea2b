//! Durations of one thing, and what is told of them.

use serde::Serialize;
use std::time::Duration;

/// How long a thing took, each time.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

/// What is told, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Half took no longer.
    pub median_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// None took less.
    pub min_ms: f64,
}

impl Samples {
    /// The least and the largest, in milliseconds; zeros if there is no sample.
    pub fn ends_ms(&self) -> [f64; 2] {
        let milliseconds =
            |sample: Option<&Duration>| sample.map_or(0.0, |d| 1e3 * d.as_secs_f64());
        [self.0.iter().min(), self.0.iter().max()].map(milliseconds)
    }

    /// Adds one.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// The figures; zeros if there is no sample.
    pub fn figures(&self) -> Figures {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let milliseconds =
            |sample: Option<&Duration>| sample.map_or(0.0, |d| 1e3 * d.as_secs_f64());
        // The nearest rank: the smallest sample that this part of all does not exceed.
        let ranked = |percent: usize| {
            let rank = (percent * sorted.len()).div_ceil(100).max(1);
            milliseconds(sorted.get(rank - 1))
        };
        Figures {
            median_ms: ranked(50),
            p99_ms: ranked(99),
            min_ms: milliseconds(sorted.first()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let figures = |milliseconds: &[u64]| {
            let mut samples = Samples::default();
            milliseconds
                .iter()
                .for_each(|ms| samples.push(Duration::from_millis(*ms)));
            let Figures {
                median_ms,
                p99_ms,
                min_ms,
            } = samples.figures();
            [median_ms, p99_ms, min_ms]
        };
        assert_eq!(figures(&[]), [0.0; 3]);
        assert_eq!(figures(&[5]), [5.0; 3]);
        assert_eq!(figures(&[3, 1, 2, 9]), [2.0, 9.0, 1.0]);
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(figures(&hundred), [50.0, 99.0, 1.0]);
    }
}
