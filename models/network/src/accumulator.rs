//! The proved bounds of integer sums: a kernel is only chosen where it cannot overflow.

use crate::{Code, Convolution};

/// Smallest and largest value that a sum can take, over all inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Never below.
    pub min: i64,
    /// Never above.
    pub max: i64,
}

impl Bound {
    /// Whether every partial sum, in any order, fits a signed integer of `bits` bits.
    pub fn fits(&self, bits: u32) -> bool {
        let limit = 1i64 << (bits - 1);
        self.min >= -limit && self.max < limit
    }

    /// Bits of the narrowest signed integer that holds every sum.
    pub fn bits(&self) -> u32 {
        (1..=63).find(|bits| self.fits(*bits)).unwrap_or(64)
    }
}

/// The bound over all output channels of a convolution with integer weights on `code`, from the
/// weights themselves: each product is taken at the code where it is smallest and largest.
///
/// Padding (zero) may stand at any place, so zero products are always possible, and the bound also
/// holds for every partial sum.
///
/// # Panics
/// If the weights are floats.
pub fn bound(convolution: &Convolution, code: Code) -> Bound {
    let (low, high) = (
        i64::from(code.min() - code.zero),
        i64::from(code.max() - code.zero),
    );
    let (low, high) = (low.min(0), high.max(0));
    let weights = convolution.weights.unpack();
    let window = weights.len() / convolution.out_channels;
    let mut bound = Bound { min: 0, max: 0 };
    for channel in weights.chunks_exact(window) {
        let positive: i64 = channel.iter().map(|w| i64::from((*w).max(0))).sum();
        let negative: i64 = channel.iter().map(|w| i64::from((*w).min(0))).sum();
        bound.max = bound.max.max(positive * high + negative * low);
        bound.min = bound.min.min(negative * high + positive * low);
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Affine, Finish, Number, Padding, WeightKind, Weights};

    fn convolution(weights: &[i8]) -> Convolution {
        Convolution {
            out_channels: 2,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            weights: Weights::integers(WeightKind::Ternary, weights).unwrap(),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: vec![0.0; 2].into(),
                activation: Default::default(),
                output: Number::F32,
            }),
        }
    }

    #[test]
    fn bounds_take_the_worst_channel() {
        let c = convolution(&[1, 1, -1, 0, -1, -1]);
        assert_eq!(
            bound(&c, Code::unsigned(3, 1.0)),
            Bound { min: -14, max: 14 }
        );
        let signed = Code {
            bits: 2,
            signed: true,
            scale: 1.0,
            zero: 0,
        };
        assert_eq!(bound(&c, signed), Bound { min: -5, max: 4 });
    }

    #[test]
    fn bits_of_a_bound() {
        assert_eq!(
            Bound {
                min: -32_256,
                max: 32_256
            }
            .bits(),
            16
        );
        assert_eq!(
            Bound {
                min: -128,
                max: 127
            }
            .bits(),
            8
        );
        assert_eq!(Bound { min: 0, max: 128 }.bits(), 9);
    }
}
