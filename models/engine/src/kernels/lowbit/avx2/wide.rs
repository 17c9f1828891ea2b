//! Sums of 32 bits: multiplied by kernel position, widened from 16 bits, and compared with thresholds. Of
//! each 32 channels they lie by fours: the first of each four, then the second, and so on.

#![allow(unsafe_code)]

use super::{LANES, PIXELS, flush, look_up};
use crate::kernels::lowbit::finish::{Pixels, Run};
use crate::kernels::lowbit::multiplied::Multiplied;
use std::arch::x86_64::*;

/// Adds look-ups of four pixels and 64 channels to their sums, multiplied by position. A position's sums are
/// those of [`tile`].
///
/// # Safety
/// All tables that are looked into, from each base on, can be read, and there are 64 indices for each look-up.
#[target_feature(enable = "avx2")]
#[inline(never)]
pub(super) unsafe fn multiplied_tile(
    look: &Multiplied<'_>,
    tables: *const u8,
    bases: [u32; PIXELS],
    wide: &mut [i32; PIXELS * LANES],
) {
    // SAFETY: loads stay within what the caller promises; there are 16 vectors of sums.
    unsafe {
        let pixels = bases.map(|base| tables.add(base as usize));
        let mut indices = look.indices.as_ptr();
        for position in look.positions {
            let mut sums = [_mm256_setzero_si256(); 4 * PIXELS];
            let mut fresh = true;
            for _ in 0..look.planes {
                let mut offset = position.offset as usize;
                for run in look.runs() {
                    let mut bytes = [_mm256_setzero_si256(); 8];
                    for _ in 0..run {
                        let pixels = pixels.map(|pixel| pixel.add(offset));
                        look_up(pixels, indices, &mut bytes);
                        offset += look.unit_pitch;
                        indices = indices.add(LANES);
                    }
                    flush(sums.as_mut_ptr(), &bytes, fresh);
                    fresh = false;
                }
            }
            multiply(&sums, position.multiplier, wide);
        }
    }
}

/// Adds sums of 16 bits, all below 2^15, times a multiplier to those of 32 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn multiply(sums: &[__m256i; 4 * PIXELS], multiplier: i32, wide: &mut [i32; PIXELS * LANES]) {
    let (first, second) = (
        _mm256_set1_epi32(multiplier),
        _mm256_set1_epi32(multiplier << 16),
    );
    for (sums, wide) in sums.as_chunks::<2>().0.iter().zip(wide.as_chunks_mut().0) {
        let [even, odd] = apart(sums[0], sums[1]);
        let fours = [(even, first), (odd, first), (even, second), (odd, second)];
        add_fours(
            wide,
            fours.map(|(sum, factor)| _mm256_madd_epi16(sum, factor)),
        );
    }
}

/// Adds 32 sums of 16 bits to those of 32 bits.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn widen(sums: &[u16; 32], wide: &mut [i32; 32]) {
    let sums: *const __m256i = sums.as_ptr().cast();
    // SAFETY: 32 sums are two vectors.
    let [even, odd] = unsafe { apart(_mm256_loadu_si256(sums), _mm256_loadu_si256(sums.add(1))) };
    let low = _mm256_set1_epi32(0xffff);
    let fours = [
        _mm256_and_si256(even, low),
        _mm256_and_si256(odd, low),
        _mm256_srli_epi32::<16>(even),
        _mm256_srli_epi32::<16>(odd),
    ];
    add_fours(wide, fours);
}

/// Sums of even and of odd channels, from whole lanes and upper bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn apart(both: __m256i, upper: __m256i) -> [__m256i; 2] {
    [_mm256_sub_epi16(both, _mm256_slli_epi16::<8>(upper)), upper]
}

/// Adds to 32 sums: of each four channels the first, then the second, and so on.
#[target_feature(enable = "avx2")]
#[inline]
fn add_fours(wide: &mut [i32; 32], fours: [__m256i; 4]) {
    let wide: *mut __m256i = wide.as_mut_ptr().cast();
    for (k, add) in fours.into_iter().enumerate() {
        // SAFETY: 32 sums are four vectors.
        unsafe {
            let sum = _mm256_add_epi32(_mm256_loadu_si256(wide.add(k)), add);
            _mm256_storeu_si256(wide.add(k), sum);
        }
    }
}

/// The codes of 64 channels (or the first of them) at each output pixel of a run, from sums of 32 bits.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn count_reached<const N: usize>(mut run: Run<'_, i32>, thresholds: &[i32]) {
    let shift = _mm_cvtsi32_si128(run.shift as i32);
    for n in 0..run.targets.len() {
        let Some(pixels) = run.pixels::<N>(n, LANES) else {
            continue;
        };
        // SAFETY: promised by the caller; sums of a pixel are 64 numbers.
        let codes: [u8; LANES] = unsafe {
            let codes = [0, 1].map(|half| {
                let acc = accumulators(&pixels, half, shift);
                reached(acc, half, thresholds)
            });
            std::mem::transmute(codes)
        };
        pixels.codes.copy_from_slice(&codes[..pixels.codes.len()]);
    }
}

/// The largest accumulators of a window for half of the channels: of each four the first, and so on.
///
/// # Safety
/// Sums have 64 lanes.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn accumulators<const N: usize>(
    pixels: &Pixels<'_, i32, N>,
    half: usize,
    shift: __m128i,
) -> [__m256i; 4] {
    let mut acc = [_mm256_set1_epi32(i32::MIN); 4];
    for (sums, area) in pixels.sums.iter().zip(pixels.areas) {
        let sums: *const __m256i = sums.as_ptr().cast();
        for (k, acc) in acc.iter_mut().enumerate() {
            // SAFETY: 64 sums are eight vectors.
            let sum = unsafe { _mm256_loadu_si256(sums.add(4 * half + k)) };
            let value = _mm256_sub_epi32(_mm256_sll_epi32(sum, shift), _mm256_set1_epi32(area));
            *acc = _mm256_max_epi32(*acc, value);
        }
    }
    acc
}

/// How many of its thresholds each accumulator is above, as bytes in the order of the channels.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn reached(acc: [__m256i; 4], half: usize, thresholds: &[i32]) -> __m256i {
    let mut counts = [_mm256_setzero_si256(); 4];
    for step in thresholds.chunks_exact(LANES) {
        let step: *const __m256i = step.as_ptr().cast();
        for k in 0..4 {
            // SAFETY: a row of 64 thresholds is eight vectors.
            let threshold = unsafe { _mm256_loadu_si256(step.add(4 * half + k)) };
            counts[k] = _mm256_sub_epi32(counts[k], _mm256_cmpgt_epi32(acc[k], threshold));
        }
    }
    let low = _mm256_or_si256(counts[0], _mm256_slli_epi32::<8>(counts[1]));
    let high = _mm256_or_si256(counts[2], _mm256_slli_epi32::<8>(counts[3]));
    _mm256_or_si256(low, _mm256_slli_epi32::<16>(high))
}
