//! What sums are rounded to before an activation's table.

use crate::histogram::Histogram;
use crate::level::ENDS;
use crate::range::least;
use tincy_network::requantize::{self, MAX_NEGATIVE_SHIFT};
use tincy_network::{Activation, Code, Table};

/// Scales that are tried: shares of the one that reaches the largest sum.
const SHARES: usize = 24;

/// What sums are rounded to before an activation's table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums {
    /// Their code.
    pub code: Code,
    /// Steps below zero are `2^negative_shift` times as large.
    pub negative_shift: u8,
}

impl Sums {
    /// Of a code as it is.
    pub fn of(code: Code) -> Sums {
        Sums {
            code,
            negative_shift: 0,
        }
    }

    /// The unsigned code of eight bits that is least in error behind an activation whose results are rounded
    /// to `output`. Where its scale is that of the output, what the activation leaves alone is rounded once only.
    pub fn before(sums: &Histogram, output: Code, activation: Activation) -> Sums {
        let bins: Vec<(f32, f64, f64)> = sums
            .bins()
            .map(|(sum, count)| (sum, count, f64::from(activation.apply(sum))))
            .collect();
        let error = |sums: &Sums| -> f64 {
            let results = sums.results(output, |value| activation.apply(value));
            let errors = bins.iter().map(|(sum, count, exact)| {
                let error = exact - results[sums.code(*sum)];
                count * error * error
            });
            errors.sum()
        };
        least(Sums::candidates(sums, output), error)
    }

    /// The same for each channel, of some of its sums, whose results are multiplied by a factor. All have one
    /// zero point and one shift.
    pub fn by_channel(
        channels: &[Vec<f32>],
        factors: &[f32],
        output: Code,
        activation: Activation,
    ) -> Vec<Sums> {
        let channels: Vec<Channel> = channels
            .iter()
            .zip(factors)
            .map(|(sums, factor)| Channel::new(sums, *factor, output, activation))
            .collect();
        let error = |(zero, shift): &(i32, u8)| -> f64 {
            let all = channels.iter().map(|channel| channel.best(*zero, *shift));
            all.map(|(error, _)| error).sum()
        };
        let all = ZEROS
            .iter()
            .flat_map(|zero| SHIFTS.map(|shift| (*zero, shift)));
        let (zero, shift) = least(all, error);
        let best = channels.iter().map(|channel| channel.best(zero, shift).1);
        best.collect()
    }

    fn candidates(sums: &Histogram, output: Code) -> impl Iterator<Item = Sums> {
        let high = f64::from(sums.high()).max(1e-6);
        let most = (1i32 << ENDS) - 1;
        let zeros = (0..=16)
            .map(|i| 8 * i)
            .filter(move |zero| (*zero == 0) == (sums.low() >= 0.0));
        zeros.flat_map(move |zero| {
            let shares =
                (1..=SHARES).map(move |i| high * i as f64 / SHARES as f64 / f64::from(most - zero));
            let scales = shares.chain([output.scale, output.scale / 2.0]);
            let shifts = if zero == 0 {
                0..=0
            } else {
                0..=MAX_NEGATIVE_SHIFT
            };
            scales.flat_map(move |scale| {
                shifts.clone().map(move |negative_shift| Sums {
                    code: Code {
                        zero,
                        ..Code::unsigned(ENDS, scale)
                    },
                    negative_shift,
                })
            })
        })
    }

    /// What each code stands for behind a function whose results are rounded to `output`.
    fn results(&self, output: Code, function: impl Fn(f32) -> f32) -> Vec<f64> {
        let table = Table::of_values(self.values(), output, function);
        let steps = (0..self.code.count()).map(|index| table.get(index) - output.zero);
        steps.map(|steps| f64::from(steps) * output.scale).collect()
    }

    /// What each code stands for.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        requantize::values(self.code, self.negative_shift)
    }

    /// The code of a sum, by its place from the smallest on.
    fn code(&self, sum: f32) -> usize {
        let steps = (f64::from(sum) / self.code.scale).round() as i32;
        let steps = steps.max(steps >> self.negative_shift);
        (steps + self.code.zero).clamp(0, self.code.max()) as usize
    }
}

/// Zero points that are tried where each channel has its scale.
const ZEROS: [i32; 4] = [32, 64, 96, 128];

/// Shifts that are tried there.
const SHIFTS: [u8; 3] = [1, 2, 3];

/// Sums of a channel that are looked at.
const LOOKED_AT: usize = 512;

/// Some sums of a channel and what becomes of them.
struct Channel {
    sums: Vec<(f32, f64)>,
    factor: f32,
    high: f64,
    output: Code,
    activation: Activation,
}

impl Channel {
    fn new(sums: &[f32], factor: f32, output: Code, activation: Activation) -> Channel {
        let high = sums.iter().fold(1e-3f32, |most, sum| most.max(*sum));
        // The first are the peaks.
        let (first, rest) = sums.split_at(sums.len().min(LOOKED_AT / 4));
        let every = rest.len().div_ceil(LOOKED_AT).max(1);
        let some = first.iter().chain(rest.iter().step_by(every));
        Channel {
            sums: some
                .map(|sum| (*sum, f64::from(factor * activation.apply(*sum))))
                .collect(),
            factor,
            high: high.into(),
            output,
            activation,
        }
    }

    /// The code of least squared error, and that.
    fn best(&self, zero: i32, negative_shift: u8) -> (f64, Sums) {
        let steps = f64::from((1i32 << ENDS) - 1 - zero);
        // Beyond the largest of those that were kept, since others may be larger.
        let shares = (4..=28).map(|i| self.high * f64::from(i) / 24.0 / steps);
        let alike = self.output.scale / f64::from(self.factor);
        let all = shares.chain([alike, alike / 2.0]).map(|scale| {
            let code = Code {
                zero,
                ..Code::unsigned(ENDS, scale)
            };
            let sums = Sums {
                code,
                negative_shift,
            };
            (self.error(&sums), sums)
        });
        let best = all.min_by(|a, b| a.0.total_cmp(&b.0));
        best.expect("there are scales")
    }

    fn error(&self, sums: &Sums) -> f64 {
        let function = |value| self.factor * self.activation.apply(value);
        let results = sums.results(self.output, function);
        let error = |(sum, exact): &(f32, f64)| exact - results[sums.code(*sum)];
        self.sums.iter().map(|sum| error(sum).powi(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::{code, code_before};

    fn ramp(low: f32, high: f32) -> Vec<f32> {
        let part = |i| low + (high - low) * i as f32 / 9999.0;
        (0..10_000).map(part).collect()
    }

    /// The mean squared error of values behind an activation, in steps of the output.
    fn behind(values: &[f32], sums: &Sums, output: Code, activation: Activation) -> f64 {
        let table = sums.results(output, |value| activation.apply(value));
        let errors = values.iter().map(|value| {
            let exact = f64::from(activation.apply(*value));
            ((exact - table[sums.code(*value)]) / output.scale).powi(2)
        });
        errors.sum::<f64>() / values.len() as f64
    }

    #[test]
    fn what_is_flattened_takes_few_codes() {
        let values = ramp(-12.0, 5.0);
        let map = Histogram::of([&*values].into_iter());
        for (activation, low) in [(Activation::Swish, -0.28), (Activation::LEAKY, -1.2)] {
            let output = code(8, low, 5.0);
            let plain = Sums::of(code_before(&map, 8, activation));
            let found = Sums::before(&map, output, activation);
            let errors = [plain, found].map(|s| behind(&values, &s, output, activation));
            // Rounding once costs 1/12.
            assert!(found.negative_shift > 0, "{found:?}");
            assert!(
                errors[1] < 0.15 && errors[1] < 0.6 * errors[0],
                "{errors:?}"
            );
        }
    }

    #[test]
    fn each_channel_has_steps_of_its_own() {
        let channels = [ramp(-4.0, 1.0), ramp(-80.0, 60.0)];
        let (output, factors) = (code(8, -1.2, 6.0), [4.0, 0.1]);
        let sums = Sums::by_channel(&channels, &factors, output, Activation::Swish);
        assert_eq!(sums[0].code.zero, sums[1].code.zero);
        assert_eq!(sums[0].negative_shift, sums[1].negative_shift);
        for ((sums, channel), factor) in sums.iter().zip(&channels).zip(factors) {
            let own = Code {
                scale: output.scale / f64::from(factor),
                ..output
            };
            let error = behind(channel, sums, own, Activation::Swish);
            assert!(error < 0.5, "{error}");
        }
    }
}
