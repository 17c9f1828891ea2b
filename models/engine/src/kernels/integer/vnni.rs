//! Inner loop for AVX-512 with dot products: `vpdpbusd` multiplies four codes by four weights and
//! adds all to a sum, for sixteen channels at once.
//!
//! Its codes are unsigned and enter as they are, signed ones plus 128; what that adds to every sum
//! is taken off at its start.

#![allow(unsafe_code)]

use super::arch::{Arch, Bytes, Codes, LANES, MOST_PIXELS, Sums, Tile};
use super::finish::{Finish, Row};
use super::levels::Levels;
use crate::isa::Avx512;
use std::arch::x86_64::*;

/// The proof of AVX-512 with dot products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vnni(Avx512);

impl Vnni {
    pub(super) fn detect(avx512: Avx512) -> Option<Vnni> {
        is_x86_feature_detected!("avx512vnni").then_some(Vnni(avx512))
    }
}

impl Arch for Vnni {
    const NAME: &'static str = "avx512-vnni-integer";
    const PIXELS: usize = MOST_PIXELS;
    const STEP: usize = 4;
    const GROUP: usize = 4;
    type Element = u8;
    type Weight = i8;

    fn weight(weight: i8) -> i8 {
        weight
    }

    fn surplus(zero: i32, signed: bool) -> i32 {
        if signed { zero + 128 } else { zero }
    }

    fn element(number: i32) -> u8 {
        number as u8
    }

    fn dense(self, tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
        tile.check(MOST_PIXELS, LANES);
        // SAFETY: the token proves the instructions; the check proves that all windows and weights
        // are there.
        unsafe { dense(tile, sums) }
    }

    fn finish(self, finish: &Finish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        self.0.avx2().finish(finish, panel, sums, row);
    }

    fn requantize(
        self,
        levels: &Levels,
        panel: usize,
        sums: &Sums,
        count: usize,
        bytes: &mut Bytes,
    ) {
        self.0.avx2().requantize(levels, panel, sums, count, bytes);
    }

    fn fill(self, codes: Codes<'_>, _: i32, out: &mut [u8]) {
        match codes {
            Codes::Unsigned(codes) => out.copy_from_slice(codes),
            Codes::Signed(codes) => {
                let pairs = out.iter_mut().zip(codes);
                pairs.for_each(|(out, code)| *out = *code as u8 ^ 0x80);
            }
        }
    }
}

/// # Safety
/// [`Tile::check`] must hold for twelve pixels, and every run be a multiple of four.
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn dense(tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
    // SAFETY: there are sixteen starts.
    let start = unsafe { _mm512_loadu_si512(tile.start.as_ptr().cast()) };
    let mut acc = [start; MOST_PIXELS];
    let mut weights = tile.weights.as_ptr();
    for run in tile.window.runs() {
        let window = tile.slab.as_ptr().wrapping_add(run.start);
        let mut pixels = [window; MOST_PIXELS];
        for p in 0..MOST_PIXELS {
            pixels[p] = window.wrapping_add(tile.bases[p]);
        }
        for k in (0..run.len).step_by(4) {
            // SAFETY: 64 weights for each four elements, by the contract.
            let row = unsafe { _mm512_loadu_si512(weights.cast()) };
            weights = weights.wrapping_add(4 * LANES);
            for p in 0..MOST_PIXELS {
                // SAFETY: four elements of the pixel's run, by the contract.
                let four = unsafe { pixels[p].add(k).cast::<i32>().read_unaligned() };
                acc[p] = _mm512_dpbusd_epi32(acc[p], _mm512_set1_epi32(four), row);
            }
        }
    }
    for p in 0..MOST_PIXELS {
        // SAFETY: a pixel has sixteen sums.
        unsafe { _mm512_storeu_si512(sums[p].as_mut_ptr().cast(), acc[p]) };
    }
}
