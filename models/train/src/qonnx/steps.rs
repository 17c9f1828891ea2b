//! Where codes change: thresholds that give exactly what a finish gives.
//!
//! A finish takes integer sums within a proved bound to codes. Whatever its arithmetic, its index
//! (the code before a table) rises with the sum, so the least sum of each index is found by
//! bisection, with the finish itself as judge. A table then moves the code up or down at each of them:
//!
//! ```text
//! code(sum) = start + (number of rises that the sum reaches) - (number of falls that it reaches)
//! ```
//!
//! A table that rises has no falls, and SiLU few.

use tincy_network::accumulator::Bound;
use tincy_network::{Activation, Code, Requantize, Thresholds, order};

/// Sums below this size are exact in floats, and so is every threshold between them.
pub(super) const LIMIT: i64 = 1 << 24;

/// The most steps of a channel; a function that turns once has 510 at most.
const MAX_STEPS: usize = 1024;

/// A function of each channel's numbers to codes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Steps {
    /// The code below all steps.
    pub(super) start: i32,
    /// Where it goes up by one: as many a channel, channel after channel.
    pub(super) rises: Vec<f32>,
    /// Where it goes down by one.
    pub(super) falls: Vec<f32>,
    /// One, if all channels have the same function.
    pub(super) channels: usize,
    /// A threshold that nothing reaches.
    pub(super) never: f32,
}

impl Steps {
    /// Thresholds as they are, cut to sums that can be.
    pub(super) fn of_thresholds(thresholds: &Thresholds, bound: Bound) -> Steps {
        let values = thresholds.values.iter();
        let cut = |t: &i32| i64::from(*t).clamp(bound.min, bound.max + 1) as f32;
        Steps {
            start: 0,
            rises: values.map(cut).collect(),
            falls: Vec::new(),
            channels: thresholds.values.len() / thresholds.steps(),
            never: (bound.max + 1) as f32,
        }
    }

    /// Thresholds of real numbers, as they are.
    pub(super) fn of_reals(steps: &tincy_network::Steps) -> Steps {
        Steps {
            start: 0,
            rises: steps.values.to_vec(),
            falls: Vec::new(),
            channels: steps.lists,
            never: f32::INFINITY,
        }
    }

    /// A product, a shift and a table. `None` if the table goes up and down too often, or each channel has
    /// its own, whose first codes may differ.
    pub(super) fn of_requantize(requantize: &Requantize, bound: Bound) -> Option<Steps> {
        let entries = requantize.code.count();
        let table = requantize.table.as_ref();
        if table.is_some_and(|table| table.is_by_channel(entries)) {
            return None;
        }
        let codes = codes(requantize);
        let turns = codes.windows(2).map(|pair| pair[0].abs_diff(pair[1]));
        if turns.sum::<u32>() as usize > MAX_STEPS {
            return None;
        }
        let mut steps = Steps {
            start: codes[0],
            rises: Vec::new(),
            falls: Vec::new(),
            channels: requantize.bias.len(),
            never: (bound.max + 1) as f32,
        };
        for channel in 0..steps.channels {
            let mut least = bound.min;
            for (index, pair) in codes.windows(2).enumerate() {
                let code = requantize.code.min() + index as i32 + 1;
                let reaches = |sum| requantize.code(sum as i32, channel) >= code;
                least = order::first(least, bound.max, reaches);
                steps.step(pair[1] - pair[0], least as f32);
            }
        }
        Some(steps)
    }

    /// A code's clamp, for the sums of two of them less their zero point.
    pub(super) fn of_sum(code: Code) -> Steps {
        let rises = code.min() + 1..=code.max();
        Steps {
            start: code.min(),
            rises: rises.map(|k| (k + code.zero) as f32).collect(),
            falls: Vec::new(),
            channels: 1,
            never: (2 * code.max() + 1) as f32,
        }
    }

    /// An activation that is rounded to a code, by its real argument. `None` for activations that do
    /// not rise, down to the last bit.
    pub(super) fn of_rounding(activation: Activation, code: Code) -> Option<Steps> {
        let is_rising = match activation {
            Activation::Leaky { slope } => slope >= 0.0,
            Activation::Linear | Activation::Relu | Activation::Relu6 | Activation::HardSigmoid => {
                true
            }
            _ => false,
        };
        if !is_rising {
            return None;
        }
        let found = |number: i64| code.quantize(activation.apply(order::float_of(number)));
        let [mut least, most] = [f32::MIN, f32::MAX].map(order::number_of);
        let rises = (code.min() + 1..=code.max()).map(|wanted| {
            least = order::first(least, most, |number| found(number) >= wanted);
            // Infinity comes after the largest number.
            order::float_of(least)
        });
        Some(Steps {
            start: code.min(),
            rises: rises.collect(),
            falls: Vec::new(),
            channels: 1,
            never: f32::INFINITY,
        })
    }

    /// The code goes up or down at a threshold.
    fn step(&mut self, change: i32, threshold: f32) {
        let side = if change > 0 {
            &mut self.rises
        } else {
            &mut self.falls
        };
        side.extend((0..change.abs()).map(|_| threshold));
    }
}

/// The code of each index, from the smallest on.
fn codes(requantize: &Requantize) -> Vec<i32> {
    let code = requantize.code;
    match &requantize.table {
        Some(table) => (0..table.codes.len()).map(|i| table.get(i)).collect(),
        None => (code.min()..=code.max()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_network::Table;
    use tincy_network::requantize::Factor;

    impl Steps {
        fn code(&self, channel: usize, value: f32) -> i32 {
            let reached = |all: &[f32]| {
                let each = all.len() / self.channels;
                let own = &all[channel * each..][..each];
                own.iter().filter(|t| value >= **t).count() as i32
            };
            self.start + reached(&self.rises) - reached(&self.falls)
        }
    }

    const BOUND: Bound = Bound {
        min: -9000,
        max: 9001,
    };

    fn code(signed: bool, zero: i32) -> Code {
        Code {
            bits: 8,
            signed,
            scale: 0.05,
            zero,
        }
    }

    fn requantize(code: Code, table: Option<Table>) -> Requantize {
        let factors = [0.011, 0.25, 0.0, 0.003_7].map(|f| Factor::nearest(f).unwrap());
        Requantize {
            negative_shift: 0,
            bias: vec![3, -1700, 4000, 70_000].into(),
            multiplier: factors.map(|f| f.multiplier).to_vec().into(),
            shift: factors.map(|f| f.shift).to_vec().into(),
            code,
            table,
        }
    }

    #[test]
    fn every_sum_has_the_code_of_the_requantization() {
        let activations = [
            Activation::Swish,
            Activation::Mish,
            Activation::Relu,
            Activation::LEAKY,
        ];
        let tables = activations.map(|activation| {
            let output = code(false, 6);
            Some(Table::of(code(true, -3), output, |x| activation.apply(x)))
        });
        let falling = Table::of(code(true, -3), code(true, 0), |x| -x);
        for table in tables.into_iter().chain([None, Some(falling)]) {
            let rule = requantize(code(true, -3), table);
            let steps = Steps::of_requantize(&rule, BOUND).unwrap();
            for channel in 0..4 {
                for sum in BOUND.min..=BOUND.max {
                    let expected = rule.apply(sum as i32, channel);
                    assert_eq!(steps.code(channel, sum as f32), expected, "{channel} {sum}");
                }
            }
        }
    }

    #[test]
    fn tables_of_chance_are_refused() {
        let codes: Vec<u8> = (0..=255u32).map(|i| (i * 97 % 251) as u8).collect();
        let table = Table {
            output: code(false, 0),
            codes: codes.into(),
        };
        assert_eq!(
            Steps::of_requantize(&requantize(code(true, 0), Some(table)), BOUND),
            None
        );
    }

    #[test]
    fn thresholds_are_cut_to_what_can_be() {
        let thresholds = Thresholds {
            code: Code::unsigned(2, 1.0),
            values: vec![i32::MIN, 5, i32::MAX, -9000, 9001, 9002].into(),
        };
        let steps = Steps::of_thresholds(&thresholds, BOUND);
        assert_eq!(steps.rises, [-9000.0, 5.0, 9002.0, -9000.0, 9001.0, 9002.0]);
        assert_eq!(steps.channels, 2);
    }

    #[test]
    fn every_float_has_the_code_that_it_is_rounded_to() {
        let code = Code {
            scale: 4.0 / 7.0,
            ..Code::unsigned(3, 1.0)
        };
        let activations = [
            Activation::Linear,
            Activation::Relu,
            Activation::Relu6,
            Activation::LEAKY,
            Activation::HardSigmoid,
        ];
        for activation in activations {
            for code in [code, super::tests::code(true, 5)] {
                let steps = Steps::of_rounding(activation, code).unwrap();
                // Each threshold, and the floats beside it.
                let near = steps.rises.iter().filter(|t| t.is_finite());
                let near =
                    near.flat_map(|t| (-2..=2).map(|d| order::float_of(order::number_of(*t) + d)));
                let all = near.chain((-4000..4000).map(|i| i as f32 * 0.01));
                for x in all.filter(|x| x.is_finite()) {
                    let expected = code.quantize(activation.apply(x));
                    assert_eq!(steps.code(0, x), expected, "{activation:?} {x}");
                }
            }
        }
        assert_eq!(Steps::of_rounding(Activation::Swish, code), None);
    }

    #[test]
    fn a_sum_of_codes_is_cut() {
        let (format, zero) = (code(true, -3), -3);
        let steps = Steps::of_sum(format);
        for sum in -256..=254 {
            assert_eq!(
                steps.code(0, sum as f32),
                (sum - zero).clamp(-128, 127),
                "{sum}"
            );
        }
    }

    #[test]
    fn floats_in_their_order() {
        for value in [f32::MIN, -1.0, -0.0, 0.0, f32::MIN_POSITIVE, 2.5, f32::MAX] {
            assert_eq!(
                order::float_of(order::number_of(value)).to_bits(),
                value.to_bits()
            );
        }
        assert!(
            order::number_of(-1.0) < order::number_of(-0.5)
                && order::number_of(-0.0) < order::number_of(0.0)
        );
    }
}
