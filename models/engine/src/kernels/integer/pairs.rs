//! Products of bytes added in 16 bits: how many fit, and which weights are split so that they do.
//!
//! Of each channel, two elements with their weights give one number of 16 bits, and [`depth`](Split::depth) of
//! these are added before they are widened. Elements are not negative, so that products of unlike signs take from
//! each other: a pair's size is the sum of its positive or of its negative weights, whichever is more, and the
//! largest element times the sizes must stay below 2^15. Weights of 8 bits are past that where two large ones of
//! one sign meet. There the weights of these four elements are halved for eight channels, and what is missing is
//! added by going through the four once more.

use super::arch::LANES;

/// Elements whose weights stand together.
pub(super) const FOUR: usize = 4;

/// Weights of four elements for half of a panel's channels: of each channel in turn all four.
pub(super) type Half = [i8; FOUR * LANES / 2];

/// Fours whose products are added in 16 bits where weights or elements are small.
pub(super) const DEEP: usize = 4;

/// What a half's four elements of six pixels cost, in instructions: the first time, again, and the first time where
/// many are added in 16 bits. In products of 16 bits they take 32, of which a few are allowed for what is not counted.
const COST: usize = 22;
const AGAIN_COST: usize = 25;
const DEEP_COST: usize = 19;
const WORDS_COST: usize = 28;

/// Fours of elements under a window that are gone through again, for each half of the channels.
#[derive(Debug, Default)]
pub(in crate::kernels) struct Again {
    /// Where they start, from the window's start.
    starts: [Vec<usize>; 2],
    reach: usize,
}

impl Again {
    /// No elements at all.
    pub(in crate::kernels) const NONE: Again = Again {
        starts: [Vec::new(), Vec::new()],
        reach: 0,
    };

    pub(super) fn new(starts: [Vec<usize>; 2]) -> Again {
        let ends = starts.iter().flatten().map(|start| start + FOUR);
        Again {
            reach: ends.max().unwrap_or(0),
            starts,
        }
    }

    pub(super) fn starts(&self) -> &[Vec<usize>; 2] {
        &self.starts
    }

    /// Elements from the window's start to the end of the last.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// The second weights.
    pub(super) fn weights(&self) -> usize {
        self.starts.iter().map(Vec::len).sum::<usize>() * size_of::<Half>()
    }
}

/// How a layer's weights are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Fours whose products are added in 16 bits: 1 or [`DEEP`].
    pub(super) depth: usize,
    /// The largest size of a pair.
    limit: i32,
    cost: usize,
}

impl Split {
    /// The way for all weights of a layer on elements of 0 to `largest`, a byte.
    pub(super) fn new(weights: &[Half], largest: u8) -> Split {
        let limit = |depth: usize| i32::from(i16::MAX) / (i32::from(largest.max(1)) * depth as i32);
        let sizes = || weights.iter().map(size);
        if sizes().all(|size| size <= limit(DEEP)) {
            return Split {
                depth: DEEP,
                limit: limit(DEEP),
                cost: DEEP_COST * weights.len(),
            };
        }
        let again = sizes().filter(|size| *size > limit(1)).count();
        Split {
            depth: 1,
            limit: limit(1),
            cost: COST * weights.len() + AGAIN_COST * again,
        }
    }

    /// Whether it costs less than products of 16 bits, with so many elements for sixteen channels.
    pub(super) fn pays(self, elements: usize) -> bool {
        self.cost < WORDS_COST * 2 * elements / FOUR
    }

    /// Takes away from weights what does not fit, and returns it: second weights, for those that have any.
    pub(super) fn split(self, weights: &mut Half) -> Option<Half> {
        if size(weights) <= self.limit {
            return None;
        }
        let all = *weights;
        *weights = all.map(|weight| weight / 2);
        Some(std::array::from_fn(|i| all[i] - weights[i]))
    }
}

/// The size of the largest pair.
fn size(weights: &Half) -> i32 {
    let of_pair = |pair: &[i8; 2]| {
        let [a, b] = pair.map(i16::from);
        (a.max(0) + b.max(0)).max(-(a.min(0) + b.min(0)))
    };
    let largest = weights.as_chunks().0.iter().map(of_pair).max();
    i32::from(largest.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[[i8; 2]]) -> Half {
        let mut half = [0; FOUR * LANES / 2];
        half.as_chunks_mut().0[..pairs.len()].copy_from_slice(pairs);
        half
    }

    #[test]
    fn a_pair_is_as_large_as_its_weights_of_one_sign() {
        assert_eq!(size(&of(&[[100, -128], [60, 30], [-70, -59]])), 129);
        assert_eq!(size(&of(&[[-128, -128]])), 256);
        assert_eq!(size(&of(&[[127, -127]])), 127);
    }

    #[test]
    fn bytes_fit_once_large_pairs_are_halved() {
        let split = Split::new(&[of(&[[3, 4]]), of(&[[-128, -128], [127, 127]])], 255);
        assert_eq!((split.depth, split.cost), (1, 2 * 22 + 25));
        assert_eq!(split.split(&mut of(&[[64, 64]])), None);
        let mut weights = of(&[[-128, -128], [127, 127], [1, -1]]);
        let rest = split.split(&mut weights).expect("too large for 16 bits");
        assert_eq!(weights[..6], [-64, -64, 63, 63, 0, 0]);
        assert_eq!(rest[..6], [-64, -64, 64, 64, 1, -1]);
        assert!(
            [weights, rest]
                .iter()
                .all(|half| size(half) * 255 < 1 << 15)
        );
    }

    #[test]
    fn small_weights_or_elements_are_added_deeper() {
        let small = Split::new(&[of(&[[-8, -8]]); 3], 255);
        assert_eq!((small.depth, small.cost), (DEEP, 3 * 19));
        assert_eq!(Split::new(&[of(&[[127, 127]])], 15).depth, DEEP);
        assert_eq!(Split::new(&[of(&[[-17, -16]])], 255).depth, 1);
    }

    #[test]
    fn it_does_not_pay_where_most_weights_are_large() {
        let large = of(&[[127, 127]]);
        assert!(!Split::new(&[large; 4], 255).pays(2 * FOUR));
        let mut few = [of(&[]); 8];
        few[0] = large;
        assert!(Split::new(&few, 255).pays(4 * FOUR));
    }
}
