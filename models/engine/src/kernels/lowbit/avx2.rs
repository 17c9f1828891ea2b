//! The method with AVX2: `vpshufb` looks up 32 channels of a pixel at once.
//!
//! A tile is 4 pixels x 64 channels, so eight byte sums stay in registers, and each look-up takes two
//! loads of indices and four of tables for eight shuffles. Sums are kept split: of each pair of bytes
//! the whole 16-bit lane (modulo 2^16) and the upper byte, which takes three operations to flush
//! where two exact halves would take four. So even and odd channels are apart until the very end.

#![allow(unsafe_code)]

mod narrow;
mod tables;
mod wide;

use super::arch::{Arch, Look, Names, Pace, Patch, Row, TABLE, names};
use super::finish::Run;
use super::geometry::Square;
use super::multiplied::Multiplied;
use crate::isa::Avx2;
use std::arch::asm;
use std::arch::x86_64::*;

const LANES: usize = 64;
const PIXELS: usize = 4;

impl Arch for Avx2 {
    const NAMES: Names = names!("avx2", "lut");
    const LANES: usize = LANES;
    const UNIT: usize = 4;
    const TABLE: usize = TABLE;
    const BAND_BYTES: usize = 256 << 10;
    const STEP: usize = 16;
    const PACE: [Pace; 4] = [
        Pace { run: 9, runs: 7 },
        Pace { run: 7, runs: 3 },
        Pace { run: 9, runs: 1 },
        Pace { run: 4, runs: 1 },
    ];
    const PATCH: Patch = Patch {
        size: [1, 4],
        aligned: false,
    };
    const POOLED_PATCH: Patch = Patch {
        size: [2, 2],
        aligned: true,
    };

    #[inline(always)]
    fn tables(self, row: Row<'_>, tables: &mut [u8], unit_pitch: usize, sums: &mut [i32]) {
        if sums.is_empty() {
            return;
        }
        assert!(row.channels.is_multiple_of(16));
        row.check(sums.len(), 4, TABLE, unit_pitch, tables.len());
        // SAFETY: the token proves AVX2; the assertions are the function's conditions.
        unsafe { tables::make(row, tables.as_mut_ptr(), unit_pitch, sums) }
    }

    #[inline(always)]
    fn tiles(self, look: Look<'_>, tables: &[u8], bases: &[u32], sums: &mut [u16], fresh: bool) {
        look.check(LANES);
        let (bases, sums) = (bases.as_chunks().0, sums.as_chunks_mut().0);
        // SAFETY: the token proves AVX2; the assertions are the function's conditions.
        unsafe {
            match (look.pace.run, look.pace.runs) {
                (9, 7) => tiles::<9, 7>(look, tables, bases, sums, fresh),
                (9, _) => tiles::<9, 1>(look, tables, bases, sums, fresh),
                (7, _) => tiles::<7, 3>(look, tables, bases, sums, fresh),
                _ => tiles::<4, 1>(look, tables, bases, sums, fresh),
            }
        }
    }

    fn multiplied_tiles(
        self,
        look: Multiplied<'_>,
        tables: &[u8],
        bases: &[u32],
        sums: &mut [i32],
    ) {
        look.check(LANES, TABLE, bases, tables.len());
        let (bases, sums) = (bases.as_chunks().0, sums.as_chunks_mut().0);
        for (bases, sums) in bases.iter().zip(sums) {
            // SAFETY: the token proves AVX2; the check is the function's condition.
            unsafe { wide::multiplied_tile(&look, tables.as_ptr(), *bases, sums) }
        }
    }

    fn codes(self, run: Run<'_, u16>, thresholds: &[i16]) {
        assert!(thresholds.len().is_multiple_of(LANES));
        // SAFETY: the token proves AVX2; the assertion is the function's condition.
        unsafe {
            match (run.window, run.shift) {
                (1, 1) => narrow::count_reached::<1, 1>(run, thresholds),
                (1, _) => narrow::count_reached::<1, 0>(run, thresholds),
                (_, 1) => narrow::count_reached::<4, 1>(run, thresholds),
                _ => narrow::count_reached::<4, 0>(run, thresholds),
            }
        }
    }

    fn wide_codes(self, run: Run<'_, i32>, thresholds: &[i32]) {
        assert!(thresholds.len().is_multiple_of(LANES));
        // SAFETY: the token proves AVX2; the assertion is the function's condition.
        unsafe {
            match run.window {
                1 => wide::count_reached::<1>(run, thresholds),
                _ => wide::count_reached::<4>(run, thresholds),
            }
        }
    }

    fn lane(channel: usize) -> usize {
        let (half, within) = (channel / 32, channel % 32);
        half * 32 + within % 2 * 16 + within / 2
    }

    fn wide_lane(channel: usize) -> usize {
        let (half, within) = (channel / 32, channel % 32);
        half * 32 + within % 4 * 8 + within / 4
    }

    #[inline(always)]
    fn widen(self, sums: &[u16], wide: &mut [i32]) {
        let (sums, wide) = (sums.as_chunks::<32>().0, wide.as_chunks_mut().0);
        for (sums, wide) in sums.iter().zip(wide) {
            // SAFETY: the token proves AVX2.
            unsafe { wide::widen(sums, wide) }
        }
    }
}

/// Holds values in registers: without it the compiler folds index loads into every shuffle, or
/// hoists loads over several look-ups and spills the sums.
macro_rules! pin {
    ($a:expr, $b:expr) => {
        asm!("/* {0} {1} */", inout(ymm_reg) $a, inout(ymm_reg) $b,
            options(pure, nomem, nostack, preserves_flags))
    };
    ($s:ident) => {
        asm!("/* {0} {1} {2} {3} {4} {5} {6} {7} */",
            inout(ymm_reg) $s[0], inout(ymm_reg) $s[1], inout(ymm_reg) $s[2], inout(ymm_reg) $s[3],
            inout(ymm_reg) $s[4], inout(ymm_reg) $s[5], inout(ymm_reg) $s[6], inout(ymm_reg) $s[7],
            options(nostack, preserves_flags))
    };
}

/// Tiles one after another, each as [`tile`] does it.
///
/// # Safety
/// `RUN` divides the number of offsets, and there are 64 indices for each.
#[target_feature(enable = "avx2")]
unsafe fn tiles<const RUN: usize, const RUNS: usize>(
    look: Look<'_>,
    tables: &[u8],
    bases: &[[u32; PIXELS]],
    sums: &mut [[u16; PIXELS * LANES]],
    fresh: bool,
) {
    let room = tables.len() - look.lookups.reach();
    let farthest = bases.as_flattened().iter().max().copied().unwrap_or(0);
    assert!(farthest as usize <= room);
    let tables = tables.as_ptr();
    // SAFETY: promised by the caller; all that the offsets reach from each base lies in the tables, as
    // asserted; a tile has as many sums as 16 vectors.
    unsafe {
        match look.lookups.square {
            Some(square) if RUN == 9 && square.pooled => {
                square_tiles::<RUNS, true>(look, square, tables, bases, sums, fresh);
            }
            Some(square) if RUN == 9 => {
                square_tiles::<RUNS, false>(look, square, tables, bases, sums, fresh);
            }
            _ => {
                for (bases, sums) in bases.iter().zip(sums) {
                    let pixels = bases.map(|base| tables.add(base as usize));
                    let (offsets, sums) = (look.lookups.offsets(), sums.as_mut_ptr().cast());
                    tile::<RUN, RUNS>(pixels, offsets, look.indices, sums, fresh);
                }
            }
        }
    }
}

/// Looks up runs of `RUN` look-ups, flushing byte sums after every `RUNS`, for four pixels and 64
/// channels. Sums are, for each pixel and half of the channels, one vector of whole lanes and one of
/// upper bytes; they are added to, or made anew if `fresh`.
///
/// # Safety
/// `RUN` divides the number of offsets; there are 64 indices for each, and 16 vectors of sums; 16 bytes
/// can be read at each pixel's pointer plus each offset.
#[target_feature(enable = "avx2")]
#[inline(never)]
unsafe fn tile<const RUN: usize, const RUNS: usize>(
    pixels: [*const u8; PIXELS],
    offsets: &[u32],
    indices: &[u8],
    sums: *mut __m256i,
    mut fresh: bool,
) {
    let (mut at, mut indices) = (offsets.as_ptr(), indices.as_ptr());
    let mut runs = offsets.len() / RUN;
    // SAFETY: loads and stores stay within what the caller promises, since `runs` counts down to 0.
    unsafe {
        while runs > 0 {
            let mut bytes = [_mm256_setzero_si256(); 8];
            let block = if RUNS == 1 { 1 } else { runs.min(RUNS) };
            for _ in 0..block {
                macro_rules! unrolled {
                    ($($k:literal)*) => {
                        $(if $k < RUN {
                            let offset = *at.add($k) as usize;
                            let tables = pixels.map(|pixel| load_table(pixel.add(offset)));
                            look_up(tables, indices.add($k * LANES), &mut bytes);
                        })*
                    };
                }
                unrolled!(0 1 2 3 4 5 6 7 8);
                at = at.add(RUN);
                indices = indices.add(RUN * LANES);
            }
            runs -= block;
            flush(sums, &bytes, fresh);
            fresh = false;
        }
    }
}

/// Tiles of a 3x3 window without gaps, whose tables lie at distances known in advance, so that no list of
/// offsets is read. Pixels beside each other share tables: those of a pooled layer's 2x2 pixels, and of four in
/// a row, are each loaded once for a row of the window.
///
/// # Safety
/// As for [`tile`] with each base from `tables` on, where the offsets are the nine of each unit, and the
/// bases those of 2x2 pixels if `POOLED`.
#[target_feature(enable = "avx2")]
#[inline(never)]
unsafe fn square_tiles<const RUNS: usize, const POOLED: bool>(
    look: Look<'_>,
    square: Square,
    tables: *const u8,
    bases: &[[u32; PIXELS]],
    sums: &mut [[u16; PIXELS * LANES]],
    fresh: bool,
) {
    // SAFETY: promised by the caller; a tile has as many sums as 16 vectors, and pixels in a row have their tables
    // one after another.
    unsafe {
        for (bases, sums) in bases.iter().zip(sums) {
            let pixels = bases.map(|base| tables.add(base as usize));
            let sums = sums.as_mut_ptr().cast();
            if POOLED {
                square_tile::<RUNS, SQUARE>(&look, square, pixels, sums, fresh);
            } else if in_a_row(bases) {
                square_tile::<RUNS, ROW>(&look, square, pixels, sums, fresh);
            } else {
                square_tile::<RUNS, ANY>(&look, square, pixels, sums, fresh);
            }
        }
    }
}

/// How the pixels of a tile lie: 2x2, four in a row, or anyhow.
const SQUARE: u8 = 0;
const ROW: u8 = 1;
const ANY: u8 = 2;

/// Whether pixels are beside each other.
fn in_a_row(bases: &[u32; PIXELS]) -> bool {
    bases.windows(2).all(|two| two[1] == two[0] + TABLE as u32)
}

/// One tile of [`square_tiles`], whose pixels lie as `SHAPE` says.
///
/// # Safety
/// As for [`square_tiles`]; there are 16 vectors of sums.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn square_tile<const RUNS: usize, const SHAPE: u8>(
    look: &Look<'_>,
    square: Square,
    pixels: [*const u8; PIXELS],
    sums: *mut __m256i,
    mut fresh: bool,
) {
    let pitch = square.row_pitch;
    let mut indices = look.indices.as_ptr();
    let mut units = look.lookups.offsets().len() / 9;
    let mut from = match SHAPE {
        SQUARE => [0, pitch, 2 * pitch, 3 * pitch].map(|row| pixels[0].wrapping_add(row)),
        _ => pixels,
    };
    // SAFETY: loads and stores stay within what the caller promises, since `units` counts down to 0.
    unsafe {
        while units > 0 {
            let mut bytes = [_mm256_setzero_si256(); 8];
            let block = if RUNS == 1 { 1 } else { units.min(RUNS) };
            for _ in 0..block {
                macro_rules! window {
                    ($($y:literal)*) => {
                        $(let row = match SHAPE {
                            SQUARE => [from[$y], from[$y].wrapping_add(TABLE), from[$y + 1], from[$y + 1].wrapping_add(TABLE)],
                            _ => from.map(|pixel| pixel.wrapping_add($y * pitch)),
                        };
                        look_up_row::<SHAPE>(row, indices.add(3 * $y * LANES), &mut bytes);)*
                    };
                }
                window!(0 1 2);
                from = from.map(|tables| tables.wrapping_add(square.unit_pitch));
                indices = indices.add(9 * LANES);
            }
            units -= block;
            flush(sums, &bytes, fresh);
            fresh = false;
        }
    }
}

/// The look-ups of a window's row. What pixels move on to is, for those that have another at their right, what
/// that one had.
///
/// # Safety
/// Tables of three columns can be read from each of `from` on, and 3 x 64 indices.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn look_up_row<const SHAPE: u8>(
    from: [*const u8; PIXELS],
    indices: *const u8,
    bytes: &mut [__m256i; 8],
) {
    // SAFETY: promised by the caller; the assembly is empty.
    unsafe {
        let mut tables = from.map(|table| load_table(table));
        look_up(tables, indices, bytes);
        for column in 1..3 {
            let next = |pixel: usize| load_table(from[pixel].wrapping_add(column * TABLE));
            tables = match SHAPE {
                SQUARE => [tables[1], next(1), tables[3], next(3)],
                ROW => [tables[1], tables[2], tables[3], next(3)],
                _ => [next(0), next(1), next(2), next(3)],
            };
            look_up(tables, indices.add(column * LANES), bytes);
        }
    }
}

/// Adds byte sums to those of 16 bits, or stores them there if `fresh`.
///
/// # Safety
/// There are 16 vectors of sums.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn flush(sums: *mut __m256i, bytes: &[__m256i; 8], fresh: bool) {
    // SAFETY: promised by the caller.
    unsafe {
        for i in 0..8 {
            let (both, upper) = (sums.add(2 * i), sums.add(2 * i + 1));
            // A product, since shifts go through the units that shuffle, which are busy.
            let high = _mm256_maddubs_epi16(bytes[i], _mm256_set1_epi16(1 << 8));
            if fresh {
                _mm256_storeu_si256(both, bytes[i]);
                _mm256_storeu_si256(upper, high);
            } else {
                _mm256_storeu_si256(both, _mm256_add_epi16(_mm256_loadu_si256(both), bytes[i]));
                _mm256_storeu_si256(upper, _mm256_add_epi16(_mm256_loadu_si256(upper), high));
            }
        }
    }
}

/// One look-up of four pixels and 64 channels.
///
/// # Safety
/// There are 64 indices.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn look_up(tables: [__m256i; PIXELS], indices: *const u8, bytes: &mut [__m256i; 8]) {
    // SAFETY: promised by the caller; the assembly is empty.
    unsafe {
        let mut low = _mm256_loadu_si256(indices.cast());
        let mut high = _mm256_loadu_si256(indices.add(32).cast());
        pin!(low, high);
        for p in 0..PIXELS {
            bytes[2 * p] = _mm256_add_epi8(bytes[2 * p], _mm256_shuffle_epi8(tables[p], low));
            bytes[2 * p + 1] =
                _mm256_add_epi8(bytes[2 * p + 1], _mm256_shuffle_epi8(tables[p], high));
        }
        pin!(bytes);
    }
}

/// A table, in both halves of a register.
///
/// # Safety
/// 16 bytes can be read.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn load_table(table: *const u8) -> __m256i {
    // SAFETY: promised by the caller.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.cast())) }
}
