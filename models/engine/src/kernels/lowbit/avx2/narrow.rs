//! Sums of 16 bits compared with thresholds.

#![allow(unsafe_code)]

use super::LANES;
use crate::kernels::lowbit::finish::{Pixels, Run};
use std::arch::x86_64::*;

/// The codes of 64 channels (or the first of them) at each output pixel of a run.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn count_reached<const N: usize, const SHIFT: i32>(
    mut run: Run<'_, u16>,
    thresholds: &[i16],
) {
    for n in 0..run.targets.len() {
        let Some(pixels) = run.pixels::<N>(n, LANES) else {
            continue;
        };
        // SAFETY: promised by the caller; sums of a pixel are 64 numbers, and 64 codes are written only
        // where there are as many.
        unsafe {
            let acc = accumulators::<N, SHIFT>(&pixels);
            let [low, high] = reached(acc, thresholds);
            if let Ok(codes) = <&mut [u8; LANES]>::try_from(&mut *pixels.codes) {
                _mm256_storeu_si256(codes.as_mut_ptr().cast(), low);
                _mm256_storeu_si256(codes.as_mut_ptr().add(32).cast(), high);
            } else {
                let codes: [u8; LANES] = std::mem::transmute([low, high]);
                pixels.codes.copy_from_slice(&codes[..pixels.codes.len()]);
            }
        }
    }
}

/// The largest accumulators of a window: of each half of the channels the even, then the odd ones.
///
/// # Safety
/// Sums have 64 lanes.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn accumulators<const N: usize, const SHIFT: i32>(
    pixels: &Pixels<'_, u16, N>,
) -> [__m256i; 4] {
    let mut acc = [_mm256_setzero_si256(); 4];
    for n in 0..N {
        let sums: *const __m256i = pixels.sums[n].as_ptr().cast();
        let area = _mm256_set1_epi16(pixels.areas[n] as i16);
        for half in 0..2 {
            // SAFETY: 64 sums are four vectors.
            let [both, odd] = unsafe {
                [
                    _mm256_loadu_si256(sums.add(2 * half)),
                    _mm256_loadu_si256(sums.add(2 * half + 1)),
                ]
            };
            let even = _mm256_sub_epi16(both, _mm256_slli_epi16::<8>(odd));
            for (i, sum) in [(2 * half, even), (2 * half + 1, odd)] {
                let value = _mm256_sub_epi16(_mm256_slli_epi16::<SHIFT>(sum), area);
                acc[i] = if n == 0 {
                    value
                } else {
                    _mm256_max_epi16(acc[i], value)
                };
            }
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
unsafe fn reached(acc: [__m256i; 4], thresholds: &[i16]) -> [__m256i; 2] {
    let mut counts = [_mm256_setzero_si256(); 4];
    for step in thresholds.chunks_exact(LANES) {
        let step: *const __m256i = step.as_ptr().cast();
        for i in 0..4 {
            // SAFETY: a row of 64 thresholds is four vectors.
            let threshold = unsafe { _mm256_loadu_si256(step.add(i)) };
            counts[i] = _mm256_sub_epi16(counts[i], _mm256_cmpgt_epi16(acc[i], threshold));
        }
    }
    let both = |even, odd| _mm256_or_si256(even, _mm256_slli_epi16::<8>(odd));
    [both(counts[0], counts[1]), both(counts[2], counts[3])]
}
