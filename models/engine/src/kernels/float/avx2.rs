//! The inner loops for AVX2 and FMA: six pixels times sixteen channels in twelve registers.
#![allow(unsafe_code)]

use super::finish::Rows;
use super::tile::{LANES, Tile, Tiles};
use crate::isa::Avx2;
use std::arch::x86_64::*;

/// Holding it proves that the CPU has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Tiles6x16(pub(super) Avx2);

// SAFETY: the functions below read and write through the tile's pointers exactly what the trait
// allows.
unsafe impl Tiles for Tiles6x16 {
    const PIXELS: usize = 6;
    const NAMES: [&'static str; 3] = ["avx2-f32-gemm", "avx2-f32-pointwise", "avx2-f32-depthwise"];

    unsafe fn dense(self, tile: &Tile<'_>) {
        // SAFETY: the token proves the instructions; the pointers are the caller's promise.
        unsafe {
            match (tile.count, tile.wide) {
                (6, true) => dense::<6, 2>(tile),
                (5, true) => dense::<5, 2>(tile),
                (4, true) => dense::<4, 2>(tile),
                (3, true) => dense::<3, 2>(tile),
                (2, true) => dense::<2, 2>(tile),
                (_, true) => dense::<1, 2>(tile),
                (6, false) => dense::<6, 1>(tile),
                (5, false) => dense::<5, 1>(tile),
                (4, false) => dense::<4, 1>(tile),
                (3, false) => dense::<3, 1>(tile),
                (2, false) => dense::<2, 1>(tile),
                (_, false) => dense::<1, 1>(tile),
            }
        }
    }

    unsafe fn depthwise(self, tile: &Tile<'_>) {
        // SAFETY: the token proves the instructions; the pointers are the caller's promise.
        unsafe {
            match tile.count {
                6 => depthwise::<6>(tile),
                5 => depthwise::<5>(tile),
                4 => depthwise::<4>(tile),
                3 => depthwise::<3>(tile),
                2 => depthwise::<2>(tile),
                _ => depthwise::<1>(tile),
            }
        }
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

/// `P` pixels, `N` registers of eight channels.
#[target_feature(enable = "avx2,fma")]
unsafe fn dense<const P: usize, const N: usize>(tile: &Tile<'_>) {
    // SAFETY: every offset lies within what the trait lets a tile read and write.
    unsafe {
        let mut sums = load_sums::<P, N>(tile);
        let mut weights = tile.weights;
        for run in tile.runs {
            let mut pixels = tile.pixels;
            for p in 0..P {
                pixels[p] = pixels[p].add(*run);
            }
            for i in 0..tile.run {
                let mut row = [_mm256_setzero_ps(); N];
                for n in 0..N {
                    row[n] = _mm256_load_ps(weights.add(8 * n));
                }
                for p in 0..P {
                    let x = _mm256_broadcast_ss(&*pixels[p].add(i));
                    for n in 0..N {
                        sums[p][n] = _mm256_fmadd_ps(x, row[n], sums[p][n]);
                    }
                }
                weights = weights.add(LANES);
            }
        }
        store_sums(tile, sums);
    }
}

/// `P` pixels, sixteen channels.
#[target_feature(enable = "avx2,fma")]
unsafe fn depthwise<const P: usize>(tile: &Tile<'_>) {
    // SAFETY: every offset lies within what the trait lets a tile read and write.
    unsafe {
        let mut sums = load_sums::<P, 2>(tile);
        let mut weights = tile.weights;
        for run in tile.runs {
            let row = [_mm256_load_ps(weights), _mm256_load_ps(weights.add(8))];
            for p in 0..P {
                let inputs = tile.pixels[p].add(*run);
                for n in 0..2 {
                    let x = _mm256_loadu_ps(inputs.add(8 * n));
                    sums[p][n] = _mm256_fmadd_ps(x, row[n], sums[p][n]);
                }
            }
            weights = weights.add(LANES);
        }
        store_sums(tile, sums);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn load_sums<const P: usize, const N: usize>(tile: &Tile<'_>) -> [[__m256; N]; P] {
    let mut sums = [[_mm256_setzero_ps(); N]; P];
    if !tile.fresh {
        for p in 0..P {
            for n in 0..N {
                // SAFETY: `P` is the tile's count, `8 * N` at most LANES.
                sums[p][n] = unsafe { _mm256_loadu_ps(tile.sums.add(p * LANES + 8 * n)) };
            }
        }
    }
    sums
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store_sums<const P: usize, const N: usize>(tile: &Tile<'_>, sums: [[__m256; N]; P]) {
    for p in 0..P {
        for n in 0..N {
            // SAFETY: `P` is the tile's count, `8 * N` at most LANES.
            unsafe { _mm256_storeu_ps(tile.sums.add(p * LANES + 8 * n), sums[p][n]) };
        }
    }
}
