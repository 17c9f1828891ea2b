//! Inner loop for AVX-512 with dot products: `vpdpbusd` multiplies four codes by four weights and
//! adds all to a sum, for sixteen channels at once.
//!
//! Its codes are unsigned and enter as they are, signed ones plus 128; what that adds to every sum
//! is taken off at its start.

#![allow(unsafe_code)]

use super::arch::{Arch, Bytes, Codes, LANES, MOST_PIXELS, Sums, Tile};
use super::finish::{PixelFinish, Row};
use super::levels::{Bend, Floats, Levels, ROUND};
use super::raw;
use crate::isa::Avx512;
use std::arch::x86_64::*;

/// The method with the dot products of AVX-512.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vnni(pub(super) Avx512);

impl Arch for Vnni {
    const NAME: &'static str = "avx512-vnni-integer";
    const PIXELS: usize = MOST_PIXELS;
    const STEP: usize = 4;
    const GROUP: usize = 4;
    const RAW: bool = true;
    type Element = u8;
    type Weight = i8;

    fn padding(zero: i32, signed: bool) -> u8 {
        raw::byte(zero, signed)
    }

    fn dense(self, tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
        tile.check(MOST_PIXELS, LANES);
        // SAFETY: the token proves the instructions; the check proves that all windows and weights
        // are there.
        unsafe { dense(tile, sums) }
    }

    fn by_channel(self, tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
        tile.check(MOST_PIXELS, 1);
        // SAFETY: the token proves the instructions; the check proves that all windows and weights
        // are there.
        unsafe { by_channel(tile, sums) }
    }

    /// By fours of positions: the four weights of each channel.
    fn place_by_channel(position: usize, lane: usize) -> usize {
        position / 4 * 4 * LANES + lane * 4 + position % 4
    }

    fn finish(self, finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
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
        let Some(floats) = &levels.lanes[panel].floats else {
            return self.0.avx2().requantize(levels, panel, sums, count, bytes);
        };
        let (sums, bytes) = (sums.as_chunks().0, bytes.as_chunks_mut().0);
        for i in 0..count.div_ceil(4) {
            // SAFETY: the token proves the instructions.
            unsafe { requantize(levels, floats, &sums[i], &mut bytes[i]) }
        }
    }

    fn fill(self, codes: Codes<'_>, _: i32, out: &mut [u8]) {
        raw::fill(codes, out);
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

/// Four positions at a time, their codes side by side channel by channel.
///
/// # Safety
/// [`Tile::check`] must hold for twelve pixels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn by_channel(tile: &Tile<'_, u8, i8>, sums: &mut Sums) {
    // SAFETY: there are sixteen starts, and 64 bytes of order.
    let (start, order) = unsafe {
        (
            _mm512_loadu_si512(tile.start.as_ptr().cast()),
            _mm512_loadu_si512(SIDE_BY_SIDE.as_ptr().cast()),
        )
    };
    let mut acc = [start; MOST_PIXELS];
    let mut all_weights = tile.weights.chunks_exact(4 * LANES);
    for runs in tile.window.runs().chunks(4) {
        let Some(weights) = all_weights.next() else {
            break;
        };
        // SAFETY: a chunk has 64 weights.
        let weights = unsafe { _mm512_loadu_si512(weights.as_ptr().cast()) };
        // Where fewer than four are left, the first stands for the rest, whose weights are 0.
        let mut starts = [runs[0].start; 4];
        for (start, run) in starts.iter_mut().zip(runs) {
            *start = run.start;
        }
        for p in 0..MOST_PIXELS {
            let window = tile.slab.as_ptr().wrapping_add(tile.bases[p]);
            // SAFETY: sixteen codes of each run, by the contract.
            let codes = unsafe {
                let first = _mm512_castsi128_si512(_mm_loadu_si128(window.add(starts[0]).cast()));
                let second = _mm_loadu_si128(window.add(starts[1]).cast());
                let third = _mm_loadu_si128(window.add(starts[2]).cast());
                let fourth = _mm_loadu_si128(window.add(starts[3]).cast());
                let two = _mm512_inserti32x4::<1>(first, second);
                _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(two, third), fourth)
            };
            acc[p] = _mm512_dpbusd_epi32(acc[p], _mm512_permutexvar_epi8(order, codes), weights);
        }
    }
    for p in 0..MOST_PIXELS {
        // SAFETY: a pixel has sixteen sums.
        unsafe { _mm512_storeu_si512(sums[p].as_mut_ptr().cast(), acc[p]) };
    }
}

/// Byte `4 c + r` is that of channel `c` in run `r`.
const SIDE_BY_SIDE: [u8; 64] = {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 64 {
        order[i] = (i % 4 * 16 + i / 4) as u8;
        i += 1;
    }
    order
};

/// The codes of four pixels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn requantize(
    levels: &Levels,
    floats: &Floats,
    sums: &[[i32; LANES]; 4],
    bytes: &mut [[u8; LANES]; 4],
) {
    // SAFETY: there are sixteen of each.
    let (bias, least, most, factor, addend) = unsafe {
        (
            _mm512_loadu_si512(floats.bias.as_ptr().cast()),
            _mm512_loadu_si512(floats.least.as_ptr().cast()),
            _mm512_loadu_si512(floats.most.as_ptr().cast()),
            _mm512_loadu_ps(floats.factor.as_ptr()),
            _mm512_loadu_ps(floats.addend.as_ptr()),
        )
    };
    let round = _mm512_set1_epi32(ROUND.to_bits() as i32);
    let mut indices = [round; 4];
    for p in 0..4 {
        // SAFETY: a pixel has sixteen sums.
        let sums = unsafe { _mm512_loadu_si512(sums[p].as_ptr().cast()) };
        let sums = _mm512_add_epi32(sums, bias);
        let sums = _mm512_min_epi32(_mm512_max_epi32(sums, least), most);
        let rounded = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), factor, addend);
        indices[p] = _mm512_sub_epi32(_mm512_castps_si512(rounded), round);
    }
    let mut first = _mm512_packs_epi32(indices[0], indices[1]);
    let mut second = _mm512_packs_epi32(indices[2], indices[3]);
    if let Some(bend) = levels.bend {
        (first, second) = (bent(first, bend), bent(second, bend));
    }
    // Four channels of each pixel in turn, then the next four.
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let codes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second));
    let mut codes = _mm512_min_epu8(codes, _mm512_set1_epi8(levels.span as i8));
    if levels.changes.is_some() {
        codes = lookup(&levels.table, codes);
    }
    // SAFETY: four pixels have 64 codes, one after the other.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), codes) };
}

/// [`Bend::apply`]; what is cut at the ends of 16 bits is cut again at those of a byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn bent(indices: __m512i, bend: Bend) -> __m512i {
    let distance = _mm512_subs_epi16(indices, _mm512_set1_epi16(bend.from));
    let shifted = _mm512_sra_epi16(distance, _mm_cvtsi32_si128(bend.shift.into()));
    _mm512_adds_epi16(
        _mm512_max_epi16(distance, shifted),
        _mm512_set1_epi16(bend.to),
    )
}

/// The table's entry for each byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn lookup(table: &[u8; 256], bytes: __m512i) -> __m512i {
    let mut quarters = [bytes; 4];
    for i in 0..4 {
        let quarter = &table[64 * i..][..64];
        // SAFETY: a quarter has 64 entries.
        quarters[i] = unsafe { _mm512_loadu_si512(quarter.as_ptr().cast()) };
    }
    let low = _mm512_permutex2var_epi8(quarters[0], bytes, quarters[1]);
    let high = _mm512_permutex2var_epi8(quarters[2], bytes, quarters[3]);
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high)
}
