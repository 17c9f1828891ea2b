//! Codes that fit what maps hold: the one, of many ranges, whose squared error is least.

use crate::histogram::Histogram;
use crate::level::ENDS;
use tincy_network::requantize::{self, MAX_NEGATIVE_SHIFT};
use tincy_network::{Activation, Code, Table};

/// Ranges that are tried: shares of the largest value.
const SHARES: usize = 24;

/// Ranges that are tried below zero.
const LOWS: [f32; 9] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];

/// Sum of squared errors of `rounded` against `exact`, over all values of a map.
fn error(map: &Histogram, exact: impl Fn(f32) -> f32, rounded: impl Fn(f32) -> f32) -> f64 {
    let errors = map.bins().map(|(value, count)| {
        let error = f64::from(exact(value) - rounded(value));
        count * error * error
    });
    errors.sum()
}

/// The unsigned code of `bits` bits for sums that pass `activation` next, least in error behind it.
pub fn code_before(sums: &Histogram, bits: u8, activation: Activation) -> Code {
    let lows = LOWS.iter().map(|low| -low).filter(|low| *low > sums.low());
    let lows: Vec<f32> = lows.chain([sums.low()]).collect();
    let shares = (1..=SHARES).map(|i| sums.high() * i as f32 / SHARES as f32);
    let all = shares.flat_map(|high| lows.iter().map(move |low| (*low, high)));
    let exact = |value| activation.apply(value);
    least(all.map(|(low, high)| code(bits, low, high)), |code| {
        error(sums, exact, |value| activation.apply(rounded(code, value)))
    })
}

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
            let table = sums.results(output, activation);
            let errors = bins.iter().map(|(sum, count, exact)| {
                let error = exact - table[sums.code(*sum)];
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

    /// What each code stands for behind the activation.
    fn results(&self, output: Code, activation: Activation) -> Vec<f64> {
        let table = Table::of_values(self.values(), output, |value| activation.apply(value));
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
        let table = Table::of_values(sums.values(), self.output, function);
        let error = |(sum, exact): &(f32, f64)| {
            let steps = table.get(sums.code(*sum)) - self.output.zero;
            exact - f64::from(steps) * self.output.scale
        };
        self.sums.iter().map(|sum| error(sum).powi(2)).sum()
    }
}

/// The unsigned code of `bits` bits that fits several maps at once.
pub fn code_of(bits: u8, maps: &[Histogram]) -> Code {
    let low = maps.iter().fold(0.0f32, |low, map| low.min(map.low()));
    let high = maps.iter().fold(0.0f32, |high, map| high.max(map.high()));
    // What is negative is cut no further than what is positive.
    let lows = [low, low / 2.0];
    let shares = (1..=SHARES).map(|i| high * i as f32 / SHARES as f32);
    let all = shares.flat_map(|high| lows.map(|low| (low, high)));
    least(all.map(|(low, high)| code(bits, low, high)), |code| {
        maps.iter()
            .map(|map| error(map, |v| v, |v| rounded(code, v)))
            .sum()
    })
}

/// The step of symmetric codes up to `most` that fits weights.
pub fn weight_step(weights: &[f32], most: f32) -> f32 {
    let largest = weights
        .iter()
        .fold(0.0f32, |most, weight| most.max(weight.abs()));
    let error = |step: &f32| -> f64 {
        let errors = weights.iter().map(|weight| {
            let code = (weight / step).round_ties_even().clamp(-most - 1.0, most);
            f64::from(weight - step * code).powi(2)
        });
        errors.sum()
    };
    let steps = (8..=40).map(|i| (largest * i as f32 / 40.0 / most).max(f32::MIN_POSITIVE * 1e8));
    least(steps, error)
}

fn least<T>(candidates: impl Iterator<Item = T>, error: impl Fn(&T) -> f64) -> T {
    let scored = candidates.map(|candidate| (error(&candidate), candidate));
    let best = scored.min_by(|a, b| a.0.total_cmp(&b.0));
    best.expect("there is a candidate").1
}

/// The unsigned code from about `low`, which is not positive, to `high`; zero has a code.
pub fn code(bits: u8, low: f32, high: f32) -> Code {
    let most = (1i32 << bits) - 1;
    let step = (f64::from(high) - f64::from(low)).max(1e-6) / f64::from(most);
    Code {
        bits,
        signed: false,
        scale: step,
        zero: ((-f64::from(low) / step).round() as i32).clamp(0, most),
    }
}

fn rounded(code: &Code, value: f32) -> f32 {
    (f64::from(code.quantize(value) - code.zero) * code.scale) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(low: f32, high: f32) -> Vec<f32> {
        let part = |i| low + (high - low) * i as f32 / 9999.0;
        (0..10_000).map(part).collect()
    }

    #[test]
    fn even_values_get_their_whole_range() {
        let values = ramp(-1.0, 3.0);
        let code = code_of(8, &[Histogram::of([&*values].into_iter())]);
        assert_eq!(code.zero, 64);
        assert!((code.scale - 4.0 / 255.0).abs() < 1e-6, "{}", code.scale);
    }

    #[test]
    fn a_lone_large_value_is_cut() {
        let mut values = ramp(0.0, 1.0);
        values.push(23.0);
        let code = code_of(4, &[Histogram::of([&*values].into_iter())]);
        assert!(code.scale * 15.0 < 5.0, "{}", code.scale);
    }

    #[test]
    fn what_an_activation_flattens_is_cut() {
        let values = ramp(-40.0, 4.0);
        let map = Histogram::of([&*values].into_iter());
        let code = code_before(&map, 8, Activation::Swish);
        let low = -f64::from(code.zero) * code.scale;
        assert!((-9.0..=-4.0).contains(&low), "{low}");
        assert!((f64::from(255 - code.zero) * code.scale - 4.0).abs() < 0.2);
    }

    /// The mean squared error of values behind an activation, in steps of the output.
    fn behind(values: &[f32], sums: &Sums, output: Code, activation: Activation) -> f64 {
        let table = sums.results(output, activation);
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

    #[test]
    fn steps_of_weights_leave_out_what_is_rare() {
        let even = ramp(-1.0, 1.0);
        assert!((weight_step(&even, 127.0) - 1.0 / 127.0).abs() < 4e-4);
        let mut odd = even.clone();
        odd.iter_mut().for_each(|weight| *weight *= 0.1);
        odd[0] = 1.0;
        assert!(weight_step(&odd, 7.0) < 0.5 / 7.0);
        assert!(weight_step(&[0.0; 9], 127.0) > 0.0);
    }
}
