//! Luma and chroma to RGB with NEON, to the same bits as the plain loop.
//!
//! The compiler makes two pixels at a time of that one, 85 cycles of a Cortex-A53 by its model; this takes
//! sixteen at a time.
#![allow(unsafe_code)]

use crate::pixel::{BLOCK, Matrix, SHIFT};
use std::arch::aarch64::*;

/// Pixels at a time: a register of bytes.
const LANES: usize = 16;

const _: () = assert!(BLOCK.is_multiple_of(LANES));

/// A row; each chroma sample belongs to `step` pixels.
pub(crate) fn line(matrix: &Matrix, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
    match step {
        1 => matrix.blocks::<1>(planes, line, block::<1>),
        _ => matrix.blocks::<2>(planes, line, block::<2>),
    }
}

#[inline(always)]
fn block<const STEP: usize>(matrix: &Matrix, luma: &[u8], u: &[u8], v: &[u8], pixels: &mut [u8]) {
    let (luma, (out, _)) = (luma.as_chunks().0, pixels.as_chunks_mut());
    let chroma = u
        .chunks_exact(LANES / STEP)
        .zip(v.chunks_exact(LANES / STEP));
    for ((luma, (u, v)), out) in luma.iter().zip(chroma).zip(out) {
        sixteen(
            matrix,
            luma,
            &expanded::<STEP>(u),
            &expanded::<STEP>(v),
            out,
        );
    }
}

#[inline(always)]
fn sixteen(
    matrix: &Matrix,
    luma: &[u8; LANES],
    u: &[u8; LANES],
    v: &[u8; LANES],
    out: &mut [u8; 3 * LANES],
) {
    // SAFETY: NEON is part of every aarch64 that Rust compiles for; sixteen bytes are read of each array,
    // and the 48 of `out` written.
    unsafe {
        let grey = less(vld1q_u8(luma.as_ptr()), matrix.black as i16);
        let [u, v] = [u, v].map(|samples| less(vld1q_u8(samples.as_ptr()), 128));
        let [low, high] = [0, 1].map(|half| eight(matrix, grey[half], u[half], v[half]));
        let levels = |i: usize| vcombine_u8(low[i], high[i]);
        vst3q_u8(
            out.as_mut_ptr(),
            uint8x16x3_t(levels(0), levels(1), levels(2)),
        );
    }
}

/// A sample for each pixel.
#[inline(always)]
fn expanded<const STEP: usize>(samples: &[u8]) -> [u8; LANES] {
    let mut all = [0; LANES];
    for (i, sample) in all.iter_mut().enumerate() {
        *sample = samples[i / STEP];
    }
    all
}

/// Bytes less `zero`, in two halves.
#[inline(always)]
unsafe fn less(bytes: uint8x16_t, zero: i16) -> [int16x8_t; 2] {
    // SAFETY: NEON is there, as the caller knows.
    unsafe {
        let zero = vdupq_n_s16(zero);
        [vmovl_u8(vget_low_u8(bytes)), vmovl_u8(vget_high_u8(bytes))]
            .map(|wide| vsubq_s16(vreinterpretq_s16_u16(wide), zero))
    }
}

/// Red, green and blue of eight pixels.
#[inline(always)]
unsafe fn eight(matrix: &Matrix, grey: int16x8_t, u: int16x8_t, v: int16x8_t) -> [uint8x8_t; 3] {
    // SAFETY: NEON is there, as the caller knows.
    unsafe {
        // That of blue is beyond 16 bits, and even in every standard.
        let twice = vaddq_s16(u, u);
        let [low, high] = [false, true].map(|high| {
            let part = |of: int16x8_t| {
                if high {
                    vget_high_s16(of)
                } else {
                    vget_low_s16(of)
                }
            };
            let (u, v) = (part(u), part(v));
            let grey = vmull_n_s16(part(grey), matrix.luma as i16);
            [
                vmlal_n_s16(grey, v, matrix.red_v as i16),
                vmlsl_n_s16(
                    vmlsl_n_s16(grey, u, matrix.green_u as i16),
                    v,
                    matrix.green_v as i16,
                ),
                vmlal_n_s16(grey, part(twice), (matrix.blue_u / 2) as i16),
            ]
        });
        [0, 1, 2].map(|i| {
            // Rounded half up and held to 0 and above, then to 255.
            let level = |sum| vqrshrun_n_s32::<{ SHIFT as i32 }>(sum);
            vqmovn_u16(vcombine_u16(level(low[i]), level(high[i])))
        })
    }
}
