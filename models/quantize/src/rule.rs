//! Rules by which integer sums become codes elsewhere, for reference.
//!
//! The networks made here use the first ([`Requantize`](tincy_network::Requantize)); the others are what
//! other runtimes and the hardware emulation do, so that their numbers can be reproduced.

/// How a product is shifted right and rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `floor(x / 2^s + 1/2)`: half goes up. The rule of [`Requantize`](tincy_network::Requantize).
    HalfUp,
    /// To the nearest, half to even.
    HalfEven,
    /// To the nearest, half away from zero.
    HalfAway,
    /// Down.
    Floor,
    /// The sum cut to 24 bits, then half up: the public emulation of Xilinx's DNN processor.
    Xdnn24,
    /// gemmlowp's: a factor in 1/2^31, the doubled product's upper half, then a rounding shift, half away
    /// from zero.
    Gemmlowp,
}

/// A code's width and zero point, and the factor of its sums.
#[derive(Clone, Copy, Debug)]
pub struct Scaling {
    /// Multiplies the sum.
    pub multiplier: i32,
    /// Then so many bits are shifted out, 0 to 40.
    pub shift: u32,
    /// Added.
    pub zero: i32,
    /// Of the code, 1 to 16.
    pub bits: u32,
    /// Whether codes run from `-2^(bits-1)`.
    pub signed: bool,
}

impl Rule {
    /// The code of a sum.
    pub fn code(self, sum: i32, scaling: &Scaling) -> i32 {
        let Scaling {
            multiplier,
            shift,
            zero,
            bits,
            signed,
        } = *scaling;
        let product = i64::from(sum) * i64::from(multiplier);
        let rounded = match self {
            Rule::HalfUp => half_up(product, shift),
            Rule::HalfEven => half_even(product, shift),
            Rule::HalfAway => product.signum() * half_up(product.abs(), shift),
            Rule::Floor => product >> shift,
            Rule::Xdnn24 => {
                let cut = i64::from(sum).clamp(-(1 << 23), (1 << 23) - 1);
                half_up(cut * i64::from(multiplier), shift)
            }
            Rule::Gemmlowp => shifted(upper_half(sum, multiplier), shift),
        };
        let (low, high) = match signed {
            true => (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
            false => (0, (1i64 << bits) - 1),
        };
        (rounded + i64::from(zero)).clamp(low, high) as i32
    }
}

fn half_up(x: i64, shift: u32) -> i64 {
    match shift {
        0 => x,
        _ => ((x >> (shift - 1)) + 1) >> 1,
    }
}

fn half_even(x: i64, shift: u32) -> i64 {
    let down = x >> shift;
    let (rest, half) = (x - (down << shift), (1i64 << shift) >> 1);
    let up = shift > 0 && (rest > half || (rest == half && down & 1 == 1));
    down + i64::from(up)
}

/// The upper half of the doubled product, rounded, half up; the one overflow is cut.
fn upper_half(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    ((product + nudge) / (1 << 31)) as i32
}

/// A rounding shift, half away from zero.
fn shifted(x: i32, shift: u32) -> i64 {
    let x = i64::from(x);
    let mask = (1i64 << shift) - 1;
    let threshold = (mask >> 1) + i64::from(x < 0);
    (x >> shift) + i64::from((x & mask) > threshold)
}
