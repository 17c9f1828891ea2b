//! Inner loops for AVX2: `vpmaddwd` multiplies pairs of elements by pairs of weights and adds them.
//!
//! A tile of 6 pixels times 16 channels has twelve registers of sums, two of weights and one that
//! spreads a pixel's pair: fifteen of the sixteen.

#![allow(unsafe_code)]

use super::arch::{Arch, Codes, LANES, MOST_PIXELS, Sums, Tile};
use super::finish::{Finish, Row};
use super::portable;
use crate::isa::Avx2;
use std::arch::x86_64::*;

impl Arch for Avx2 {
    const NAME: &'static str = "avx2-integer";
    const PIXELS: usize = MOST_PIXELS;
    const STEP: usize = 2;
    const PAIRED: bool = true;

    fn dense(self, tile: &Tile<'_>, sums: &mut Sums) {
        tile.check(Self::PIXELS, LANES);
        // SAFETY: the token proves AVX2; the check proves that all windows and weights are there.
        unsafe { dense(tile, sums) }
    }

    fn by_channel(self, tile: &Tile<'_>, sums: &mut Sums) {
        // SAFETY: the token proves AVX2.
        unsafe { by_channel(tile, sums) }
    }

    fn finish(self, finish: &Finish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        // SAFETY: the token proves AVX2.
        unsafe { apply(finish, panel, sums, row) }
    }

    fn widen(self, codes: Codes<'_>, zero: i16, out: &mut [i16]) {
        // SAFETY: the token proves AVX2.
        unsafe { widen(codes, zero, out) }
    }
}

/// # Safety
/// [`Tile::check`] must hold for six pixels, and every run be a multiple of two.
#[target_feature(enable = "avx2")]
unsafe fn dense(tile: &Tile<'_>, sums: &mut Sums) {
    let mut acc = [[_mm256_setzero_si256(); 2]; MOST_PIXELS];
    let mut weights = tile.weights.as_ptr();
    for run in tile.runs {
        let window = tile.slab.as_ptr().wrapping_add(run.start);
        let pixels = tile.bases.map(|base| window.wrapping_add(base));
        for k in (0..run.len).step_by(2) {
            // SAFETY: 32 weights for each pair of elements, by the contract.
            let (low, high) = unsafe {
                (
                    _mm256_loadu_si256(weights.cast()),
                    _mm256_loadu_si256(weights.add(LANES).cast()),
                )
            };
            weights = weights.wrapping_add(2 * LANES);
            for p in 0..MOST_PIXELS {
                // SAFETY: two elements of the pixel's run, by the contract.
                let pair = unsafe { pixels[p].add(k).cast::<i32>().read_unaligned() };
                let pair = _mm256_set1_epi32(pair);
                acc[p][0] = _mm256_add_epi32(acc[p][0], _mm256_madd_epi16(pair, low));
                acc[p][1] = _mm256_add_epi32(acc[p][1], _mm256_madd_epi16(pair, high));
            }
        }
    }
    for (sums, [low, high]) in sums.iter_mut().zip(acc) {
        let to = sums.as_mut_ptr();
        // SAFETY: a pixel has sixteen sums.
        unsafe {
            _mm256_storeu_si256(to.cast(), low);
            _mm256_storeu_si256(to.add(8).cast(), high);
        }
    }
}

#[target_feature(enable = "avx2")]
fn by_channel(tile: &Tile<'_>, sums: &mut Sums) {
    portable::by_channel::<MOST_PIXELS>(tile, sums);
}

#[target_feature(enable = "avx2")]
fn apply(finish: &Finish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
    finish.apply(panel, sums, row);
}

#[target_feature(enable = "avx2")]
fn widen(codes: Codes<'_>, zero: i16, out: &mut [i16]) {
    portable::widen(codes, zero, out);
}
