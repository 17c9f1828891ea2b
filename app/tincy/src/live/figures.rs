//! How often, how long, how late.

use std::time::Duration;

/// Durations, counted by size: memory does not grow, and quantiles are known to a hundredth.
#[derive(Clone, Debug)]
pub struct Durations {
    /// Number of durations from 1.02^i microseconds to 1.02^(i+1).
    counts: Vec<u64>,
    count: u64,
    sum: Duration,
    greatest: Duration,
}

/// Ratio of a class's ends.
const STEP: f64 = 1.02;

/// Classes up to some three hours.
const CLASSES: usize = 1170;

impl Default for Durations {
    fn default() -> Durations {
        Durations {
            counts: vec![0; CLASSES],
            count: 0,
            sum: Duration::ZERO,
            greatest: Duration::ZERO,
        }
    }
}

impl Durations {
    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        let micros = duration.as_secs_f64() * 1e6;
        let class = micros.max(1.0).ln() / STEP.ln();
        self.counts[(class as usize).min(CLASSES - 1)] += 1;
        self.count += 1;
        self.sum += duration;
        self.greatest = self.greatest.max(duration);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        1e3 * self.sum.as_secs_f64() / self.count.max(1) as f64
    }

    /// The greatest in milliseconds.
    pub fn greatest_ms(&self) -> f64 {
        1e3 * self.greatest.as_secs_f64()
    }

    /// The duration in milliseconds that a part of them does not exceed: the middle of its class.
    pub fn quantile_ms(&self, part: f64) -> f64 {
        let rank = (part * self.count as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let class = self.counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        let middle = class.map_or(0.0, |class| STEP.powf(class as f64 + 0.5) / 1e3);
        middle.min(self.greatest_ms())
    }
}

/// How many wait in a queue, looked at whenever one more comes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depth {
    looks: u64,
    sum: u64,
    /// The most that were seen.
    pub most: usize,
}

impl Depth {
    /// Adds a look.
    pub fn add(&mut self, waiting: usize) {
        self.looks += 1;
        self.sum += waiting as u64;
        self.most = self.most.max(waiting);
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.looks.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_hundredth() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile_ms(0.5), 0.0);
        for micros in 1..=10_000u64 {
            durations.add(Duration::from_micros(micros * 7));
        }
        for (part, exact) in [(0.5, 35.0), (0.9, 63.0), (0.99, 69.3), (0.001, 0.07)] {
            let found = durations.quantile_ms(part);
            assert!(
                (found / exact - 1.0).abs() < 0.0105,
                "{part}: {found} {exact}"
            );
        }
        assert_eq!(durations.greatest_ms(), 70.0);
        assert!((durations.mean_ms() - 35.0035).abs() < 1e-6);
        assert_eq!(
            durations.quantile_ms(1.0),
            70.0f64.min(durations.quantile_ms(1.0))
        );
        durations.add(Duration::from_secs(1_000_000));
        durations.add(Duration::ZERO);
        assert_eq!(durations.count(), 10_002);
    }
}
