//! How a family lays out the parameters of a convolution in files.
//!
//! Common to all: a file a set and PE, named `SET-PE-weights.bin` and `SET-PE-thres.bin`. It holds
//! one row after the other; row `r` of PE `p` is output channel `r * PE + p`. A row of weights is
//! 64-bit little-endian words, one a kernel position and block of `simd` input channels: word
//! `position * blocks + block`, bit `i` for channel `block * simd + i`, unused bits 0.

/// What differs from family to family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Processing elements: files a set.
    pub(super) pe: usize,
    /// Input channels a word, at most 64.
    pub(super) simd: usize,
    /// The weight that bit 1 stands for; bit 0 is its opposite.
    pub(super) one: i8,
    /// Whether the first kernel index goes along x: such a network looks at the transposed picture.
    pub(super) transposed: bool,
    /// How thresholds are written and compared.
    pub(super) thresholds: ThresholdLayout,
}

/// How the thresholds of a channel are written, and when an accumulator reaches one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThresholdLayout {
    /// `steps` 16-bit signed numbers and a flag, four of them a 64-bit little-endian word, the high
    /// word first. Reached by `acc >= t`. The flag's lowest bit asks for the complement of the
    /// code. The numbers may stand in any order.
    Flagged16,
    /// 64-bit signed numbers with this many fractional bits, reached by `acc > t`.
    Strict64 {
        /// Fractional bits beyond those of the accumulator.
        fraction: u32,
    },
}

impl ThresholdLayout {
    /// Bytes of the thresholds of one channel with `steps` of them.
    pub(super) fn row_bytes(self, steps: usize) -> usize {
        match self {
            ThresholdLayout::Flagged16 => (steps + 1).div_ceil(4) * 8,
            ThresholdLayout::Strict64 { .. } => steps * 8,
        }
    }

    /// The thresholds of one channel as `acc >= t`, and whether the code is complemented.
    pub(super) fn row(self, bytes: &[u8], steps: usize) -> (Vec<i32>, bool) {
        let words = bytes.chunks_exact(8);
        match self {
            ThresholdLayout::Flagged16 => {
                let numbers: Vec<i32> = words
                    .rev()
                    .flat_map(|word| word.chunks_exact(2))
                    .map(|pair| i32::from(i16::from_le_bytes([pair[0], pair[1]])))
                    .collect();
                (numbers[..steps].to_vec(), numbers[steps] & 1 == 1)
            }
            ThresholdLayout::Strict64 { fraction } => {
                let reached = words.map(|word| {
                    let number = word
                        .iter()
                        .rev()
                        .fold(0, |n, byte| n << 8 | i64::from(*byte));
                    let reached = (number >> fraction).saturating_add(1);
                    reached.clamp(i32::MIN.into(), i32::MAX.into()) as i32
                });
                (reached.collect(), false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_of_flagged_thresholds() {
        let bytes = [
            0x43, 0, 0x4a, 0, 0x51, 0, 0, 0, 0x28, 0, 0x2f, 0, 0x36, 0, 0x3c, 0,
        ];
        let (row, complement) = ThresholdLayout::Flagged16.row(&bytes, 7);
        assert_eq!(row, [40, 47, 54, 60, 67, 74, 81]);
        assert!(!complement);
    }

    #[test]
    fn three_thresholds_take_one_word() {
        let bytes = [0xe4, 0x4b, 0xce, 0xe2, 0xb8, 0x79, 3, 0];
        assert_eq!(ThresholdLayout::Flagged16.row_bytes(3), 8);
        let (row, complement) = ThresholdLayout::Flagged16.row(&bytes, 3);
        assert_eq!(row, [19428, -7474, 31160]);
        assert!(complement);
    }

    #[test]
    fn strict_thresholds_become_inclusive() {
        let layout = ThresholdLayout::Strict64 { fraction: 1 };
        let bytes: Vec<u8> = [7i64, -7, i64::MAX]
            .iter()
            .flat_map(|t| t.to_le_bytes())
            .collect();
        // 2 acc > 7 from 4 on, 2 acc > -7 from -3 on.
        assert_eq!(layout.row(&bytes, 3).0, [4, -3, i32::MAX]);
        let whole = ThresholdLayout::Strict64 { fraction: 0 };
        assert_eq!(whole.row(&bytes, 3).0, [8, -6, i32::MAX]);
    }
}
