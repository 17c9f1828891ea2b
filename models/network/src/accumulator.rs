//! The proved bounds of integer sums: a kernel is only chosen where it cannot overflow.

use crate::{Code, Convolution, Finish, WeightKind};

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
    let mut bound = Bound { min: 0, max: 0 };
    let mut take = |[negative, positive]: [i64; 2]| {
        bound.max = bound.max.max(positive * high + negative * low);
        bound.min = bound.min.min(negative * high + positive * low);
    };
    let weights = &convolution.weights;
    let window = weights.count() / convolution.out_channels;
    let signs = weights.kind() == WeightKind::Binary && weights.multipliers().is_empty();
    if signs && window.is_multiple_of(8) {
        let channels = weights.as_packed().chunks_exact(window / 8);
        channels.for_each(|bits| take(binary_sums(bits)));
    } else {
        let weights = weights.unpack();
        weights
            .chunks_exact(window)
            .for_each(|channel| take(sums(channel)));
    }
    bound
}

/// [`bound`] with room for the finish's integer biases, if it has them: kernels add a bias in the
/// sum's own width.
///
/// # Panics
/// If the weights are floats.
pub fn bound_with_bias(convolution: &Convolution, code: Code) -> Bound {
    let mut bound = bound(convolution, code);
    if let Finish::Requantize(requantize) = &convolution.finish {
        let biases = requantize.bias.iter().map(|bias| i64::from(*bias));
        bound.min += biases.clone().min().unwrap_or(0).min(0);
        bound.max += biases.max().unwrap_or(0).max(0);
    }
    bound
}

/// The sums of weights below and above zero.
fn sums(weights: &[i8]) -> [i64; 2] {
    let negative = weights.iter().map(|w| i64::from((*w).min(0))).sum();
    let positive = weights.iter().map(|w| i64::from((*w).max(0))).sum();
    [negative, positive]
}

/// [`sums`] of packed binary weights: a set bit is -1.
fn binary_sums(bits: &[u8]) -> [i64; 2] {
    let (words, rest) = bits.as_chunks();
    let words = words
        .iter()
        .map(|word| u64::from_le_bytes(*word).count_ones());
    let rest = rest.iter().map(|byte| byte.count_ones());
    let negative: i64 = words.chain(rest).map(i64::from).sum();
    [-negative, 8 * bits.len() as i64 - negative]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Affine, Finish, Number, Padding, Weights};

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
    fn multipliers_count() {
        let signs: Vec<i8> = (0..16).map(|i| if i < 3 { -1 } else { 1 }).collect();
        let weights = Weights::integers(WeightKind::Binary, &signs).unwrap();
        let c = Convolution {
            kernel: [1, 2],
            weights: weights.with_multipliers(4, vec![100, 3]).unwrap(),
            ..convolution(&[0])
        };
        // Of 4 weights times 100 and 4 times 3, the first channel has three of -100; the second is all
        // positive.
        let expected = Bound {
            min: -3 * 300,
            max: 3 * 412,
        };
        assert_eq!(bound(&c, Code::unsigned(2, 1.0)), expected);
    }

    #[test]
    fn packed_binary_weights_are_counted_as_they_are() {
        let weights: Vec<i8> = (0..136u32)
            .map(|i| if i * i % 7 < 3 { -1 } else { 1 })
            .collect();
        let packed = Weights::integers(WeightKind::Binary, &weights).unwrap();
        assert_eq!(binary_sums(packed.as_packed()), sums(&weights));
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
