//! Sums of 32 bits: multiplied by kernel position, widened from 16 bits, and compared with thresholds. They lie
//! by fours of channels: the first of each four, then the second, and so on.

#![allow(unsafe_code)]

use super::{LANES, PIXELS};
use crate::kernels::lowbit::finish::{Pixels, Run};
use crate::kernels::lowbit::multiplied::Multiplied;
use std::arch::x86_64::*;

/// Adds look-ups of four pixels and 64 channels to their sums, multiplied by position.
///
/// # Safety
/// All tables that are looked into, from each base on, can be read, and there are 64 indices for each look-up.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn multiplied_tile(
    look: &Multiplied<'_>,
    tables: *const u8,
    bases: [u32; PIXELS],
    sums: &mut [i32; PIXELS * LANES],
) {
    let sums: *mut __m512i = sums.as_mut_ptr().cast();
    let mut total = [[_mm512_setzero_si512(); 4]; PIXELS];
    let mut indices = look.indices.as_ptr();
    // SAFETY: loads stay within what the caller promises; a tile has as many sums as 16 vectors.
    unsafe {
        for (p, total) in total.iter_mut().enumerate() {
            *total = [0, 1, 2, 3].map(|k| _mm512_loadu_si512(sums.add(4 * p + k)));
        }
        let pixels = bases.map(|base| tables.add(base as usize));
        for position in look.positions {
            let multipliers = [0, 8, 16, 24].map(|by| _mm512_set1_epi32(position.multiplier << by));
            for _ in 0..look.planes {
                let mut offset = position.offset as usize;
                for run in look.runs() {
                    let mut bytes = [_mm512_setzero_si512(); PIXELS];
                    for _ in 0..run {
                        let index = _mm512_loadu_si512(indices.cast());
                        for p in 0..PIXELS {
                            let table = _mm512_loadu_si512(pixels[p].add(offset).cast());
                            let found = _mm512_permutexvar_epi8(index, table);
                            bytes[p] = _mm512_add_epi8(bytes[p], found);
                        }
                        offset += look.unit_pitch;
                        indices = indices.add(LANES);
                    }
                    for p in 0..PIXELS {
                        for k in 0..4 {
                            total[p][k] =
                                _mm512_dpbusd_epi32(total[p][k], bytes[p], multipliers[k]);
                        }
                    }
                }
            }
        }
        for (p, total) in total.iter().enumerate() {
            for (k, total) in total.iter().enumerate() {
                _mm512_storeu_si512(sums.add(4 * p + k), *total);
            }
        }
    }
}

/// Adds 64 sums of 16 bits to those of 32 bits.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) fn widen(sums: &[u16; LANES], wide: &mut [i32; LANES]) {
    let sums: *const __m512i = sums.as_ptr().cast();
    // SAFETY: 64 sums are two vectors.
    let [both, odd] = unsafe { [0, 1].map(|i| _mm512_loadu_si512(sums.add(i))) };
    let even = _mm512_sub_epi16(both, _mm512_slli_epi16::<8>(odd));
    let low = _mm512_set1_epi32(0xffff);
    let fours = [
        _mm512_and_si512(even, low),
        _mm512_and_si512(odd, low),
        _mm512_srli_epi32::<16>(even),
        _mm512_srli_epi32::<16>(odd),
    ];
    let wide: *mut __m512i = wide.as_mut_ptr().cast();
    for (k, add) in fours.into_iter().enumerate() {
        // SAFETY: 64 sums are four vectors.
        unsafe {
            let sum = _mm512_add_epi32(_mm512_loadu_si512(wide.add(k)), add);
            _mm512_storeu_si512(wide.add(k), sum);
        }
    }
}

/// The codes of 64 channels (or the first of them) at each output pixel of a run, from sums of 32 bits.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn count_reached<const N: usize>(mut run: Run<'_, i32>, thresholds: &[i32]) {
    let written = u64::MAX >> (LANES - run.count);
    let shift = _mm_cvtsi32_si128(run.shift as i32);
    for n in 0..run.targets.len() {
        let Some(pixels) = run.pixels::<N>(n, LANES) else {
            continue;
        };
        // SAFETY: promised by the caller; sums of a pixel are 64 numbers, and of the codes only as many
        // are written as there are.
        unsafe {
            let acc = accumulators(&pixels, shift);
            let codes = reached(acc, thresholds);
            _mm512_mask_storeu_epi8(pixels.codes.as_mut_ptr().cast(), written, codes);
        }
    }
}

/// The largest accumulators of a window: of each four channels the first, then the second, and so on.
///
/// # Safety
/// Sums have 64 lanes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
unsafe fn accumulators<const N: usize>(
    pixels: &Pixels<'_, i32, N>,
    shift: __m128i,
) -> [__m512i; 4] {
    let mut acc = [_mm512_set1_epi32(i32::MIN); 4];
    for (sums, area) in pixels.sums.iter().zip(pixels.areas) {
        let sums: *const __m512i = sums.as_ptr().cast();
        for (k, acc) in acc.iter_mut().enumerate() {
            // SAFETY: 64 sums are four vectors.
            let sum = unsafe { _mm512_loadu_si512(sums.add(k)) };
            let value = _mm512_sub_epi32(_mm512_sll_epi32(sum, shift), _mm512_set1_epi32(area));
            *acc = _mm512_max_epi32(*acc, value);
        }
    }
    acc
}

/// How many of its thresholds each accumulator is above, as bytes in the order of the channels.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
unsafe fn reached(acc: [__m512i; 4], thresholds: &[i32]) -> __m512i {
    let mut counts = [_mm512_setzero_si512(); 4];
    for step in thresholds.chunks_exact(LANES) {
        let step: *const __m512i = step.as_ptr().cast();
        for k in 0..4 {
            // SAFETY: a row of 64 thresholds is four vectors.
            let threshold = unsafe { _mm512_loadu_si512(step.add(k)) };
            let above = _mm512_cmpgt_epi32_mask(acc[k], threshold);
            counts[k] = _mm512_mask_add_epi32(counts[k], above, counts[k], _mm512_set1_epi32(1));
        }
    }
    let low = _mm512_or_si512(counts[0], _mm512_slli_epi32::<8>(counts[1]));
    let high = _mm512_or_si512(counts[2], _mm512_slli_epi32::<8>(counts[3]));
    _mm512_or_si512(low, _mm512_slli_epi32::<16>(high))
}
