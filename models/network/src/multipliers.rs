//! One integer for each place in the kernel, which multiplies the weights there.
//!
//! SYQ (Faraone et al., CVPR 2018, section 3) lets the binary or ternary weights of a kernel row or
//! position share a scale. All output channels share it too, so it cannot be folded into what becomes of
//! a channel's sum; as an integer `m[p]` it stays with the sum: `acc = sum over p of m[p] * S[p]`, where
//! `S[p]` is the sum over the channels of position `p`. That takes one multiplication a position, not one a
//! weight. Scales of rows are positions with equal multipliers in a row.

use crate::{Error, WeightKind};
use serde::{Deserialize, Serialize};

/// The largest multiplier: `m * w` is an 8-bit integer, as all weights are.
pub const MAX_MULTIPLIER: u8 = 127;

/// Multipliers of weights in the order `[out][position][channel]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Multipliers {
    /// Weights of one position of one output channel.
    channels: usize,
    /// One a position, row by row.
    values: Vec<u8>,
}

impl Multipliers {
    pub(crate) fn new(channels: usize, values: Vec<u8>) -> Multipliers {
        Multipliers { channels, values }
    }

    pub(crate) fn values(&self) -> &[u8] {
        &self.values
    }

    /// Weights of one output channel.
    pub(crate) fn window(&self) -> usize {
        self.channels.saturating_mul(self.values.len())
    }

    /// Multiplies the weights from number `start` on.
    pub(crate) fn apply(&self, start: usize, weights: &mut [i8]) {
        for (i, weight) in weights.iter_mut().enumerate() {
            let position = (start + i) / self.channels % self.values.len();
            *weight *= self.values[position] as i8;
        }
    }

    /// Whether `count` weights of this kind can have them.
    pub(crate) fn check(&self, kind: WeightKind, count: usize) -> Result<(), Error> {
        if !matches!(kind, WeightKind::Binary | WeightKind::Ternary) {
            let expected = "binary or ternary weights";
            return Err(Error::layer("position multipliers", expected, kind));
        }
        let wrong = |m: &&u8| !(1..=MAX_MULTIPLIER).contains(*m);
        if let Some(wrong) = self.values.iter().find(wrong) {
            let expected = format!("1 to {MAX_MULTIPLIER}");
            return Err(Error::layer("position multiplier", expected, wrong));
        }
        let window = self.window();
        if window == 0 || !count.is_multiple_of(window) {
            let expected = format!("windows of {window}");
            return Err(Error::layer("weights with multipliers", expected, count));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;

    /// Two output channels, three positions, two channels.
    const SIGNS: [i8; 12] = [1, -1, 0, 1, -1, -1, 0, 0, 1, 1, -1, 0];

    fn weights(values: &[u8]) -> Result<Weights, Error> {
        Weights::integers(WeightKind::Ternary, &SIGNS)?.with_multipliers(2, values.to_vec())
    }

    #[test]
    fn weights_of_a_position_are_multiplied() {
        let weights = weights(&[3, 127, 1]).unwrap();
        let expected = [3, -3, 0, 127, -1, -1, 0, 0, 127, 127, -1, 0];
        assert_eq!(weights.unpack(), expected);
        let mut some = [0; 5];
        weights.unpack_range(3, &mut some);
        assert_eq!(some, expected[3..8]);
        weights.unpack_signs(3, &mut some);
        assert_eq!(some, SIGNS[3..8]);
        assert_eq!(weights.multipliers(), [3, 127, 1]);
    }

    #[test]
    fn what_cannot_multiply_is_refused_by_name() {
        let refused = |weights: Result<Weights, Error>, expected: &str| {
            let error = weights.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        refused(
            weights(&[3, 0, 1]),
            "position multiplier: expected 1 to 127, found 0",
        );
        refused(
            weights(&[3, 128, 1]),
            "position multiplier: expected 1 to 127, found 128",
        );
        refused(
            weights(&[1; 5]),
            "weights with multipliers: expected windows of 10, found 12",
        );
        refused(weights(&[]), "windows of 0");
        let small = Weights::integers(WeightKind::Int { bits: 2 }, &SIGNS).unwrap();
        let small = small.with_multipliers(2, vec![1; 3]);
        refused(
            small,
            "position multipliers: expected binary or ternary weights, found int2",
        );
    }
}
