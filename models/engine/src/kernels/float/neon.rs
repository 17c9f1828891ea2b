//! The inner loops for NEON: eight pixels times eight channels in sixteen registers.
#![allow(unsafe_code)]

use super::finish::Rows;
use super::tile::{LANES, Strip, Tiles};
use crate::isa::Neon;
use std::arch::aarch64::*;
use std::arch::asm;

/// Channels that are summed at once.
const HALF: usize = LANES / 2;

// SAFETY: the functions below read and write through the strip's addresses exactly what the trait
// allows.
unsafe impl Tiles for Neon {
    const PIXELS: usize = 8;
    const NAMES: [&'static str; 3] = ["neon-f32-gemm", "neon-f32-pointwise", "neon-f32-depthwise"];

    unsafe fn dense(self, strip: &Strip<'_>) {
        let halves = if strip.wide { 2 } else { 1 };
        let (mut first, mut ahead) = (0, strip.ahead);
        while first < strip.origins.len() {
            ahead.next().for_each(|line| self.prefetch(line));
            let count = strip.tile_pixels(first, Self::PIXELS);
            for half in 0..halves {
                let lane = half * HALF;
                // SAFETY: NEON is aarch64's baseline; the addresses are the caller's promise, and
                // `first + count` pixels are the strip's.
                unsafe {
                    match count {
                        8 => dense::<8>(strip, first, lane),
                        7 => dense::<7>(strip, first, lane),
                        6 => dense::<6>(strip, first, lane),
                        5 => dense::<5>(strip, first, lane),
                        4 => dense::<4>(strip, first, lane),
                        3 => dense::<3>(strip, first, lane),
                        2 => dense::<2>(strip, first, lane),
                        _ => dense::<1>(strip, first, lane),
                    }
                }
            }
            first += count;
        }
    }

    unsafe fn depthwise(self, strip: &Strip<'_>) {
        let (mut p, count) = (0, strip.origins.len());
        // SAFETY: NEON is aarch64's baseline; the addresses are the caller's promise, and pixels
        // `p` to `p + 4` or just `p` are among the strip's.
        unsafe {
            while p + 4 <= count {
                depthwise::<4>(strip, p);
                p += 4;
            }
            while p < count {
                depthwise::<1>(strip, p);
                p += 1;
            }
        }
    }

    #[inline(always)]
    fn prefetch(self, line: *const f32) {
        // SAFETY: a prefetch is a hint, which may name any address.
        unsafe {
            asm!("prfm pldl2keep, [{}]", in(reg) line, options(nostack, preserves_flags, readonly));
        }
    }

    unsafe fn finish(self, rows: &Rows<'_>) {
        // SAFETY: passed on from the caller.
        unsafe { rows.store() }
    }
}

/// `P` pixels from pixel `first` on, eight channels from `lane` on.
///
/// # Safety
/// As [`Tiles::dense`], with `first + P` at most the strip's pixels and `lane + HALF <= LANES`.
#[target_feature(enable = "neon")]
unsafe fn dense<const P: usize>(strip: &Strip<'_>, first: usize, lane: usize) {
    // SAFETY: every offset lies within what the trait lets a strip read and write.
    unsafe {
        let result = strip.sums.add(first * LANES + lane);
        let windows = strip.windows::<P>(first);
        let mut sums = [[vdupq_n_f32(0.0); 2]; P];
        if !strip.fresh {
            for p in 0..P {
                sums[p][0] = vld1q_f32(result.add(p * LANES));
                sums[p][1] = vld1q_f32(result.add(p * LANES + 4));
            }
        }
        let mut weights = strip.weights.add(lane);
        for run in strip.runs {
            let mut pixels = windows;
            for p in 0..P {
                pixels[p] = pixels[p].wrapping_add(*run);
            }
            let mut i = 0;
            while i + 4 <= strip.run {
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
            while i < strip.run {
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
/// As [`Tiles::depthwise`], with `first + P` at most the strip's pixels.
#[target_feature(enable = "neon")]
unsafe fn depthwise<const P: usize>(strip: &Strip<'_>, first: usize) {
    const N: usize = LANES / 4;
    // SAFETY: every offset lies within what the trait lets a strip read and write.
    unsafe {
        let result = strip.sums.add(first * LANES);
        let windows = strip.windows::<P>(first);
        let mut sums = [[vdupq_n_f32(0.0); N]; P];
        if !strip.fresh {
            for p in 0..P {
                for n in 0..N {
                    sums[p][n] = vld1q_f32(result.add(p * LANES + 4 * n));
                }
            }
        }
        let mut weights = strip.weights;
        for run in strip.runs {
            for n in 0..N {
                let row = vld1q_f32(weights.add(4 * n));
                for p in 0..P {
                    let inputs = vld1q_f32(windows[p].wrapping_add(*run).add(4 * n));
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
