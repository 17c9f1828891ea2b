//! Weights of a convolution: floats, or small integers packed bit by bit.

use crate::multipliers::Multipliers;
use crate::{Error, Values};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The values that a weight can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightKind {
    /// Any 32-bit float.
    F32,
    /// -1 or +1, one bit each.
    Binary,
    /// -1, 0 or +1, two bits each.
    Ternary,
    /// Two's complement integers of 2 to 8 bits.
    Int {
        /// 2 to 8.
        bits: u8,
    },
}

impl WeightKind {
    /// Bits a weight takes at rest.
    pub const fn bits(&self) -> u8 {
        match self {
            WeightKind::F32 => 32,
            WeightKind::Binary => 1,
            WeightKind::Ternary => 2,
            WeightKind::Int { bits } => *bits,
        }
    }

    /// The kind that holds these integers in fewest bits.
    pub fn smallest(integers: &[i8]) -> WeightKind {
        if integers.iter().all(|integer| integer.unsigned_abs() == 1) {
            return WeightKind::Binary;
        }
        match integers.iter().all(|integer| (-1..=1).contains(integer)) {
            true => WeightKind::Ternary,
            false => WeightKind::int(integers),
        }
    }

    /// Two's complement that holds these integers, of two bits at least.
    pub fn int(integers: &[i8]) -> WeightKind {
        // Of a negative integer as many bits as of its complement.
        let most = integers.iter().map(|n| (n ^ (n >> 7)) as u8).max();
        let bits = (9 - most.unwrap_or(0).leading_zeros() as u8).max(2);
        WeightKind::Int { bits }
    }

    /// Smallest and largest integer weight; floats have none.
    pub const fn range(&self) -> Option<(i8, i8)> {
        match self {
            WeightKind::F32 => None,
            WeightKind::Binary | WeightKind::Ternary => Some((-1, 1)),
            WeightKind::Int { bits } => {
                let half = 1i16 << (*bits - 1);
                Some((-half as i8, (half - 1) as i8))
            }
        }
    }

    /// Bytes that `count` weights take at rest; of more than any memory holds, a number that is as large.
    pub const fn bytes(&self, count: usize) -> usize {
        count.saturating_mul(self.bits() as usize).div_ceil(8)
    }

    fn is_valid(&self) -> bool {
        !matches!(self, WeightKind::Int { bits } if !(2..=8).contains(bits))
    }

    fn allows(&self, weight: i8) -> bool {
        let Some((low, high)) = self.range() else {
            return false;
        };
        (low..=high).contains(&weight) && (*self != WeightKind::Binary || weight != 0)
    }
}

impl fmt::Display for WeightKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WeightKind::F32 => f.write_str("f32"),
            WeightKind::Binary => f.write_str("binary"),
            WeightKind::Ternary => f.write_str("ternary"),
            WeightKind::Int { bits } => write!(f, "int{bits}"),
        }
    }
}

/// The weights of one convolution, in the order `[out][ky][kx][in / groups]`.
///
/// Integers are one little-endian bit string: weight `i` takes the bits from `i * bits` on, as a
/// two's complement number; a binary weight is one bit, 0 for +1 and 1 for -1. Binary and ternary weights
/// may be [multiplied by position](Weights::with_multipliers): then these are signs, and a weight is its
/// sign times the multiplier of its place in the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    kind: WeightKind,
    count: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multipliers: Option<Box<Multipliers>>,
    #[serde(skip)]
    data: Data,
}

#[derive(Clone, Debug, PartialEq)]
enum Data {
    Floats(Values<f32>),
    Packed(Values<u8>),
}

impl Default for Data {
    fn default() -> Data {
        Data::Packed(Values::default())
    }
}

impl Weights {
    /// Float weights.
    pub fn floats(weights: Vec<f32>) -> Weights {
        let count = weights.len();
        Weights {
            kind: WeightKind::F32,
            count,
            multipliers: None,
            data: Data::Floats(weights.into()),
        }
    }

    /// Integer weights of a kind.
    ///
    /// # Errors
    /// If the kind is [`WeightKind::F32`] or does not have one of the weights.
    pub fn integers(kind: WeightKind, weights: &[i8]) -> Result<Weights, Error> {
        if kind == WeightKind::F32 || !kind.is_valid() {
            return Err(Error::layer(
                "weights",
                "an integer kind of 1 to 8 bits",
                kind,
            ));
        }
        if let Some(odd) = weights.iter().find(|w| !kind.allows(**w)) {
            return Err(Error::layer("weights", format!("{kind} weights"), odd));
        }
        let data = Data::Packed(pack(kind, weights).into());
        Ok(Weights {
            kind,
            count: weights.len(),
            multipliers: None,
            data,
        })
    }

    /// These weights, of `channels` a kernel position, each times the multiplier of its position.
    ///
    /// # Errors
    /// If they are not binary or ternary, a multiplier is not 1 to
    /// [`MAX_MULTIPLIER`](crate::multipliers::MAX_MULTIPLIER), or they are no whole windows of so many
    /// positions. Whether a kernel has as many is checked with its convolution.
    pub fn with_multipliers(self, channels: usize, values: Vec<u8>) -> Result<Weights, Error> {
        let multipliers = Multipliers::new(channels, values);
        multipliers.check(self.kind, self.count)?;
        Ok(Weights {
            multipliers: Some(Box::new(multipliers)),
            ..self
        })
    }

    /// The multiplier of each kernel position, row by row; empty without.
    pub fn multipliers(&self) -> &[u8] {
        self.multipliers.as_ref().map_or(&[], |m| m.values())
    }

    /// Weights of one output channel, by the multipliers; `None` without.
    pub(crate) fn multiplied_window(&self) -> Option<usize> {
        self.multipliers.as_ref().map(|m| m.window())
    }

    /// What the weights can be, before any multiplier.
    pub fn kind(&self) -> WeightKind {
        self.kind
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The floats; empty for integer weights.
    pub fn as_floats(&self) -> &[f32] {
        match &self.data {
            Data::Floats(floats) => floats,
            Data::Packed(_) => &[],
        }
    }

    /// The packed integers, before any multiplier; empty for floats.
    pub fn as_packed(&self) -> &[u8] {
        match &self.data {
            Data::Floats(_) => &[],
            Data::Packed(packed) => packed,
        }
    }

    /// The integers from `start` on, one a byte, into `out`.
    ///
    /// # Panics
    /// If the weights are floats or the range lies outside.
    pub fn unpack_range(&self, start: usize, out: &mut [i8]) {
        self.unpack_signs(start, out);
        if let Some(multipliers) = &self.multipliers {
            multipliers.apply(start, out);
        }
    }

    /// The same before any multiplier: -1, 0 and +1 where there is one.
    ///
    /// # Panics
    /// As [`unpack_range`](Weights::unpack_range).
    pub fn unpack_signs(&self, start: usize, out: &mut [i8]) {
        assert!(start + out.len() <= self.count, "range of weights");
        let (kind, packed) = (self.kind, self.as_packed());
        if kind == WeightKind::Binary && start.is_multiple_of(8) {
            for (eight, byte) in out.chunks_mut(8).zip(&packed[start / 8..]) {
                for (bit, weight) in eight.iter_mut().enumerate() {
                    *weight = 1 - 2 * ((byte >> bit) & 1) as i8;
                }
            }
            return;
        }
        let bits = usize::from(kind.bits());
        for (i, weight) in out.iter_mut().enumerate() {
            *weight = self.sign(bit_field(packed, (start + i) * bits, bits), bits);
        }
    }

    /// All integers, one a byte.
    ///
    /// # Panics
    /// If the weights are floats.
    pub fn unpack(&self) -> Vec<i8> {
        assert!(self.kind != WeightKind::F32, "float weights are not packed");
        let mut out = vec![0; self.count];
        self.unpack_range(0, &mut out);
        out
    }

    /// All integers before any multiplier, one a byte.
    pub(crate) fn signs(&self) -> Vec<i8> {
        let mut out = vec![0; self.count];
        self.unpack_signs(0, &mut out);
        out
    }

    /// Takes the floats of a description that was read from a file.
    pub(crate) fn attach_floats(&mut self, floats: Values<f32>) {
        self.data = Data::Floats(floats);
    }

    /// The same for packed integers.
    pub(crate) fn attach_packed(&mut self, packed: Values<u8>) {
        self.data = Data::Packed(packed);
    }

    /// The same for those of other weights.
    pub(crate) fn attach_packed_of(&mut self, other: Weights) {
        self.data = other.data;
    }

    /// Whether the data is what the description says, down to the single weight.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.kind.is_valid() {
            return Err(Error::layer("weights", "1 to 8 bits", self.kind));
        }
        let (found, expected) = match self.kind {
            WeightKind::F32 => (self.as_floats().len(), self.count),
            kind => (self.as_packed().len(), kind.bytes(self.count)),
        };
        if found != expected {
            return Err(Error::layer("weight data", expected, found));
        }
        if self.kind == WeightKind::Ternary && has_minus_two(self.as_packed(), self.count) {
            return Err(Error::layer("weights", "-1, 0 or +1", -2));
        }
        match &self.multipliers {
            Some(multipliers) => multipliers.check(self.kind, self.count),
            None => Ok(()),
        }
    }

    fn sign(&self, field: u8, bits: usize) -> i8 {
        match self.kind {
            WeightKind::Binary => 1 - 2 * field as i8,
            _ => (field << (8 - bits)) as i8 >> (8 - bits),
        }
    }
}

fn pack(kind: WeightKind, weights: &[i8]) -> Vec<u8> {
    let bits = usize::from(kind.bits());
    let mut packed = vec![0u8; kind.bytes(weights.len())];
    for (i, weight) in weights.iter().enumerate() {
        let field = match kind {
            WeightKind::Binary => u8::from(*weight < 0),
            _ => *weight as u8 & (0xff >> (8 - bits)),
        };
        let wide = u16::from(field) << (i * bits % 8);
        packed[i * bits / 8] |= wide as u8;
        if wide > 0xff {
            packed[i * bits / 8 + 1] |= (wide >> 8) as u8;
        }
    }
    packed
}

fn bit_field(packed: &[u8], first: usize, bits: usize) -> u8 {
    let low = u16::from(packed[first / 8]);
    let high = u16::from(packed.get(first / 8 + 1).copied().unwrap_or(0));
    ((low | high << 8) >> (first % 8)) as u8 & (0xff >> (8 - bits))
}

/// Whether one of the two-bit fields is the unused pattern `10`.
fn has_minus_two(packed: &[u8], count: usize) -> bool {
    packed
        .iter()
        .any(|byte| byte & !(byte << 1) & 0b1010_1010 != 0)
        && (0..count).any(|i| bit_field(packed, 2 * i, 2) == 0b10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds_hold_the_integers() {
        let int = |bits| WeightKind::Int { bits };
        let kind = WeightKind::smallest;
        assert_eq!(kind(&[1, -1]), WeightKind::Binary);
        assert_eq!(kind(&[1, 1]), WeightKind::Binary);
        assert_eq!(kind(&[1, 0]), WeightKind::Ternary);
        assert_eq!(kind(&[-2, 1]), int(2));
        assert_eq!(kind(&[2, 1]), int(3));
        assert_eq!(kind(&[3, -2]), int(3));
        assert_eq!(kind(&[-8, 7]), int(4));
        assert_eq!(kind(&[-128, 64]), int(8));
        assert_eq!(kind(&[-128, 127]), int(8));
    }

    #[test]
    fn bits_hold_the_integers() {
        let bits = |integers: &[i8]| WeightKind::int(integers).bits();
        assert_eq!(bits(&[0, 0]), 2);
        assert_eq!(bits(&[1, -2]), 2);
        assert_eq!(bits(&[2, -1]), 3);
        assert_eq!(bits(&[-128, 3]), 8);
        assert_eq!(bits(&[-127, 64]), 8);
        assert_eq!(bits(&[7, -8]), 4);
    }

    #[test]
    fn a_binary_bit_of_one_means_minus_one() {
        let weights = Weights::integers(WeightKind::Binary, &[1, -1, -1, 1, 1, 1, 1, 1, -1]);
        let weights = weights.unwrap();
        assert_eq!(weights.as_packed(), [0b0000_0110, 1]);
        assert_eq!(weights.unpack(), [1, -1, -1, 1, 1, 1, 1, 1, -1]);
    }

    #[test]
    fn values_outside_the_kind_are_refused() {
        assert!(Weights::integers(WeightKind::Binary, &[1, 0]).is_err());
        assert!(Weights::integers(WeightKind::Ternary, &[-2]).is_err());
        assert!(Weights::integers(WeightKind::Int { bits: 4 }, &[8]).is_err());
        assert!(Weights::integers(WeightKind::Int { bits: 9 }, &[8]).is_err());
    }

    #[test]
    fn the_unused_ternary_pattern_is_refused() {
        let mut weights = Weights::integers(WeightKind::Ternary, &[-1, 0, 1, -1]).unwrap();
        assert!(weights.check().is_ok());
        weights.attach_packed(vec![0b1000_0000].into());
        assert!(weights.check().is_err());
    }

    proptest! {
        #[test]
        fn packing_is_reversible(bits in 2u8..=8, seed in prop::collection::vec(any::<i8>(), 0..70)) {
            let weights: Vec<i8> = seed.iter().map(|w| w >> (8 - bits)).collect();
            let packed = Weights::integers(WeightKind::Int { bits }, &weights).unwrap();
            prop_assert_eq!(packed.unpack(), weights);
        }
    }
}
