//! Sums of 32 bits: multiplied by kernel position, widened from 16 bits, and compared with thresholds. Of
//! each 32 channels they lie by fours: the first of each four, then the second, and so on.

#![allow(unsafe_code)]

use super::{LANES, PIXELS, load_table, look_up};
use crate::kernels::lowbit::finish::{Pixels, Run};
use crate::kernels::lowbit::multiplied::{Multiplied, Room};
use std::arch::x86_64::*;

/// Adds look-ups of four pixels and 64 channels to their sums, multiplied by position.
///
/// # Safety
/// All tables that are looked into, from each base on, can be read, and there are 64 indices for each look-up.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn multiplied_tile(
    look: &Multiplied<'_>,
    tables: *const u8,
    bases: [u32; PIXELS],
    wide: &mut [i32; PIXELS * LANES],
) {
    let mut products = [_mm256_setzero_si256(); PIXELS * LANES / 16];
    // SAFETY: promised by the caller; there are 16 vectors of products, and 32 of sums.
    unsafe {
        let pixels = bases.map(|base| tables.add(base as usize));
        multiply_and_add(
            look,
            pixels,
            products.as_mut_ptr(),
            wide.as_mut_ptr().cast(),
        );
    }
}

/// The work of [`multiplied_tile`], with products behind a pointer: the compiler would copy an array of its own
/// about, as it does not fit the registers.
///
/// # Safety
/// All tables that are looked into, from each pixel's on, can be read, and there are 64 indices for each look-up;
/// there are 16 vectors of products, all 0, and 32 of sums.
#[target_feature(enable = "avx2")]
#[inline(never)]
unsafe fn multiply_and_add(
    look: &Multiplied<'_>,
    pixels: [*const u8; PIXELS],
    products: *mut __m256i,
    wide: *mut __m256i,
) {
    let mut indices = look.indices.as_ptr();
    let mut room = Room::new();
    for position in look.positions {
        let multiplier = position.multiplier as i16;
        let factors = [multiplier, multiplier << 8].map(|factor| _mm256_set1_epi16(factor));
        for _ in 0..look.planes {
            let mut offset = position.offset as usize;
            for run in look.runs() {
                let mut bytes = [_mm256_setzero_si256(); 8];
                // SAFETY: loads and stores stay within what the caller promises.
                unsafe {
                    for _ in 0..run {
                        let tables = pixels.map(|pixel| load_table(pixel.add(offset)));
                        look_up(tables, indices, &mut bytes);
                        offset += look.unit_pitch;
                        indices = indices.add(LANES);
                    }
                    if !room.take(look, run, position.multiplier) {
                        move_on(products, wide);
                    }
                    multiply(&bytes, factors, products);
                }
            }
        }
    }
    // SAFETY: promised by the caller.
    unsafe { move_on(products, wide) }
}

/// Adds bytes times a multiplier to products of even and of odd channels.
///
/// # Safety
/// There are 16 vectors of products.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn multiply(bytes: &[__m256i; 8], factors: [__m256i; 2], products: *mut __m256i) {
    for (i, bytes) in bytes.iter().enumerate() {
        for (n, factor) in factors.into_iter().enumerate() {
            // A product with the neighbour's, which is 0.
            let product = _mm256_maddubs_epi16(*bytes, factor);
            // SAFETY: promised by the caller.
            unsafe {
                let to = products.add(2 * i + n);
                _mm256_storeu_si256(to, _mm256_add_epi16(_mm256_loadu_si256(to), product));
            }
        }
    }
}

/// Adds products to sums of 32 bits, and clears them.
///
/// # Safety
/// There are 16 vectors of products, and 32 of sums.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn move_on(products: *mut __m256i, wide: *mut __m256i) {
    for i in 0..8 {
        // SAFETY: promised by the caller.
        unsafe {
            let [even, odd] = [0, 1].map(|n| products.add(2 * i + n));
            let words = [_mm256_loadu_si256(even), _mm256_loadu_si256(odd)];
            add_words(words, wide.add(4 * i));
            _mm256_storeu_si256(even, _mm256_setzero_si256());
            _mm256_storeu_si256(odd, _mm256_setzero_si256());
        }
    }
}

/// Adds 32 sums of 16 bits, as look-ups leave them, to those of 32 bits.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn widen(sums: &[u16; 32], wide: &mut [i32; 32]) {
    let sums: *const __m256i = sums.as_ptr().cast();
    // SAFETY: 32 sums are two vectors of 16 bits, and four of 32.
    unsafe {
        let (both, odd) = (_mm256_loadu_si256(sums), _mm256_loadu_si256(sums.add(1)));
        let even = _mm256_sub_epi16(both, _mm256_slli_epi16::<8>(odd));
        add_words([even, odd], wide.as_mut_ptr().cast());
    }
}

/// Adds numbers of 16 bits of 32 channels, even and odd ones, to sums of 32 bits.
///
/// # Safety
/// There are four vectors of sums.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn add_words([even, odd]: [__m256i; 2], wide: *mut __m256i) {
    let low = _mm256_set1_epi32(0xffff);
    let fours = [
        _mm256_and_si256(even, low),
        _mm256_and_si256(odd, low),
        _mm256_srli_epi32::<16>(even),
        _mm256_srli_epi32::<16>(odd),
    ];
    for (k, four) in fours.into_iter().enumerate() {
        // SAFETY: promised by the caller.
        unsafe {
            let to = wide.add(k);
            _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), four));
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
