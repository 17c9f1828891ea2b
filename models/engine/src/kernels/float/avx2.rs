//! The inner loops for AVX2 and FMA: six pixels times sixteen channels in twelve registers.
#![allow(unsafe_code)]

use super::finish::Rows;
use super::tile::{LANES, Strip, Tiles};
use crate::isa::Avx2;
use std::arch::x86_64::*;

/// Inputs of a run of the first layer of most networks: three pixels of three colours. A loop so
/// short is worth unrolling.
const PICTURE: usize = 9;

// SAFETY: the functions below read and write through the strip's addresses exactly what the trait
// allows.
unsafe impl Tiles for Avx2 {
    const PIXELS: usize = 6;
    const NAMES: [&'static str; 3] = ["avx2-f32-gemm", "avx2-f32-pointwise", "avx2-f32-depthwise"];

    unsafe fn dense(self, strip: &Strip<'_>) {
        // SAFETY: the token proves the instructions; the addresses are the caller's promise.
        unsafe {
            match strip.wide {
                true => dense_strip::<2>(strip),
                false => dense_strip::<1>(strip),
            }
        }
    }

    unsafe fn depthwise(self, strip: &Strip<'_>) {
        // SAFETY: the token proves the instructions; the addresses are the caller's promise.
        unsafe { depthwise_strip(strip) }
    }

    #[inline(always)]
    fn prefetch(self, line: *const f32) {
        // SAFETY: a prefetch is a hint, which may name any address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) }
    }

    unsafe fn finish(self, rows: &Rows<'_>) {
        // SAFETY: the token proves the instructions; the rest is the caller's promise.
        unsafe { finish(rows) }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn finish(rows: &Rows<'_>) {
    // SAFETY: passed on from the caller.
    unsafe { rows.store() }
}

/// All tiles of a strip, `N` registers of eight channels.
#[target_feature(enable = "avx2,fma")]
unsafe fn dense_strip<const N: usize>(strip: &Strip<'_>) {
    let (mut first, mut ahead) = (0, strip.ahead);
    while first < strip.origins.len() {
        for line in ahead.next() {
            _mm_prefetch::<_MM_HINT_T1>(line.cast());
        }
        let count = strip.tile_pixels(first, Avx2::PIXELS);
        // SAFETY: passed on from the caller; `first + count` pixels are the strip's.
        unsafe {
            match count {
                6 if N == 2 && strip.run == PICTURE => dense::<6, N, PICTURE>(strip, first),
                6 => dense::<6, N, 0>(strip, first),
                5 => dense::<5, N, 0>(strip, first),
                4 => dense::<4, N, 0>(strip, first),
                3 => dense::<3, N, 0>(strip, first),
                2 => dense::<2, N, 0>(strip, first),
                _ => dense::<1, N, 0>(strip, first),
            }
        }
        first += count;
    }
}

/// `P` pixels from pixel `first` on, `N` registers of eight channels, runs of `RUN` inputs or, if
/// that is 0, of any number.
#[target_feature(enable = "avx2,fma")]
unsafe fn dense<const P: usize, const N: usize, const RUN: usize>(strip: &Strip<'_>, first: usize) {
    let run_length = if RUN > 0 { RUN } else { strip.run };
    // SAFETY: every offset lies within what the trait lets a strip read and write.
    unsafe {
        let mut sums = load_sums::<P, N>(strip, first);
        let mut windows = strip.windows::<P>(first);
        let (mut weights, mut at) = (strip.weights, 0);
        for run in strip.runs {
            for p in 0..P {
                windows[p] = windows[p].wrapping_add(run.wrapping_sub(at));
            }
            at = *run;
            for i in 0..run_length {
                let mut row = [_mm256_setzero_ps(); N];
                for n in 0..N {
                    row[n] = _mm256_load_ps(weights.add(8 * n));
                }
                for p in 0..P {
                    let x = _mm256_broadcast_ss(&*windows[p].add(i));
                    for n in 0..N {
                        sums[p][n] = _mm256_fmadd_ps(x, row[n], sums[p][n]);
                    }
                }
                weights = weights.add(LANES);
            }
        }
        store_sums(strip, first, sums);
    }
}

/// All tiles of a strip.
#[target_feature(enable = "avx2,fma")]
unsafe fn depthwise_strip(strip: &Strip<'_>) {
    let mut first = 0;
    while first < strip.origins.len() {
        let count = strip.tile_pixels(first, Avx2::PIXELS);
        // SAFETY: passed on from the caller; `first + count` pixels are the strip's.
        unsafe {
            match count {
                6 => depthwise::<6>(strip, first),
                5 => depthwise::<5>(strip, first),
                4 => depthwise::<4>(strip, first),
                3 => depthwise::<3>(strip, first),
                2 => depthwise::<2>(strip, first),
                _ => depthwise::<1>(strip, first),
            }
        }
        first += count;
    }
}

/// `P` pixels from pixel `first` on, sixteen channels.
#[target_feature(enable = "avx2,fma")]
unsafe fn depthwise<const P: usize>(strip: &Strip<'_>, first: usize) {
    // SAFETY: every offset lies within what the trait lets a strip read and write.
    unsafe {
        let mut sums = load_sums::<P, 2>(strip, first);
        let windows = strip.windows::<P>(first);
        let mut weights = strip.weights;
        for run in strip.runs {
            let row = [_mm256_load_ps(weights), _mm256_load_ps(weights.add(8))];
            for p in 0..P {
                let inputs = windows[p].wrapping_add(*run);
                for n in 0..2 {
                    let x = _mm256_loadu_ps(inputs.add(8 * n));
                    sums[p][n] = _mm256_fmadd_ps(x, row[n], sums[p][n]);
                }
            }
            weights = weights.add(LANES);
        }
        store_sums(strip, first, sums);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn load_sums<const P: usize, const N: usize>(
    strip: &Strip<'_>,
    first: usize,
) -> [[__m256; N]; P] {
    let mut sums = [[_mm256_setzero_ps(); N]; P];
    if !strip.fresh {
        for p in 0..P {
            for n in 0..N {
                // SAFETY: pixel `first + p` is the strip's, `8 * N` at most LANES.
                sums[p][n] =
                    unsafe { _mm256_loadu_ps(strip.sums.add((first + p) * LANES + 8 * n)) };
            }
        }
    }
    sums
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store_sums<const P: usize, const N: usize>(
    strip: &Strip<'_>,
    first: usize,
    sums: [[__m256; N]; P],
) {
    for p in 0..P {
        for n in 0..N {
            // SAFETY: pixel `first + p` is the strip's, `8 * N` at most LANES.
            unsafe { _mm256_storeu_ps(strip.sums.add((first + p) * LANES + 8 * n), sums[p][n]) };
        }
    }
}
