//! Inner loops for AVX2: an addition of 32 bytes is one instruction, `vpaddb` from memory; a look-up
//! is `vpshufb` in tables of sixteen elements.

#![allow(unsafe_code)]

use super::arch::{Arch, Block, LookUps, Rows, SIDE};
use super::sum;
use super::terms::List;
use super::vector::{Channels, Positions, Vector};
use crate::isa::Avx2;
use std::arch::x86_64::*;

impl Vector for __m256i {
    const LANES: usize = 32;
    type Wide = __m256i;

    #[inline(always)]
    unsafe fn splat(value: u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_epi8(value as i8) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_add_epi8(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_sub_epi8(self, other) }
    }

    #[inline(always)]
    unsafe fn widen(self) -> [Self; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let zero = _mm256_setzero_si256();
            [
                _mm256_unpacklo_epi8(self, zero),
                _mm256_unpackhi_epi8(self, zero),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_wide(wide: [Self; 2], to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe {
            let first = _mm256_permute2x128_si256::<0x20>(wide[0], wide[1]);
            let second = _mm256_permute2x128_si256::<0x31>(wide[0], wide[1]);
            _mm256_storeu_si256(to.cast(), first);
            _mm256_storeu_si256(to.add(16).cast(), second);
        }
    }

    #[inline(always)]
    unsafe fn splat_wide(value: i16) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_epi16(value) }
    }

    #[inline(always)]
    unsafe fn add_wide(a: Self, b: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_add_epi16(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_wide(a: Self, b: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_sub_epi16(a, b) }
    }
}

impl Positions for __m256i {
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), self) }
    }

    #[inline(always)]
    unsafe fn narrow(wide: [Self; 2]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_packus_epi16(wide[0], wide[1]) }
    }

    #[inline(always)]
    unsafe fn count_above(count: Self, sum: Self, threshold: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_sub_epi16(count, _mm256_cmpgt_epi16(sum, threshold)) }
    }
}

impl Channels for __m256i {
    const TABLE: usize = 16;
    const CHUNK: usize = 16;
    const NOTHING: u8 = 0x80;

    #[inline(always)]
    unsafe fn look_up(table: *const u8, indices: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.cast()));
            _mm256_shuffle_epi8(table, Self::load(indices))
        }
    }
}

impl Arch for Avx2 {
    const NAMES: [&'static str; 2] = ["avx2-sparse", "avx2-sparse-lut"];
    type Positions = __m256i;
    type Channels = __m256i;
    type Finishing = Avx2;

    fn finishing(self) -> Avx2 {
        self
    }

    fn transpose(self, blocks: &mut [Block]) {
        let (pairs, rest) = blocks.as_chunks_mut();
        for pair in pairs {
            // SAFETY: the token proves AVX2.
            unsafe { transpose(pair) }
        }
        for block in rest {
            let mut pair = [*block; 2];
            // SAFETY: as above.
            unsafe { transpose(&mut pair) }
            *block = pair[0];
        }
    }

    fn row_sums(self, rows: &Rows<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: the token proves AVX2.
        unsafe { row_sums(rows, list, sums) }
    }

    fn row_codes(self, rows: &Rows<'_>, list: &List<'_>, thresholds: &[i16], codes: &mut [u8]) {
        // SAFETY: the token proves AVX2.
        unsafe { row_codes(rows, list, thresholds, codes) }
    }

    fn look_ups(self, look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: the token proves AVX2.
        unsafe { look_ups(look, list, sums) }
    }
}

#[target_feature(enable = "avx2")]
fn row_sums(rows: &Rows<'_>, list: &List<'_>, sums: &mut [i16]) {
    // SAFETY: AVX2 is there.
    unsafe { sum::row_sums::<__m256i>(rows, list, sums) }
}

#[target_feature(enable = "avx2")]
fn row_codes(rows: &Rows<'_>, list: &List<'_>, thresholds: &[i16], codes: &mut [u8]) {
    // SAFETY: AVX2 is there.
    unsafe { sum::row_codes::<__m256i>(rows, list, thresholds, codes) }
}

#[target_feature(enable = "avx2")]
fn look_ups(look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]) {
    // SAFETY: AVX2 is there.
    unsafe { sum::look_ups::<__m256i>(look, list, sums) }
}

/// Interleaving the two halves of the rows turns each byte's place, eight bits, by one; four times
/// exchange row and column. Each block has a half of the registers.
#[target_feature(enable = "avx2")]
fn transpose([first, second]: &mut [Block; 2]) {
    let mut rows = [_mm256_setzero_si256(); SIDE];
    for i in 0..SIDE {
        // SAFETY: a row has sixteen bytes.
        rows[i] = unsafe {
            let low = _mm256_castsi128_si256(_mm_loadu_si128(first[i].as_ptr().cast()));
            _mm256_inserti128_si256::<1>(low, _mm_loadu_si128(second[i].as_ptr().cast()))
        };
    }
    for _ in 0..4 {
        let mut turned = rows;
        for i in 0..SIDE / 2 {
            turned[2 * i] = _mm256_unpacklo_epi8(rows[i], rows[i + SIDE / 2]);
            turned[2 * i + 1] = _mm256_unpackhi_epi8(rows[i], rows[i + SIDE / 2]);
        }
        rows = turned;
    }
    for i in 0..SIDE {
        // SAFETY: a row has sixteen bytes.
        unsafe {
            _mm_storeu_si128(
                first[i].as_mut_ptr().cast(),
                _mm256_castsi256_si128(rows[i]),
            );
            let high = _mm256_extracti128_si256::<1>(rows[i]);
            _mm_storeu_si128(second[i].as_mut_ptr().cast(), high);
        }
    }
}
