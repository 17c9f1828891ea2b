//! Inner loops for AVX2 on bytes: `vpmaddubsw` multiplies pairs of codes by pairs of weights and adds them in 16
//! bits, which `vpmaddwd` widens and adds in pairs; weights are split so that 16 bits are enough ([`pairs`]).
//! Three instructions for 32 products, or hardly more than two where weights or codes are small, against four in
//! 16 bits, and half the memory.
//!
//! [`pairs`]: super::pairs

#![allow(unsafe_code)]

use super::arch::{Arch, Bytes, Codes, LANES, Sums, Tile};
use super::avx2::{eight, store};
use super::finish::{PixelFinish, Row};
use super::levels::Levels;
use super::pairs::{DEEP, FOUR, Half};
use super::raw;
use crate::isa::Avx2;
use std::arch::asm;
use std::arch::x86_64::*;

/// Pixels of a tile.
const PIXELS: usize = 6;

/// Pixels that are summed at once where 16-bit sums stay in registers beside those of 32.
const DEEP_PIXELS: usize = 3;

/// The method with AVX2's products of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maddubs(pub(super) Avx2);

impl Arch for Maddubs {
    const NAME: &'static str = "avx2-maddubs-integer";
    const PIXELS: usize = PIXELS;
    const STEP: usize = FOUR;
    const GROUP: usize = FOUR;
    const RAW: bool = true;
    type Element = u8;
    type Weight = i8;

    fn padding(zero: i32, signed: bool) -> u8 {
        raw::byte(zero, signed)
    }

    fn dense(self, tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
        tile.check(PIXELS, LANES);
        // SAFETY: the token proves AVX2; the check proves that all windows and weights are there.
        unsafe {
            match tile.depth {
                DEEP => deep::<DEEP>(tile, sums),
                _ => shallow(tile, sums),
            }
        }
    }

    fn finish(self, finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        self.0.finish(finish, panel, sums, row);
    }

    fn requantize(
        self,
        levels: &Levels,
        panel: usize,
        sums: &Sums,
        count: usize,
        bytes: &mut Bytes,
    ) {
        self.0.requantize(levels, panel, sums, count, bytes);
    }

    fn fill(self, codes: Codes<'_>, _: i32, out: &mut [u8]) {
        raw::fill(codes, out);
    }
}

/// Sums of `P` pixels: the first eight channels, then the others.
type Pixels<const P: usize> = [[__m256i; 2]; P];

/// Sixteen ones, for a register is left for none.
static ONES: __m256i = {
    let ones = [1i16; LANES];
    // SAFETY: both are 32 bytes of any value.
    unsafe { std::mem::transmute(ones) }
};

// The compiler would make all products first and spill them; so what belongs together is one piece of assembly.

/// Adds the products of four elements and 32 weights to sums of 32 bits.
macro_rules! multiply_and_add {
    ($acc:expr, $elements:expr, $weights:expr, $ones:expr) => {
        asm!(
            "vpmaddubsw {products}, {elements}, {weights}",
            "vpmaddwd {products}, {products}, ymmword ptr [{ones}]",
            "vpaddd {acc}, {acc}, {products}",
            products = out(ymm_reg) _, elements = in(ymm_reg) $elements, weights = in(ymm_reg) $weights,
            acc = inout(ymm_reg) $acc, ones = in(reg) $ones,
            options(pure, readonly, nostack, preserves_flags),
        )
    };
}

/// Adds them to sums of 16 bits.
macro_rules! multiply_and_add_narrow {
    ($sums:expr, $elements:expr, $weights:expr) => {
        asm!(
            "vpmaddubsw {products}, {elements}, {weights}",
            "vpaddw {sums}, {sums}, {products}",
            products = out(ymm_reg) _, elements = in(ymm_reg) $elements, weights = in(ymm_reg) $weights,
            sums = inout(ymm_reg) $sums,
            options(pure, nomem, nostack, preserves_flags),
        )
    };
}

/// The sums of six pixels, where two products fill 16 bits.
///
/// # Safety
/// [`Tile::check`] must hold for six pixels, and every run be a multiple of four.
#[target_feature(enable = "avx2")]
unsafe fn shallow(tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
    let mut acc = [load(tile.start); PIXELS];
    let mut weights = tile.weights.as_ptr();
    // SAFETY: all fours are the window's, with 64 weights each, by the contract.
    unsafe {
        for run in tile.window.runs() {
            let pixels = windows(tile, 0, run.start);
            for k in (0..run.len).step_by(FOUR) {
                four(pixels, k, weights, &mut acc);
                weights = weights.add(FOUR * LANES);
            }
        }
        for (half, starts) in tile.again.starts().iter().enumerate() {
            for start in starts {
                again(windows(tile, 0, *start), half, weights, &mut acc);
                weights = weights.add(size_of::<Half>());
            }
        }
    }
    store_all(acc, sums);
}

/// The sums of six pixels, of which `N` fours' products fit 16 bits, without second weights: run by run, so that
/// its weights are near when the other half of the pixels needs them.
///
/// # Safety
/// As for [`shallow`].
#[target_feature(enable = "avx2")]
unsafe fn deep<const N: usize>(tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
    sums[..PIXELS].fill(*tile.start);
    let mut weights = tile.weights.as_ptr();
    // SAFETY: all fours are the window's, with 64 weights each, by the contract.
    unsafe {
        for run in tile.window.runs() {
            for first in [0, DEEP_PIXELS] {
                deep_run::<N>(
                    windows(tile, first, run.start),
                    run.len,
                    weights,
                    &mut sums[first..],
                );
            }
            weights = weights.add(run.len * LANES);
        }
    }
}

/// Adds a run of three pixels.
///
/// # Safety
/// Each has `len` elements, a multiple of four, with 64 weights each four.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn deep_run<const N: usize>(
    pixels: [*const u8; DEEP_PIXELS],
    len: usize,
    weights: *const i8,
    sums: &mut [[i32; LANES]],
) {
    let mut acc = [load(&sums[0]), load(&sums[1]), load(&sums[2])];
    let whole = len - len % (N * FOUR);
    // SAFETY: promised by the caller.
    unsafe {
        for k in (0..whole).step_by(N * FOUR) {
            fours::<N>(pixels, k, weights.add(k * LANES), &mut acc);
        }
        for k in (whole..len).step_by(FOUR) {
            four(pixels, k, weights.add(k * LANES), &mut acc);
        }
    }
    store_all(acc, sums);
}

/// Where `P` pixels from pixel `first` on have a run.
#[inline(always)]
fn windows<const P: usize>(tile: &Tile<'_, u8, i8>, first: usize, start: usize) -> [*const u8; P] {
    let mut pixels = [tile.slab.as_ptr(); P];
    for (pixel, base) in pixels.iter_mut().zip(&tile.bases[first..]) {
        *pixel = pixel.wrapping_add(base + start);
    }
    pixels
}

/// A pixel's sums in registers.
#[inline]
#[target_feature(enable = "avx2")]
fn load(sums: &[i32; LANES]) -> [__m256i; 2] {
    [eight(sums, 0), eight(sums, 1)]
}

/// Adds the products of four elements of each pixel from its `k`th on.
///
/// # Safety
/// There are four elements, and 64 weights.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn four<const P: usize>(
    pixels: [*const u8; P],
    k: usize,
    weights: *const i8,
    acc: &mut Pixels<P>,
) {
    // SAFETY: promised by the caller; the assembly reads the ones.
    unsafe {
        let [low, high] = load_weights(weights);
        for p in 0..P {
            let elements = load_elements(pixels[p].add(k));
            multiply_and_add!(acc[p][0], elements, low, &ONES);
            multiply_and_add!(acc[p][1], elements, high, &ONES);
        }
    }
}

/// Adds the products of four elements of each pixel for a half of the channels.
///
/// # Safety
/// There are four elements, and 32 weights.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn again(
    pixels: [*const u8; PIXELS],
    half: usize,
    weights: *const i8,
    acc: &mut Pixels<PIXELS>,
) {
    // SAFETY: promised by the caller; the assembly reads the ones.
    unsafe {
        let weights = _mm256_loadu_si256(weights.cast());
        for p in 0..PIXELS {
            multiply_and_add!(acc[p][half], load_elements(pixels[p]), weights, &ONES);
        }
    }
}

/// Adds the products of `N` fours, which fit 16 bits.
///
/// # Safety
/// There are as many elements, and 64 weights for each four.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn fours<const N: usize>(
    pixels: [*const u8; DEEP_PIXELS],
    k: usize,
    weights: *const i8,
    acc: &mut Pixels<DEEP_PIXELS>,
) {
    let mut sums = [[_mm256_setzero_si256(); 2]; DEEP_PIXELS];
    // SAFETY: promised by the caller; the assembly has no effects.
    unsafe {
        for n in 0..N {
            let [low, high] = load_weights(weights.add(n * FOUR * LANES));
            for p in 0..DEEP_PIXELS {
                let elements = load_elements(pixels[p].add(k + n * FOUR));
                if n == 0 {
                    sums[p] = [low, high].map(|weights| _mm256_maddubs_epi16(elements, weights));
                } else {
                    multiply_and_add_narrow!(sums[p][0], elements, low);
                    multiply_and_add_narrow!(sums[p][1], elements, high);
                }
            }
        }
    }
    for p in 0..DEEP_PIXELS {
        for half in 0..2 {
            let both = _mm256_madd_epi16(sums[p][half], _mm256_set1_epi16(1));
            acc[p][half] = _mm256_add_epi32(acc[p][half], both);
        }
    }
}

/// # Safety
/// There are 64 weights.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_weights(weights: *const i8) -> [__m256i; 2] {
    // SAFETY: promised by the caller.
    unsafe {
        [
            _mm256_loadu_si256(weights.cast()),
            _mm256_loadu_si256(weights.add(32).cast()),
        ]
    }
}

/// Four elements, again and again.
///
/// # Safety
/// There are four.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_elements(elements: *const u8) -> __m256i {
    // SAFETY: promised by the caller.
    _mm256_set1_epi32(unsafe { elements.cast::<i32>().read_unaligned() })
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_all<const P: usize>(acc: Pixels<P>, sums: &mut [[i32; LANES]]) {
    for (sums, [low, high]) in sums.iter_mut().zip(acc) {
        store(sums, low, high);
    }
}
