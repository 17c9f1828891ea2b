//! The inner loops for NEON: eight pixels times eight channels in sixteen registers.
#![allow(unsafe_code)]

use super::finish::Rows;
use super::tile::{LANES, Tile, Tiles};
use crate::isa::Neon;
use std::arch::aarch64::*;

/// Holding it proves that the CPU has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Tiles8x8(#[allow(dead_code)] pub(super) Neon);

/// Channels that are summed at once.
const HALF: usize = LANES / 2;

// SAFETY: the functions below read and write through the tile's pointers exactly what the trait
// allows.
unsafe impl Tiles for Tiles8x8 {
    const PIXELS: usize = 8;
    const NAMES: [&'static str; 3] = ["neon-f32-gemm", "neon-f32-pointwise", "neon-f32-depthwise"];

    unsafe fn dense(self, tile: &Tile<'_>) {
        let halves = if tile.wide { 2 } else { 1 };
        for half in 0..halves {
            let first = half * HALF;
            // SAFETY: NEON is aarch64's baseline; the pointers are the caller's promise.
            unsafe {
                match tile.count {
                    8 => dense::<8>(tile, first),
                    7 => dense::<7>(tile, first),
                    6 => dense::<6>(tile, first),
                    5 => dense::<5>(tile, first),
                    4 => dense::<4>(tile, first),
                    3 => dense::<3>(tile, first),
                    2 => dense::<2>(tile, first),
                    _ => dense::<1>(tile, first),
                }
            }
        }
    }

    unsafe fn depthwise(self, tile: &Tile<'_>) {
        let mut p = 0;
        // SAFETY: NEON is aarch64's baseline; the pointers are the caller's promise, and pixels
        // `p` to `p + 4` or just `p` are among the tile's.
        unsafe {
            while p + 4 <= tile.count {
                depthwise::<4>(tile, p);
                p += 4;
            }
            while p < tile.count {
                depthwise::<1>(tile, p);
                p += 1;
            }
        }
    }

    unsafe fn finish(self, rows: &Rows<'_>) {
        // SAFETY: passed on from the caller.
        unsafe { rows.store() }
    }
}

/// `P` pixels, eight channels from `first` on.
///
/// # Safety
/// As [`Tiles::dense`], with `P` the tile's count and `first + HALF <= LANES`.
#[target_feature(enable = "neon")]
unsafe fn dense<const P: usize>(tile: &Tile<'_>, first: usize) {
    // SAFETY: every offset lies within what the trait lets a tile read and write.
    unsafe {
        let result = tile.sums.add(first);
        let mut sums = [[vdupq_n_f32(0.0); 2]; P];
        if !tile.fresh {
            for p in 0..P {
                sums[p][0] = vld1q_f32(result.add(p * LANES));
                sums[p][1] = vld1q_f32(result.add(p * LANES + 4));
            }
        }
        let mut weights = tile.weights.add(first);
        for run in tile.runs {
            let mut pixels = tile.pixels;
            for p in 0..P {
                pixels[p] = pixels[p].add(*run);
            }
            let mut i = 0;
            while i + 4 <= tile.run {
                let mut inputs = [vdupq_n_f32(0.0); P];
                for p in 0..P {
                    inputs[p] = vld1q_f32(pixels[p].add(i));
                }
                add_lane::<P, 0>(&mut sums, inputs, weights);
                add_lane::<P, 1>(&mut sums, inputs, weights.add(LANES));
                add_lane::<P, 2>(&mut sums, inputs, weights.add(2 * LANES));
                add_lane::<P, 3>(&mut sums, inputs, weights.add(3 * LANES));
                weights = weights.add(4 * LANES);
                i += 4;
            }
            while i < tile.run {
                let mut inputs = [vdupq_n_f32(0.0); P];
                for p in 0..P {
                    inputs[p] = vld1q_dup_f32(pixels[p].add(i));
                }
                add_lane::<P, 0>(&mut sums, inputs, weights);
                weights = weights.add(LANES);
                i += 1;
            }
        }
        for p in 0..P {
            vst1q_f32(result.add(p * LANES), sums[p][0]);
            vst1q_f32(result.add(p * LANES + 4), sums[p][1]);
        }
    }
}

/// Adds one input of each pixel, lane `L` of its register, times eight weights.
///
/// # Safety
/// Eight floats can be read at `weights`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn add_lane<const P: usize, const L: i32>(
    sums: &mut [[float32x4_t; 2]; P],
    inputs: [float32x4_t; P],
    weights: *const f32,
) {
    // SAFETY: the caller's promise.
    let (low, high) = unsafe { (vld1q_f32(weights), vld1q_f32(weights.add(4))) };
    for p in 0..P {
        sums[p][0] = vfmaq_laneq_f32::<L>(sums[p][0], low, inputs[p]);
        sums[p][1] = vfmaq_laneq_f32::<L>(sums[p][1], high, inputs[p]);
    }
}

/// `P` pixels from pixel `first` on, sixteen channels.
///
/// # Safety
/// As [`Tiles::depthwise`], with `first + P` at most the tile's count.
#[target_feature(enable = "neon")]
unsafe fn depthwise<const P: usize>(tile: &Tile<'_>, first: usize) {
    const N: usize = LANES / 4;
    // SAFETY: every offset lies within what the trait lets a tile read and write.
    unsafe {
        let result = tile.sums.add(first * LANES);
        let mut sums = [[vdupq_n_f32(0.0); N]; P];
        if !tile.fresh {
            for p in 0..P {
                for n in 0..N {
                    sums[p][n] = vld1q_f32(result.add(p * LANES + 4 * n));
                }
            }
        }
        let mut weights = tile.weights;
        for run in tile.runs {
            for n in 0..N {
                let row = vld1q_f32(weights.add(4 * n));
                for p in 0..P {
                    let inputs = vld1q_f32(tile.pixels[first + p].add(*run + 4 * n));
                    sums[p][n] = vfmaq_f32(sums[p][n], inputs, row);
                }
            }
            weights = weights.add(LANES);
        }
        for p in 0..P {
            for n in 0..N {
                vst1q_f32(result.add(p * LANES + 4 * n), sums[p][n]);
            }
        }
    }
}
