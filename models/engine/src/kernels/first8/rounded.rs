//! The inner loops with 16-bit sums of rounded products.
#![allow(unsafe_code)]

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use crate::kernels::integer::arch::{Arch, Bytes, Codes, LANES, Sums, Tile};
use crate::kernels::integer::convolution::Integer;
use crate::kernels::integer::finish::{PixelFinish, Row};
use crate::kernels::integer::levels::Levels;
use crate::kernels::integer::portable::{self, Portable};
use tincy_network::Code;

#[cfg(target_arch = "x86_64")]
use crate::isa::Avx2;
#[cfg(target_arch = "aarch64")]
use crate::isa::Neon;

/// The kernel of a task whose rounded sums fit.
pub(super) fn kernel(task: &Task<'_>, isa: Isa, code: Code) -> Box<dyn Kernel> {
    match isa {
        Isa::Portable => Box::new(Integer::new(Rounded(Portable), task, code)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(avx2) => Box::new(Integer::new(Rounded(avx2), task, code)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(avx512) => Box::new(Integer::new(Rounded(avx512.avx2()), task, code)),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(neon) => Box::new(Integer::new(Rounded(neon), task, code)),
    }
}

/// The most pixels of a tile, which AVX2 finishes at once.
const PIXELS: usize = 6;

/// An instruction set with rounded sums; all but the inner loop is its own.
#[derive(Clone, Copy)]
struct Rounded<A>(A);

/// The inner loop of an instruction set.
trait Round: Arch<Element = i16, Weight = i16> {
    const NAME: &'static str;
    const PIXELS: usize;
    /// How far the slab's elements are shifted to the left.
    const SHIFT: u32;

    /// `sums = 16 * sum of (x * w + 8) >> 4`.
    fn round(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums);
}

impl<A: Round> Arch for Rounded<A> {
    const NAME: &'static str = <A as Round>::NAME;
    const PIXELS: usize = <A as Round>::PIXELS;
    const STEP: usize = 1;
    const GROUP: usize = 1;
    type Element = i16;
    type Weight = i16;

    fn dense(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        self.0.round(tile, sums);
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

    fn fill(self, codes: Codes<'_>, zero: i32, out: &mut [i16]) {
        portable::widen(codes, zero, out);
        out.iter_mut().for_each(|x| *x <<= A::SHIFT);
    }
}

impl Round for Portable {
    const NAME: &'static str = "portable-int8-round16";
    const PIXELS: usize = 1;
    const SHIFT: u32 = 0;

    fn round(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        let mut weights = tile.weights.as_chunks::<LANES>().0.iter();
        let mut own = [0i16; LANES];
        for run in tile.window.runs() {
            let values = &tile.slab[tile.bases[0] + run.start..][..run.len];
            for (x, weights) in values.iter().zip(&mut weights) {
                for lane in 0..LANES {
                    own[lane] += (x.wrapping_mul(weights[lane]) + 8) >> 4;
                }
            }
        }
        sums[0] = own.map(|sum| 16 * i32::from(sum));
    }
}

#[cfg(target_arch = "x86_64")]
impl Round for Avx2 {
    const NAME: &'static str = "avx2-int8-round16";
    const PIXELS: usize = PIXELS;
    // `vpmulhrsw` is `(a * b + 2^14) >> 15`; with a = 2^7 x and b = 2^4 w it is `(x * w + 8) >> 4`.
    const SHIFT: u32 = 7;

    fn round(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, LANES);
        // SAFETY: the token proves AVX2; the check proves that all windows and weights are there.
        unsafe { round_avx2(tile, sums) }
    }
}

/// # Safety
/// [`Tile::check`] must hold for six pixels.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn round_avx2(tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
    use std::arch::x86_64::*;
    let mut acc = [_mm256_setzero_si256(); PIXELS];
    let mut weights = tile.weights.as_ptr();
    for run in tile.window.runs() {
        let window = tile.slab.as_ptr().wrapping_add(run.start);
        let pixels: [_; PIXELS] = std::array::from_fn(|p| window.wrapping_add(tile.bases[p]));
        for k in 0..run.len {
            // SAFETY: sixteen weights for each element, by the contract.
            let row = unsafe { _mm256_loadu_si256(weights.cast()) };
            let row = _mm256_slli_epi16::<4>(row);
            weights = weights.wrapping_add(LANES);
            for p in 0..PIXELS {
                // SAFETY: an element of the pixel's run, by the contract.
                let x = _mm256_set1_epi16(unsafe { pixels[p].add(k).read() });
                acc[p] = _mm256_add_epi16(acc[p], _mm256_mulhrs_epi16(x, row));
            }
        }
    }
    for (sums, acc) in sums.iter_mut().zip(acc) {
        let low = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(acc));
        let high = _mm256_cvtepi16_epi32(_mm256_extracti128_si256::<1>(acc));
        let to = sums.as_mut_ptr();
        // SAFETY: a pixel has sixteen sums.
        unsafe {
            _mm256_storeu_si256(to.cast(), _mm256_slli_epi32::<4>(low));
            _mm256_storeu_si256(to.add(8).cast(), _mm256_slli_epi32::<4>(high));
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Round for Neon {
    const NAME: &'static str = "neon-int8-round16";
    const PIXELS: usize = PIXELS;
    const SHIFT: u32 = 0;

    fn round(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, LANES);
        // SAFETY: the token proves NEON; the check proves that all windows and weights are there.
        unsafe { round_neon(tile, sums) }
    }
}

/// # Safety
/// [`Tile::check`] must hold for six pixels, and all elements and weights fit 8 bits.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn round_neon(tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
    use std::arch::aarch64::*;
    let mut acc = [[vdupq_n_s16(0); 2]; PIXELS];
    let mut weights = tile.weights.as_ptr();
    for run in tile.window.runs() {
        let window = tile.slab.as_ptr().wrapping_add(run.start);
        let pixels: [_; PIXELS] = std::array::from_fn(|p| window.wrapping_add(tile.bases[p]));
        for k in 0..run.len {
            // SAFETY: sixteen weights for each element, by the contract.
            let row = unsafe { [vld1q_s16(weights), vld1q_s16(weights.add(8))] };
            let row = [vmovn_s16(row[0]), vmovn_s16(row[1])];
            weights = weights.wrapping_add(LANES);
            for p in 0..PIXELS {
                // SAFETY: an element of the pixel's run, by the contract.
                let x = vdup_n_s8(unsafe { pixels[p].add(k).read() } as i8);
                acc[p][0] = vrsraq_n_s16::<4>(acc[p][0], vmull_s8(x, row[0]));
                acc[p][1] = vrsraq_n_s16::<4>(acc[p][1], vmull_s8(x, row[1]));
            }
        }
    }
    for (sums, acc) in sums.iter_mut().zip(acc) {
        for (half, acc) in acc.into_iter().enumerate() {
            let low = vshll_n_s16::<4>(vget_low_s16(acc));
            let high = vshll_high_n_s16::<4>(acc);
            // SAFETY: a pixel has sixteen sums.
            unsafe {
                let to = sums.as_mut_ptr().add(8 * half);
                vst1q_s32(to, low);
                vst1q_s32(to.add(4), high);
            }
        }
    }
}
