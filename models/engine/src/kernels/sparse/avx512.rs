//! Inner loops for AVX-512: look-ups by `vpermb` in tables of 63 elements. Additions are AVX2's: those of
//! 64 bytes nearly all cross cache lines, and were slower by up to 14 %.

#![allow(unsafe_code)]

use super::arch::{Arch, Block, LookUps, Rows};
use super::sum;
use super::terms::List;
use super::vector::{Channels, Vector};
use crate::isa::{Avx2, Avx512};
use std::arch::x86_64::*;

impl Vector for __m512i {
    const LANES: usize = 64;
    type Wide = __m512i;

    #[inline(always)]
    unsafe fn splat(value: u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi8(value as i8) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_add_epi8(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_sub_epi8(self, other) }
    }

    #[inline(always)]
    unsafe fn widen(self) -> [Self; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let zero = _mm512_setzero_si512();
            [
                _mm512_unpacklo_epi8(self, zero),
                _mm512_unpackhi_epi8(self, zero),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_wide(wide: [Self; 2], to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe {
            let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
            let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
            let first = _mm512_permutex2var_epi64(wide[0], first, wide[1]);
            let second = _mm512_permutex2var_epi64(wide[0], second, wide[1]);
            _mm512_storeu_si512(to.cast(), first);
            _mm512_storeu_si512(to.add(32).cast(), second);
        }
    }

    #[inline(always)]
    unsafe fn splat_wide(value: i16) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi16(value) }
    }

    #[inline(always)]
    unsafe fn add_wide(a: Self, b: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_add_epi16(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_wide(a: Self, b: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_sub_epi16(a, b) }
    }
}

impl Channels for __m512i {
    const TABLE: usize = 64;
    const CHUNK: usize = 63;
    const NOTHING: u8 = 63;

    #[inline(always)]
    unsafe fn look_up(table: *const u8, indices: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_permutexvar_epi8(Self::load(indices), Self::load(table)) }
    }
}

impl Arch for Avx512 {
    const NAMES: [&'static str; 2] = [Avx2::NAMES[0], "avx512-sparse-lut"];
    type Positions = <Avx2 as Arch>::Positions;
    type Channels = __m512i;
    type Finishing = Avx2;

    fn finishing(self) -> Avx2 {
        self.avx2()
    }

    fn transpose(self, blocks: &mut [Block]) {
        self.avx2().transpose(blocks);
    }

    fn row_sums(self, rows: &Rows<'_>, list: &List<'_>, sums: &mut [i16]) {
        self.avx2().row_sums(rows, list, sums);
    }

    fn row_codes(self, rows: &Rows<'_>, list: &List<'_>, thresholds: &[i16], codes: &mut [u8]) {
        self.avx2().row_codes(rows, list, thresholds, codes);
    }

    fn look_ups(self, look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: the token proves AVX-512.
        unsafe { look_ups(look, list, sums) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn look_ups(look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]) {
    // SAFETY: AVX-512 is there.
    unsafe { sum::look_ups::<__m512i>(look, list, sums) }
}
