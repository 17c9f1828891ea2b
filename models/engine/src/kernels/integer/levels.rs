//! [`Requantize`] laid out for vectors: the same codes by fewer steps.
//!
//! With `low` and `high` the smallest and largest code, less the zero point, the rule is
//!
//! ```text
//! index = clamp(floor((sum + bias) * multiplier / 2^shift + 1/2) - low, 0, high - low)
//!       = clamp((sum * multiplier + offset) >> shift, 0, high - low)
//! offset = bias * multiplier + 2^shift / 2 - low * 2^shift
//! ```
//!
//! and the result is `table[index]`. An index never falls when the sum rises, so a sum may first be
//! cut to where the index still moves. What is shifted then is so small that 32 bits of the result
//! tell it whole, and (`shift <= 32`) the same 32 bits come of a shift that is not arithmetic, which
//! is the only one that AVX2 has for 64 bits; for larger shifts the cut makes it positive.
//!
//! Where negative codes have larger steps, indices reach from a lower `low`, that of the last code's last sum,
//! and are [bent](Bend) before they are cut.
//!
//! With a fused multiply-add, half of the steps do. A float holds a cut sum of 24 bits with its bias
//! exactly, and `multiplier / 2^shift` too; added to a float so large that its last bit is worth
//! 1, their product is rounded once, to the nearest integer. That is the rule but for halves, which
//! go to the even one; so a panel is done so only if none of its cut sums comes to a half, which
//! takes a multiplier that is a multiple of 32 or so.

use super::arch::LANES;
use super::pack::Panel;
use tincy_network::{Requantize, Table};

/// The largest shift whose 32 bits of result lie within 64.
const WIDE_SHIFT: u8 = 32;

/// The size of a sum below which floats hold every integer.
const FLOATS: i64 = 1 << 24;

/// [`Requantize`] by panel.
#[derive(Debug)]
pub(in crate::kernels) struct Levels {
    pub(super) lanes: Vec<Factors>,
    /// The largest index.
    pub(super) span: u8,
    /// The byte of each index: the table's, or the code itself.
    pub(super) table: [u8; 256],
    /// The halves of the table by what changes from sixteen entries to the next; `None` if an index
    /// is its own byte.
    pub(super) changes: Option<[Vec<Change>; 2]>,
    /// What becomes of indices below that of zero, if anything.
    pub(super) bend: Option<Bend>,
    /// The tables of each panel's channels, where they have tables of their own: then `table` changes nothing.
    by_channel: Vec<[[u8; 256]; LANES]>,
}

/// Indices below zero's brought nearer: `d = index - from`, `max(d, d >> shift) + to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bend {
    /// Zero's index; at most 4080.
    pub(super) from: i16,
    /// Zero's code, less the smallest.
    pub(super) to: i16,
    /// 1 to 4.
    pub(super) shift: u8,
}

impl Bend {
    fn new(rule: &Requantize) -> Option<Bend> {
        let to = (rule.code.zero - rule.code.min()) as i16;
        let shift = rule.negative_shift;
        (shift > 0).then_some(Bend {
            from: to << shift,
            to,
            shift,
        })
    }

    /// One index.
    pub(super) fn apply(self, index: i64) -> i64 {
        let distance = index - i64::from(self.from);
        distance.max(distance >> self.shift) + i64::from(self.to)
    }
}

/// Sixteen entries of a half of the table, as what differs from the sixteen before (of the first,
/// from 0), twice over. Those in which nothing differs are left out.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Change {
    pub(super) entries: [u8; 32],
    /// How far these lie above those of the change before.
    pub(super) above: [u8; 32],
}

impl Change {
    fn all(half: &[u8]) -> Vec<Change> {
        let (mut before, mut at, mut changes) = ([0; 16], 0, Vec::new());
        for (i, entries) in half.as_chunks::<16>().0.iter().enumerate() {
            let change = std::array::from_fn(|i| entries[i % 16] ^ before[i % 16]);
            if change != [0; 32] {
                changes.push(Change {
                    entries: change,
                    above: [16 * (i - at) as u8; 32],
                });
                at = i;
            }
            before = *entries;
        }
        changes
    }
}

/// Sixteen channels' numbers. Those of 64 bits stand apart by even and odd channels.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Factors {
    /// Sums below and above give the same as these.
    pub(super) least: [i32; LANES],
    pub(super) most: [i32; LANES],
    pub(super) multiplier: [i32; LANES],
    pub(super) offset: [[i64; LANES / 2]; 2],
    pub(super) shift: [[i64; LANES / 2]; 2],
    /// The way with floats, if it is exact for all channels.
    pub(super) floats: Option<Floats>,
}

/// Sixteen channels' numbers for a fused multiply-add.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Floats {
    /// Added to the sums first.
    pub(super) bias: [i32; LANES],
    /// What sums with their bias are cut to.
    pub(super) least: [i32; LANES],
    pub(super) most: [i32; LANES],
    /// `multiplier / 2^shift`.
    pub(super) factor: [f32; LANES],
    /// [`ROUND`] less the smallest code.
    pub(super) addend: [f32; LANES],
}

/// 1.5 * 2^23: a sum of it and a small float is rounded to an integer, ties to even.
pub(super) const ROUND: f32 = 12_582_912.0;

/// One channel's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factor {
    least: i32,
    most: i32,
    multiplier: i32,
    offset: i64,
    shift: u8,
    bias: i32,
    /// The smallest code, less the zero point.
    low: i64,
}

impl Factor {
    /// The factor of a channel whose index is the same for every sum.
    fn constant(index: i64) -> Factor {
        Factor {
            least: 0,
            most: 0,
            multiplier: 0,
            offset: index,
            shift: 0,
            bias: 0,
            low: -index,
        }
    }

    /// The cut with the bias in it, where floats give the same as integers: all sums with their
    /// bias are held exactly, and none of them times the factor is a half.
    fn float_cut(&self) -> Option<[i32; 2]> {
        let bias = i64::from(self.bias);
        let [least, most] = [self.least, self.most].map(|sum| i64::from(sum) + bias);
        let size = least.abs().max(most.abs());
        let zeros = self.multiplier.trailing_zeros().min(self.shift.into());
        // A half is an odd number of 2^(halves - 1) times the odd rest of the multiplier.
        let halves = u32::from(self.shift) - zeros;
        let meets_half = halves > 0 && size >= 1 << (halves - 1);
        (size < FLOATS && !meets_half).then_some([least as i32, most as i32])
    }

    /// `multiplier / 2^shift`, exactly.
    fn float(&self) -> f32 {
        self.multiplier as f32 / (1u64 << self.shift) as f32
    }

    fn new(rule: &Requantize, channel: usize) -> Factor {
        let code = rule.code;
        let low = i64::from(code.min() - code.zero) << rule.negative_shift;
        let span = i64::from(code.max() - code.zero) - low;
        let (bias, multiplier) = (
            i64::from(rule.bias[channel]),
            i64::from(rule.multiplier[channel]),
        );
        let shift = rule.shift[channel];
        let half = (1i64 << shift) >> 1;
        let offset = bias * multiplier + half - (low << shift);
        if multiplier == 0 {
            return Factor::constant((offset >> shift).clamp(0, span));
        }
        // The smallest sum with an index of at least `n`.
        let reaches = |n: i64| -(offset - (n << shift)).div_euclid(multiplier);
        let least = match shift > WIDE_SHIFT {
            true => reaches(0),
            false => reaches(1) - 1,
        };
        let most = reaches(span);
        if most < i64::from(i32::MIN) {
            return Factor::constant(span);
        }
        if least > i64::from(i32::MAX) {
            return Factor::constant(0);
        }
        let cut = |sum: i64| sum.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        Factor {
            least: cut(least),
            most: cut(most),
            multiplier: multiplier as i32,
            offset,
            shift,
            bias: rule.bias[channel],
            low,
        }
    }
}

impl Floats {
    /// `None` if integers must do.
    fn new(factors: &[Factor]) -> Option<Floats> {
        let mut all = Floats {
            bias: [0; LANES],
            least: [0; LANES],
            most: [0; LANES],
            factor: [0.0; LANES],
            addend: [ROUND; LANES],
        };
        for (lane, factor) in factors.iter().enumerate() {
            [all.least[lane], all.most[lane]] = factor.float_cut()?;
            all.bias[lane] = factor.bias;
            all.factor[lane] = factor.float();
            all.addend[lane] = ROUND - factor.low as f32;
        }
        Some(all)
    }
}

impl Factors {
    fn new(rule: &Requantize, panel: &Panel) -> Factors {
        let outputs = panel.outputs.clone();
        let factors: Vec<_> = outputs.map(|o| Factor::new(rule, o)).collect();
        let mut all = Factors {
            least: [0; LANES],
            most: [0; LANES],
            multiplier: [0; LANES],
            offset: [[0; LANES / 2]; 2],
            shift: [[0; LANES / 2]; 2],
            floats: Floats::new(&factors),
        };
        for (lane, factor) in factors.iter().enumerate() {
            all.least[lane] = factor.least;
            all.most[lane] = factor.most;
            all.multiplier[lane] = factor.multiplier;
            all.offset[lane % 2][lane / 2] = factor.offset;
            all.shift[lane % 2][lane / 2] = factor.shift.into();
        }
        all
    }
}

impl Levels {
    pub(super) fn new(rule: &Requantize, panels: &[Panel]) -> Levels {
        let code = rule.code;
        let entries = code.count();
        let by_channel = rule.table.as_ref().filter(|t| t.is_by_channel(entries));
        let mut table = [0; 256];
        for (i, byte) in table.iter_mut().enumerate() {
            *byte = match &rule.table {
                Some(_) if by_channel.is_some() => i as u8,
                Some(table) => table.codes.get(i).copied().unwrap_or(0),
                None => (code.min() + i as i32) as u8,
            };
        }
        Levels {
            bend: Bend::new(rule),
            by_channel: by_channel.map_or_else(Vec::new, |table| {
                let tables = panels.iter().map(|panel| of_panel(table, entries, panel));
                tables.collect()
            }),
            lanes: panels.iter().map(|p| Factors::new(rule, p)).collect(),
            span: (code.max() - code.min()) as u8,
            changes: (0..=255).ne(table).then(|| {
                let (low, high) = table.split_at(128);
                [Change::all(low), Change::all(high)]
            }),
            table,
        }
    }

    /// What each channel's own table makes of a tile's bytes, where there are such tables.
    #[inline(always)]
    pub(super) fn look_up_by_channel(&self, panel: usize, bytes: &mut [[u8; LANES]]) {
        let Some(tables) = self.by_channel.get(panel) else {
            return;
        };
        for pixel in bytes {
            for (byte, table) in pixel.iter_mut().zip(tables) {
                *byte = table[usize::from(*byte)];
            }
        }
    }

    /// The bytes of a panel's sums at one pixel.
    #[inline(always)]
    pub(super) fn bytes(&self, panel: usize, sums: &[i32; LANES]) -> [u8; LANES] {
        let factors = &self.lanes[panel];
        std::array::from_fn(|lane| {
            let sum = sums[lane].max(factors.least[lane]).min(factors.most[lane]);
            let product = i64::from(sum) * i64::from(factors.multiplier[lane]);
            let (parity, pair) = (lane % 2, lane / 2);
            let index = (product + factors.offset[parity][pair]) >> factors.shift[parity][pair];
            let index = self.bend.map_or(index, |bend| bend.apply(index));
            self.table[index.clamp(0, self.span.into()) as usize]
        })
    }
}

/// The tables of a panel's channels, of `entries` each.
fn of_panel(table: &Table, entries: usize, panel: &Panel) -> [[u8; 256]; LANES] {
    let mut tables = [[0; 256]; LANES];
    for (own, o) in tables.iter_mut().zip(panel.outputs.clone()) {
        own[..entries].copy_from_slice(&table.codes[table.start(o, entries)..][..entries]);
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tester::Random;
    use tincy_network::requantize::{MAX_MULTIPLIER, MAX_SHIFT};
    use tincy_network::{Code, Number};

    fn rule(code: Code, bias: i32, multiplier: i32, shift: u8) -> Requantize {
        Requantize {
            negative_shift: 0,
            bias: vec![bias].into(),
            multiplier: vec![multiplier].into(),
            shift: vec![shift].into(),
            code,
            table: None,
        }
    }

    /// The low 32 bits of a shift that fills with zeros, as vectors do it.
    fn index(factor: &Factor, sum: i32, bend: Option<Bend>, span: i32) -> i32 {
        let cut = i64::from(sum.max(factor.least).min(factor.most));
        let moved = (cut * i64::from(factor.multiplier) + factor.offset) as u64 >> factor.shift;
        bent(moved as u32 as i32, bend).clamp(0, span)
    }

    fn bent(index: i32, bend: Option<Bend>) -> i32 {
        bend.map_or(index, |bend| bend.apply(index.into()) as i32)
    }

    /// The index by a fused multiply-add, where that may be used.
    fn float_index(factor: &Factor, sum: i32, bend: Option<Bend>, span: i32) -> Option<i32> {
        let [least, most] = factor.float_cut()?;
        let cut = sum.wrapping_add(factor.bias).max(least).min(most) as f32;
        let rounded = cut.mul_add(factor.float(), ROUND - factor.low as f32);
        let index = (rounded.to_bits() as i32) - ROUND.to_bits() as i32;
        Some(bent(index, bend).clamp(0, span))
    }

    #[test]
    fn every_factor_gives_the_codes_of_the_rule() {
        let mut random = Random::new(7);
        let codes = crate::kernels::tester::all_codes();
        let mut by_floats = 0;
        for _ in 0..40_000 {
            let Number::Code(code) = random.pick(&codes) else {
                continue;
            };
            let wide = 1 << random.between(1, 30);
            let bias = random.between(-wide, wide) as i32;
            let multiplier = match random.next() % 4 {
                0 => random.between(0, 3) as i32,
                1 => MAX_MULTIPLIER - random.between(0, 3) as i32,
                _ => random.between(0, MAX_MULTIPLIER.into()) as i32,
            };
            let shift = random.between(0, MAX_SHIFT.into()) as u8;
            let mut rule = rule(code, bias, multiplier, shift);
            rule.negative_shift = (random.next() % 5) as u8;
            let bend = Bend::new(&rule);
            let factor = Factor::new(&rule, 0);
            let near = [factor.least, factor.most]
                .map(|at| at.saturating_add(random.between(-2, 2) as i32));
            let any = random.between(-wide, wide) as i32;
            for sum in near.into_iter().chain([any, -(1 << 30), (1 << 30) - 1]) {
                // Sums with their bias fit 32 bits, by the plan.
                if sum.checked_add(bias).is_none() {
                    continue;
                }
                let expected = rule.code(sum, 0) - code.min();
                let span = code.max() - code.min();
                assert_eq!(
                    index(&factor, sum, bend, span),
                    expected,
                    "{sum} by {rule:?}"
                );
                if let Some(found) = float_index(&factor, sum, bend, span) {
                    assert_eq!(found, expected, "{sum} by {rule:?} in floats");
                    by_floats += 1;
                }
            }
        }
        assert!(by_floats > 10_000, "{by_floats} by floats");
    }
}
