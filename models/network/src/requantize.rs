//! From an integer sum to a code, in integers only: a product, a shift, a table.

use crate::rules::expect;
use crate::{Code, Error, Number, Values};
use serde::{Deserialize, Serialize};

/// The largest multiplier: 16 unsigned bits and the one value that rounding adds.
pub const MAX_MULTIPLIER: i32 = 1 << 15;

/// The largest shift of codes below zero.
pub const MAX_NEGATIVE_SHIFT: u8 = 4;

/// The largest shift. With it and [`MAX_MULTIPLIER`], the smallest factor is `2^-40`.
pub const MAX_SHIFT: u8 = 40;

/// A sum to a code without a float: for output channel `o`,
///
/// ```text
/// r    = (acc + bias[o]) * multiplier[o]                          exact, in 64 bits
/// q    = floor(r / 2^shift[o] + 1/2)                              half goes up; r for shift 0
/// q    = floor(q / 2^negative_shift)                              where it is below 0
/// code = clamp(q + code.zero, code.min(), code.max())
/// out  = table[code - code.min()]                                 where there is a table
/// ```
///
/// The shift of what is negative leaves most codes to what is not, where activations that flatten
/// below zero (SiLU, leaky) need them: with one step for both, a table of 256 entries would cost such
/// a map 8 dB.
///
/// The factor `multiplier / 2^shift` stands for `input scale * weight scale / code.scale`; the
/// bias is in units of the sum. Multipliers are not negative, so a code rises with its sum: whoever
/// makes a network negates the weights of a channel whose factor is negative.
///
/// The table makes any function of the code exact, SiLU too, which falls and rises and so cannot
/// be counted by [`Thresholds`](crate::Thresholds).
///
/// Rule and choice of the factor ([`Factor::nearest`]) are those of the public emulation of the
/// hardware that post-training quantization from one batch was made for (arXiv:1805.07941).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requantize {
    /// Added to the sum, one a channel.
    #[serde(skip)]
    pub bias: Values<i32>,
    /// 0 to [`MAX_MULTIPLIER`], one a channel.
    #[serde(skip)]
    pub multiplier: Values<i32>,
    /// 0 to [`MAX_SHIFT`], one a channel.
    #[serde(skip)]
    pub shift: Values<u8>,
    /// What the sum is rounded to; the output too, unless there is a table.
    pub code: Code,
    /// 0 to [`MAX_NEGATIVE_SHIFT`]: steps below zero are `2^negative_shift` times as large. Only with a
    /// table, which says what they stand for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub negative_shift: u8,
    /// The activation.
    pub table: Option<Table>,
}

fn is_zero(shift: &u8) -> bool {
    *shift == 0
}

/// A function from one code to another, value by value; one for all channels, or one for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Format of the values.
    pub output: Code,
    /// A code for each code that goes in, from the smallest on; signed ones in two's complement.
    /// `[entries]`, or `[channels][entries]`.
    #[serde(skip)]
    pub codes: Values<u8>,
}

impl Table {
    /// The table of a function of real values: every code that goes in is taken at its value, and
    /// the result rounded by [`Code::quantize`].
    pub fn of(input: Code, output: Code, function: impl Fn(f32) -> f32) -> Table {
        Table::of_values(values(input, 0), output, function)
    }

    /// The table of a function for the values that codes stand for, from the smallest code on
    /// ([`values`]).
    pub fn of_values(
        values: impl Iterator<Item = f64>,
        output: Code,
        function: impl Fn(f32) -> f32,
    ) -> Table {
        let codes = values.map(|value| output.quantize(function(value as f32)) as u8);
        Table {
            output,
            codes: codes.collect::<Vec<_>>().into(),
        }
    }

    /// The code that entry `index` holds.
    pub fn get(&self, index: usize) -> i32 {
        let byte = self.codes[index];
        if self.output.signed {
            i32::from(byte as i8)
        } else {
            i32::from(byte)
        }
    }

    /// Where the entries of channel `o` start, of tables with `entries` each.
    pub fn start(&self, o: usize, entries: usize) -> usize {
        if self.is_by_channel(entries) {
            o * entries
        } else {
            0
        }
    }

    /// Whether each channel has a table of its own, with `entries` each.
    pub fn is_by_channel(&self, entries: usize) -> bool {
        self.codes.len() > entries
    }

    fn check(&self, input: Code, outputs: usize) -> Result<(), Error> {
        let output = self.output;
        if !output.is_valid() {
            let expected = "1 to 8 bits, a positive scale";
            return Err(Error::layer("table", expected, Number::Code(output)));
        }
        let entries = input.count();
        if self.codes.len() != entries * outputs {
            expect("entries of the table", entries, self.codes.len())?;
        }
        let range = output.min()..=output.max();
        let odd = (0..self.codes.len())
            .map(|i| self.get(i))
            .find(|code| !range.contains(code));
        odd.map_or(Ok(()), |code| {
            let range = format!("{} to {}", range.start(), range.end());
            Err(Error::layer("table", range, code))
        })
    }
}

/// What the codes of sums stand for, from the smallest on: those below zero, which were shifted, in
/// the middle of what became them.
pub fn values(code: Code, negative_shift: u8) -> impl Iterator<Item = f64> {
    let wide = f64::from(1u32 << negative_shift);
    (code.min()..=code.max()).map(move |value| {
        let steps = f64::from(value - code.zero);
        let steps = match steps < 0.0 {
            true => steps * wide + (wide - 1.0) / 2.0,
            false => steps,
        };
        code.scale * steps
    })
}

/// A positive factor as `multiplier / 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// 0 to [`MAX_MULTIPLIER`].
    pub multiplier: i32,
    /// 0 to [`MAX_SHIFT`].
    pub shift: u8,
}

impl Factor {
    /// The nearest to a number: `e = ceil(log2 factor)`, `shift = 15 - e` within 0 to
    /// [`MAX_SHIFT`], `multiplier = round(factor * 2^shift)`, so 15 bits carry the factor unless
    /// the shift's limit bites. `None` if it is negative, no number, or more than
    /// [`MAX_MULTIPLIER`].
    pub fn nearest(factor: f64) -> Option<Factor> {
        if !(0.0..=f64::from(MAX_MULTIPLIER)).contains(&factor) {
            return None;
        }
        if factor == 0.0 {
            return Some(Factor {
                multiplier: 0,
                shift: 0,
            });
        }
        let shift = (15.0 - factor.log2().ceil()).clamp(0.0, f64::from(MAX_SHIFT)) as u8;
        let multiplier = (factor * (1u64 << shift) as f64).round() as i32;
        Some(Factor {
            multiplier: multiplier.min(MAX_MULTIPLIER),
            shift,
        })
    }
}

impl Requantize {
    /// Number format of the result.
    pub fn output(&self) -> Code {
        self.table.as_ref().map_or(self.code, |table| table.output)
    }

    /// The code of output channel `o`'s sum, before the table.
    pub fn code(&self, acc: i32, o: usize) -> i32 {
        let product = (i64::from(acc) + i64::from(self.bias[o])) * i64::from(self.multiplier[o]);
        let rounded = half_up(product, self.shift[o]);
        let shifted = rounded.max(rounded >> self.negative_shift) + i64::from(self.code.zero);
        shifted.clamp(self.code.min().into(), self.code.max().into()) as i32
    }

    /// The result for output channel `o`'s sum.
    pub fn apply(&self, acc: i32, o: usize) -> i32 {
        let code = self.code(acc, o);
        match &self.table {
            Some(table) => {
                let start = table.start(o, self.code.count());
                table.get(start + (code - self.code.min()) as usize)
            }
            None => code,
        }
    }

    pub(crate) fn check(&self, outputs: usize) -> Result<(), Error> {
        expect("number of biases", outputs, self.bias.len())?;
        expect("number of multipliers", outputs, self.multiplier.len())?;
        expect("number of shifts", outputs, self.shift.len())?;
        if let Some(odd) = self
            .multiplier
            .iter()
            .find(|m| !(0..=MAX_MULTIPLIER).contains(*m))
        {
            let range = format!("0 to {MAX_MULTIPLIER}");
            return Err(Error::layer("multiplier", range, odd));
        }
        if let Some(odd) = self.shift.iter().find(|shift| **shift > MAX_SHIFT) {
            return Err(Error::layer("shift", format!("0 to {MAX_SHIFT}"), odd));
        }
        if !self.code.is_valid() {
            let expected = "1 to 8 bits, a positive scale";
            return Err(Error::layer("code", expected, Number::Code(self.code)));
        }
        self.check_negative_shift()?;
        self.table
            .as_ref()
            .map_or(Ok(()), |table| table.check(self.code, outputs))
    }

    fn check_negative_shift(&self) -> Result<(), Error> {
        let shift = self.negative_shift;
        if shift > MAX_NEGATIVE_SHIFT {
            let range = format!("0 to {MAX_NEGATIVE_SHIFT}");
            return Err(Error::layer("shift of negative sums", range, shift));
        }
        match shift > 0 && self.table.is_none() {
            true => Err(Error::layer("shift of negative sums", "a table", "none")),
            false => Ok(()),
        }
    }
}

/// `floor(r / 2^shift + 1/2)`
fn half_up(r: i64, shift: u8) -> i64 {
    match shift {
        0 => r,
        _ => ((r >> (shift - 1)) + 1) >> 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;

    fn requantize(factor: Factor, code: Code, table: Option<Table>) -> Requantize {
        Requantize {
            bias: vec![0].into(),
            multiplier: vec![factor.multiplier].into(),
            shift: vec![factor.shift].into(),
            code,
            negative_shift: 0,
            table,
        }
    }

    fn signed(scale: f64) -> Code {
        Code {
            signed: true,
            ..Code::unsigned(8, scale)
        }
    }

    #[test]
    fn half_goes_up_on_both_sides() {
        let half = Factor {
            multiplier: 1,
            shift: 1,
        };
        let rule = requantize(half, signed(1.0), None);
        let sums = [-5, -4, -3, -1, 0, 1, 3, 5, 255, -300, i32::MAX, i32::MIN];
        let codes = [-2, -2, -1, 0, 0, 1, 2, 3, 127, -128, 127, -128];
        assert_eq!(sums.map(|sum| rule.apply(sum, 0)), codes);
    }

    /// The rows of the golden table that this rule can express.
    #[test]
    fn every_row_of_the_golden_table() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/golden/requantize.csv"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: needs ../shared/golden/requantize.csv");
            return;
        };
        let mut checked = 0;
        for row in text.lines().filter_map(|row| row.strip_prefix("half_up,")) {
            let numbers: Vec<i64> = row.split(',').map(|n| n.parse().unwrap()).collect();
            let [acc, multiplier, shift, zero, bits, is_signed, result] = numbers[..] else {
                panic!("{row}");
            };
            let sum = i32::try_from(acc);
            let (Ok(acc), 0..=32_768, 0..=40, 1..=8) = (sum, multiplier, shift, bits) else {
                continue;
            };
            let code = Code {
                bits: bits as u8,
                signed: is_signed == 1,
                scale: 1.0,
                zero: zero as i32,
            };
            let factor = Factor {
                multiplier: multiplier as i32,
                shift: shift as u8,
            };
            let rule = requantize(factor, code, None);
            assert!(rule.check(1).is_ok(), "{row}");
            assert_eq!(i64::from(rule.apply(acc, 0)), result, "{row}");
            checked += 1;
        }
        assert!(checked > 200, "{checked} rows");
    }

    #[test]
    fn a_function_that_falls_and_rises_is_exact() {
        let (code, output) = (signed(0.0625), Code::unsigned(8, 8.0 / 255.0));
        let low = Code { zero: 9, ..output };
        let table = Table::of(code, low, |x| Activation::Swish.apply(x));
        let one = Factor::nearest(1.0).unwrap();
        let rule = requantize(one, code, Some(table));
        assert!(rule.check(1).is_ok());
        assert_eq!(rule.output(), low);
        // SiLU is 0 at 0 and far below, and lowest (-0.278) near -1.28.
        let cases = [(0, 9), (-128, 9), (-20, 0), (-20 * 16, 9), (16, 32)];
        for (sum, expected) in cases {
            assert_eq!(rule.apply(sum, 0), expected, "{sum}");
        }
    }

    #[test]
    fn what_is_negative_has_larger_steps() {
        let code = Code {
            zero: 20,
            ..Code::unsigned(8, 0.5)
        };
        let one = Factor::nearest(1.0).unwrap();
        let output = Code::unsigned(8, 1.0);
        let table = Table::of_values(values(code, 2), output, |x| x + 128.0);
        let rule = Requantize {
            negative_shift: 2,
            ..requantize(one, code, Some(table))
        };
        assert!(rule.check(1).is_ok());
        let codes = [
            (0, 20),
            (3, 23),
            (-1, 19),
            (-4, 19),
            (-5, 18),
            (-80, 0),
            (-900, 0),
            (900, 255),
        ];
        assert_eq!(
            codes.map(|(sum, _)| rule.code(sum, 0)),
            codes.map(|(_, code)| code)
        );
        // -4 to -1 are one code, in the middle -2.5; half of that is rounded to the even -1.
        assert_eq!([0, 3, -2].map(|sum| rule.apply(sum, 0)), [128, 130, 127]);
        for odd in [
            Requantize {
                table: None,
                ..rule.clone()
            },
            Requantize {
                negative_shift: 5,
                ..rule.clone()
            },
        ] {
            let error = odd.check(1).unwrap_err().to_string();
            assert!(error.contains("shift of negative sums"), "{error}");
        }
    }

    #[test]
    fn each_channel_may_have_a_table() {
        let code = Code::unsigned(2, 1.0);
        let table = Table {
            output: Code::unsigned(8, 1.0),
            codes: vec![0, 1, 2, 3, 40, 50, 60, 70].into(),
        };
        let one = Factor::nearest(1.0).unwrap();
        let two = |values: Vec<i32>| values.into();
        let rule = Requantize {
            bias: two(vec![0, 0]),
            multiplier: two(vec![one.multiplier; 2]),
            shift: vec![one.shift; 2].into(),
            ..requantize(one, code, Some(table))
        };
        assert!(rule.check(2).is_ok());
        assert_eq!([0, 1].map(|o| rule.apply(2, o)), [2, 60]);
        let three = Requantize {
            bias: two(vec![0; 3]),
            multiplier: two(vec![1; 3]),
            shift: vec![0; 3].into(),
            ..rule
        };
        assert!(three.check(3).unwrap_err().to_string().contains("entries"));
    }

    #[test]
    fn factors_keep_fifteen_bits() {
        let cases = [
            (1.0, Some((32_768, 15))),
            (0.75, Some((24_576, 15))),
            (0.5, Some((32_768, 16))),
            (32_768.0, Some((32_768, 0))),
            (1e-20, Some((0, 40))),
            (0.0, Some((0, 0))),
            (-0.5, None),
            (40_000.0, None),
            (f64::NAN, None),
        ];
        for (factor, expected) in cases {
            let found = Factor::nearest(factor).map(|f| (f.multiplier, f.shift));
            assert_eq!(found, expected, "{factor}");
        }
        for i in 1..1000 {
            let factor = 0.000_37 * f64::from(i);
            let Factor { multiplier, shift } = Factor::nearest(factor).unwrap();
            let error = f64::from(multiplier) / (1u64 << shift) as f64 / factor - 1.0;
            assert!(error.abs() <= 1.0 / 32_768.0, "{factor}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let one = Factor::nearest(1.0).unwrap();
        let sound = requantize(one, signed(1.0), None);
        let table = |codes: usize, fill: u8| Table {
            output: Code::unsigned(4, 1.0),
            codes: vec![fill; codes].into(),
        };
        let wrong = [
            (
                Requantize {
                    multiplier: vec![-1].into(),
                    ..sound.clone()
                },
                "multiplier",
            ),
            (
                Requantize {
                    shift: vec![41].into(),
                    ..sound.clone()
                },
                "shift",
            ),
            (
                Requantize {
                    bias: vec![].into(),
                    ..sound.clone()
                },
                "biases",
            ),
            (
                Requantize {
                    table: Some(table(255, 0)),
                    ..sound.clone()
                },
                "entries",
            ),
            (
                Requantize {
                    table: Some(table(256, 16)),
                    ..sound.clone()
                },
                "table: expected 0 to 15, found 16",
            ),
        ];
        assert!(sound.check(1).is_ok());
        for (rule, expected) in wrong {
            let error = rule.check(1).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
