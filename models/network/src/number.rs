//! The number types of tensors: real numbers and small integer codes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the elements of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Number {
    /// A 32-bit float that means itself.
    F32,
    /// An integer code, stored one a byte (`u8`, or `i8` if signed).
    Code(Code),
}

impl Number {
    /// Bits that carry information.
    pub fn bits(&self) -> u32 {
        match self {
            Number::F32 => 32,
            Number::Code(code) => u32::from(code.bits),
        }
    }

    /// Bytes an element takes in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Number::F32 => 4,
            Number::Code(_) => 1,
        }
    }

    /// The code, if it is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Number::F32 => None,
            Number::Code(code) => Some(*code),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::F32 => f.write_str("f32"),
            Number::Code(code) if code.signed => write!(f, "s{}", code.bits),
            Number::Code(code) => write!(f, "u{}", code.bits),
        }
    }
}

/// An integer number format: a code stands for the real value `scale * (code - zero)`.
///
/// Integer layers work on `code - zero` and never touch `scale`: whoever makes a network folds it
/// into thresholds, weights or affine scales. It is kept for those who turn codes into values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// 1 to 8.
    pub bits: u8,
    /// Whether codes run from `-2^(bits-1)` to `2^(bits-1) - 1` instead of `0` to `2^bits - 1`.
    pub signed: bool,
    /// Real value of one step, positive. In f64, so that its inverse is the f32 it should be:
    /// for the published 4/7 that is 1.75 sharp.
    pub scale: f64,
    /// The code that stands for zero; padding has this code.
    pub zero: i32,
}

impl Code {
    /// Unsigned codes of `bits` bits without zero point.
    pub const fn unsigned(bits: u8, scale: f64) -> Code {
        Code {
            bits,
            signed: false,
            scale,
            zero: 0,
        }
    }

    /// The smallest code.
    pub const fn min(&self) -> i32 {
        if self.signed {
            -(1 << (self.bits - 1))
        } else {
            0
        }
    }

    /// The largest code.
    pub const fn max(&self) -> i32 {
        if self.signed {
            (1 << (self.bits - 1)) - 1
        } else {
            (1 << self.bits) - 1
        }
    }

    /// Number of codes.
    pub const fn count(&self) -> usize {
        1 << self.bits
    }

    /// Steps a unit of real value: the f32 nearest to `1 / scale`.
    pub fn inverse_scale(&self) -> f32 {
        (1.0 / self.scale) as f32
    }

    /// The code nearest to a real value, ties to even, cut to the range. NaN becomes the zero point.
    ///
    /// By definition in f32: `round(value * inverse_scale) + zero`. Every kernel does exactly this.
    pub fn quantize(&self, value: f32) -> i32 {
        let steps = value * self.inverse_scale();
        if steps.is_nan() {
            return self.zero.clamp(self.min(), self.max());
        }
        let low = (self.min() - self.zero) as f32;
        let high = (self.max() - self.zero) as f32;
        steps.clamp(low, high).round_ties_even() as i32 + self.zero
    }

    /// Whether the format can exist.
    pub fn is_valid(&self) -> bool {
        (1..=8).contains(&self.bits)
            && self.inverse_scale().is_finite()
            && self.inverse_scale() > 0.0
            && (self.min()..=self.max()).contains(&self.zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bit_codes_of_the_published_network() {
        let code = Code::unsigned(3, 4.0 / 7.0);
        let cases = [
            (-1.0, 0),
            (0.0, 0),
            (0.29, 1),
            (2.0, 4),
            (3.9, 7),
            (99.0, 7),
        ];
        for (value, expected) in cases {
            assert_eq!(code.quantize(value), expected, "{value}");
        }
        // Ties go to even: 2 / 4 * 7 is 3.5.
        assert_eq!(code.quantize(10.0 / 7.0), 2);
        assert_eq!(code.quantize(f32::NAN), 0);
        // The published rule is v / 4 * 7; ours must be the same float operation.
        assert_eq!(code.inverse_scale(), 1.75);
    }

    #[test]
    fn ranges() {
        let signed = Code {
            bits: 8,
            signed: true,
            scale: 0.1,
            zero: 0,
        };
        assert_eq!((signed.min(), signed.max()), (-128, 127));
        assert_eq!(Code::unsigned(8, 1.0).max(), 255);
        assert!(!Code::unsigned(9, 1.0).is_valid());
        assert!(!Code::unsigned(3, 0.0).is_valid());
    }
}
