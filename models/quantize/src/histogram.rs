//! How often values occur, whatever their range turns out to be.

/// The most bins of a side of zero.
const BINS: usize = 4096;

/// The narrowest bins are `2^LEAST`.
const LEAST: i32 = -100;

/// Counts of values in bins of one width, on both sides of zero.
///
/// The width is a power of two that the largest magnitude decides, and bins are joined in pairs when it
/// grows, so the same values in any order, in any parts, give the same counts.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Bins are `2^exponent` wide.
    exponent: i32,
    /// From zero on.
    positive: Vec<u64>,
    /// From zero down.
    negative: Vec<u64>,
    low: f32,
    high: f32,
}

/// Counts of magnitudes in bins of one width, from zero to the largest.
#[derive(Clone, Debug)]
pub struct Magnitudes {
    /// Of each bin.
    pub counts: Vec<u64>,
    /// Of a bin.
    pub width: f64,
    /// The largest magnitude.
    pub largest: f64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            exponent: LEAST,
            positive: vec![0; BINS],
            negative: vec![0; BINS],
            low: 0.0,
            high: 0.0,
        }
    }
}

impl Histogram {
    /// Of all values of some slices.
    pub fn of<'a>(parts: impl Iterator<Item = &'a [f32]>) -> Histogram {
        let mut histogram = Histogram::default();
        parts.for_each(|part| histogram.add(part));
        histogram
    }

    /// Counts some more values; those that are no number are left out.
    pub fn add(&mut self, values: &[f32]) {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (low, high) = finite().fold((self.low, self.high), |(l, h), v| (l.min(v), h.max(v)));
        (self.low, self.high) = (low, high);
        self.widen(high.max(-low));
        let bins = 2f32.powi(-self.exponent);
        for value in finite() {
            let bin = ((value.abs() * bins) as usize).min(BINS - 1);
            let side = match value < 0.0 {
                true => &mut self.negative,
                false => &mut self.positive,
            };
            side[bin] += 1;
        }
    }

    /// Makes bins so wide that they hold a magnitude.
    fn widen(&mut self, largest: f32) {
        while f64::from(largest) >= BINS as f64 * 2f64.powi(self.exponent) {
            self.exponent += 1;
            for side in [&mut self.positive, &mut self.negative] {
                for bin in 0..BINS / 2 {
                    side[bin] = side[2 * bin] + side[2 * bin + 1];
                }
                side[BINS / 2..].fill(0);
            }
        }
    }

    /// The least value, or zero.
    pub fn low(&self) -> f32 {
        self.low
    }

    /// The largest value, or zero.
    pub fn high(&self) -> f32 {
        self.high
    }

    fn width(&self) -> f64 {
        2f64.powi(self.exponent)
    }

    /// The middle of each bin that holds something, and how much.
    pub fn bins(&self) -> impl Iterator<Item = (f32, f64)> {
        let width = self.width();
        let side = move |counts: &'_ [u64], sign: f64| {
            let full = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            let bins = full.map(|(bin, n)| ((sign * (bin as f64 + 0.5) * width) as f32, *n as f64));
            bins.collect::<Vec<_>>()
        };
        let negative = side(&self.negative, -1.0);
        negative.into_iter().chain(side(&self.positive, 1.0))
    }

    /// The share of values that lie below `low` or above `high`, to half a bin.
    pub fn beyond(&self, low: f64, high: f64) -> f64 {
        let all: f64 = self.bins().map(|(_, count)| count).sum();
        let outside = self.bins().filter(|(value, _)| {
            let value = f64::from(*value);
            value < low || value > high
        });
        // An empty sum is -0.
        outside
            .map(|(_, count)| count)
            .fold(0.0, |sum, count| sum + count)
            / all.max(1.0)
    }

    /// The magnitudes of all values, in at most `most` bins, more than half of that.
    pub fn magnitudes(&self, most: usize) -> Magnitudes {
        let sides = self.positive.iter().zip(&self.negative);
        let mut counts: Vec<u64> = sides.map(|(p, n)| p + n).collect();
        let used = counts.iter().rposition(|count| *count > 0).unwrap_or(0) + 1;
        counts.truncate(used);
        let mut width = self.width();
        while counts.len() > most {
            counts = counts.chunks(2).map(|pair| pair.iter().sum()).collect();
            width *= 2.0;
        }
        let largest = f64::from(self.high.max(-self.low));
        Magnitudes {
            counts,
            width,
            largest,
        }
    }
}

impl Magnitudes {
    /// The magnitude in the middle behind the first `bins` bins: what a method that looks at so many
    /// chooses.
    pub fn threshold(&self, bins: usize) -> f64 {
        ((bins as f64 + 0.5) * self.width).min(self.largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_order_do_not_matter() {
        let values: Vec<f32> = (0..999).map(|i| (i * i % 1009) as f32 - 300.0).collect();
        let whole = Histogram::of([&*values].into_iter());
        let backwards: Vec<f32> = values.iter().rev().copied().collect();
        let parts = Histogram::of(backwards.chunks(7));
        assert_eq!(whole.positive, parts.positive);
        assert_eq!(whole.negative, parts.negative);
        assert_eq!((whole.low(), whole.high()), (-300.0, 708.0));
        // 708 lies below 4096 bins of a quarter, not below as many of an eighth.
        assert_eq!(whole.width(), 0.25);
        assert_eq!(whole.bins().map(|(_, count)| count).sum::<f64>(), 999.0);
    }

    #[test]
    fn magnitudes_join_both_sides() {
        let values = [0.0, -3.0, 3.0, 1.0, f32::NAN, f32::INFINITY];
        let histogram = Histogram::of([&values[..]].into_iter());
        let magnitudes = histogram.magnitudes(4);
        assert_eq!((magnitudes.width, magnitudes.largest), (1.0, 3.0));
        assert_eq!(magnitudes.counts, [1, 1, 0, 2]);
        assert_eq!(magnitudes.threshold(1), 1.5);
        assert_eq!(magnitudes.threshold(4), 3.0);
    }

    #[test]
    fn what_lies_beyond() {
        let values: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let histogram = Histogram::of([&*values].into_iter());
        assert!((histogram.beyond(0.0, 89.9) - 0.1).abs() < 1e-9);
        assert_eq!(histogram.beyond(-1.0, 100.0), 0.0);
        assert_eq!(Histogram::default().beyond(0.0, 0.0), 0.0);
    }
}
