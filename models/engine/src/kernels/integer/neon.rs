//! Inner loops for NEON: `smlal` by a lane, four pixels times sixteen channels.

#![allow(unsafe_code)]

use super::arch::{Arch, Bytes, Codes, LANES, Sums, Tile};
use super::finish::{PixelFinish, Row};
use super::levels::{Bend, Floats, Levels, ROUND};
use super::portable;
use crate::isa::Neon;
use std::arch::aarch64::*;

/// Pixels of a tile: sixteen registers of sums, four of elements, two of weights.
const PIXELS: usize = 4;

impl Arch for Neon {
    const NAME: &'static str = "neon-integer";
    const PIXELS: usize = PIXELS;
    const STEP: usize = 4;
    const GROUP: usize = 1;
    type Element = i16;
    type Weight = i16;

    fn dense(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, LANES);
        // SAFETY: the token proves NEON; the check proves that all windows and weights are there.
        unsafe { dense(tile, sums) }
    }

    fn by_channel(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, 1);
        // SAFETY: the token proves NEON; the check proves that all windows and weights are there.
        unsafe { by_channel(tile, sums) }
    }

    fn finish(self, finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        finish.apply(panel, sums, row);
    }

    fn requantize(
        self,
        levels: &Levels,
        panel: usize,
        sums: &Sums,
        count: usize,
        bytes: &mut Bytes,
    ) {
        for (bytes, sums) in bytes.iter_mut().zip(sums).take(count) {
            match &levels.lanes[panel].floats {
                // SAFETY: the token proves NEON.
                Some(floats) => unsafe { requantize(levels, floats, sums, bytes) },
                None => *bytes = levels.bytes(panel, sums),
            }
        }
    }

    fn fill(self, codes: Codes<'_>, zero: i32, out: &mut [i16]) {
        portable::widen(codes, zero, out);
    }
}

/// # Safety
/// [`Tile::check`] must hold for four pixels, and every run be a multiple of four.
#[target_feature(enable = "neon")]
unsafe fn dense(tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
    let mut acc = [[vdupq_n_s32(0); 4]; PIXELS];
    let mut weights = tile.weights.as_ptr();
    for run in tile.window.runs() {
        let window = tile.slab.as_ptr().wrapping_add(run.start);
        for k in (0..run.len).step_by(4) {
            let mut values = [vdup_n_s16(0); PIXELS];
            for p in 0..PIXELS {
                // SAFETY: four elements of the pixel's run, by the contract.
                values[p] = unsafe { vld1_s16(window.wrapping_add(tile.bases[p] + k)) };
            }
            // SAFETY: sixteen weights for each of four elements, by the contract.
            unsafe {
                element::<0>(&mut acc, &values, weights);
                element::<1>(&mut acc, &values, weights.add(LANES));
                element::<2>(&mut acc, &values, weights.add(2 * LANES));
                element::<3>(&mut acc, &values, weights.add(3 * LANES));
            }
            weights = weights.wrapping_add(4 * LANES);
        }
    }
    for (sums, acc) in sums.iter_mut().zip(acc) {
        for (i, quarter) in acc.into_iter().enumerate() {
            // SAFETY: a pixel has sixteen sums.
            unsafe { vst1q_s32(sums.as_mut_ptr().add(4 * i), quarter) };
        }
    }
}

/// Adds one element of each pixel times its sixteen weights.
///
/// # Safety
/// Sixteen weights must be there.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn element<const LANE: i32>(
    acc: &mut [[int32x4_t; 4]; PIXELS],
    values: &[int16x4_t; PIXELS],
    weights: *const i16,
) {
    // SAFETY: by the contract.
    let (low, high) = unsafe { (vld1q_s16(weights), vld1q_s16(weights.add(8))) };
    for p in 0..PIXELS {
        acc[p][0] = vmlal_lane_s16::<LANE>(acc[p][0], vget_low_s16(low), values[p]);
        acc[p][1] = vmlal_high_lane_s16::<LANE>(acc[p][1], low, values[p]);
        acc[p][2] = vmlal_lane_s16::<LANE>(acc[p][2], vget_low_s16(high), values[p]);
        acc[p][3] = vmlal_high_lane_s16::<LANE>(acc[p][3], high, values[p]);
    }
}

/// # Safety
/// [`Tile::check`] must hold for four pixels.
#[target_feature(enable = "neon")]
unsafe fn by_channel(tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
    for p in 0..PIXELS {
        let mut acc = [vdupq_n_s32(0); 4];
        let window = tile.slab.as_ptr().wrapping_add(tile.bases[p]);
        let mut all_weights = tile.weights.chunks_exact(LANES);
        for run in tile.window.runs() {
            let Some(weights) = all_weights.next() else {
                break;
            };
            for half in 0..2 {
                // SAFETY: sixteen elements of the run, by the contract, and sixteen weights.
                let (x, w) = unsafe {
                    (
                        vld1q_s16(window.add(run.start + 8 * half)),
                        vld1q_s16(weights.as_ptr().add(8 * half)),
                    )
                };
                let low = vmlal_s16(acc[2 * half], vget_low_s16(x), vget_low_s16(w));
                acc[2 * half] = low;
                acc[2 * half + 1] = vmlal_high_s16(acc[2 * half + 1], x, w);
            }
        }
        for i in 0..4 {
            // SAFETY: a pixel has sixteen sums.
            unsafe { vst1q_s32(sums[p].as_mut_ptr().add(4 * i), acc[i]) };
        }
    }
}

/// The codes of a pixel.
#[target_feature(enable = "neon")]
fn requantize(levels: &Levels, floats: &Floats, sums: &[i32; LANES], bytes: &mut [u8; LANES]) {
    let round = vdupq_n_s32(ROUND.to_bits() as i32);
    let mut indices = [round; 4];
    for i in 0..4 {
        // SAFETY: there are sixteen of each.
        let (sums, bias, least, most, factor, addend) = unsafe {
            (
                vld1q_s32(sums.as_ptr().add(4 * i)),
                vld1q_s32(floats.bias.as_ptr().add(4 * i)),
                vld1q_s32(floats.least.as_ptr().add(4 * i)),
                vld1q_s32(floats.most.as_ptr().add(4 * i)),
                vld1q_f32(floats.factor.as_ptr().add(4 * i)),
                vld1q_f32(floats.addend.as_ptr().add(4 * i)),
            )
        };
        let cut = vminq_s32(vmaxq_s32(vaddq_s32(sums, bias), least), most);
        let rounded = vfmaq_f32(addend, vcvtq_f32_s32(cut), factor);
        indices[i] = vsubq_s32(vreinterpretq_s32_f32(rounded), round);
    }
    let mut low = vqmovn_high_s32(vqmovn_s32(indices[0]), indices[1]);
    let mut high = vqmovn_high_s32(vqmovn_s32(indices[2]), indices[3]);
    if let Some(bend) = levels.bend {
        (low, high) = (bent(low, bend), bent(high, bend));
    }
    let codes = vqmovun_high_s16(vqmovun_s16(low), high);
    let mut codes = vminq_u8(codes, vdupq_n_u8(levels.span));
    if levels.changes.is_some() {
        codes = lookup(&levels.table, codes);
    }
    // SAFETY: a pixel has sixteen codes.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), codes) };
}

/// [`Bend::apply`]; what is cut at the ends of 16 bits is cut again at those of a byte.
#[inline]
#[target_feature(enable = "neon")]
fn bent(indices: int16x8_t, bend: Bend) -> int16x8_t {
    let distance = vqsubq_s16(indices, vdupq_n_s16(bend.from));
    let shifted = vshlq_s16(distance, vdupq_n_s16(-i16::from(bend.shift)));
    vqaddq_s16(vmaxq_s16(distance, shifted), vdupq_n_s16(bend.to))
}

/// The table's entry for each byte: `tbx` looks up 64 entries and leaves bytes beyond as they were.
#[inline]
#[target_feature(enable = "neon")]
fn lookup(table: &[u8; 256], bytes: uint8x16_t) -> uint8x16_t {
    let mut found = bytes;
    for i in 0..4 {
        let quarter = &table[64 * i..][..64];
        // SAFETY: a quarter has 64 entries.
        let quarter = unsafe { vld1q_u8_x4(quarter.as_ptr()) };
        let rest = vsubq_u8(bytes, vdupq_n_u8(64 * i as u8));
        found = vqtbx4q_u8(found, quarter, rest);
    }
    found
}
