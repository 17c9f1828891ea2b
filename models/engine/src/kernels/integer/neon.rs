//! Inner loops for NEON: `smlal` by a lane, four pixels times sixteen channels.

#![allow(unsafe_code)]

use super::arch::{Arch, Bytes, Codes, LANES, Sums, Tile};
use super::finish::{Finish, Row};
use super::levels::Levels;
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

    fn weight(weight: i8) -> i16 {
        weight.into()
    }

    fn surplus(_: i32, _: bool) -> i32 {
        0
    }

    fn element(number: i32) -> i16 {
        number as i16
    }

    fn dense(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, LANES);
        // SAFETY: the token proves NEON; the check proves that all windows and weights are there.
        unsafe { dense(tile, sums) }
    }

    fn by_channel(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        portable::by_channel::<PIXELS>(tile, sums);
    }

    fn finish(self, finish: &Finish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
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
            *bytes = levels.bytes(panel, sums);
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
