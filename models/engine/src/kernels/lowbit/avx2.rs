//! The method with AVX2: `vpshufb` looks up 32 channels of a pixel at once.
//!
//! A tile is 4 pixels x 64 channels, so eight byte sums stay in registers, and each look-up takes two
//! loads of indices and four of tables for eight shuffles. Sums are kept split: of each pair of bytes
//! the whole 16-bit lane (modulo 2^16) and the upper byte, which takes three operations to flush
//! where two exact halves would take four. So even and odd channels are apart until the very end.

#![allow(unsafe_code)]

mod wide;

use super::arch::{Arch, Look, Names, Pace, Patch, Row, TABLE, names};
use super::finish::{Pixels, Run};
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
        unsafe { make_tables(row, tables.as_mut_ptr(), unit_pitch, sums) }
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
                (1, 1) => count_reached::<1, 1>(run, thresholds),
                (1, _) => count_reached::<1, 0>(run, thresholds),
                (_, 1) => count_reached::<4, 1>(run, thresholds),
                _ => count_reached::<4, 0>(run, thresholds),
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
                            let pixels = pixels.map(|pixel| pixel.add(offset));
                            look_up(pixels, indices.add($k * LANES), &mut bytes);
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
/// offsets is read. In a pooled layer the four pixels are 2x2, and share rows of tables.
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
    let pitch = square.row_pitch;
    // SAFETY: loads and stores stay within what the caller promises, since `units` counts down to 0.
    unsafe {
        for (bases, sums) in bases.iter().zip(sums) {
            let (mut fresh, mut indices) = (fresh, look.indices.as_ptr());
            let sums = sums.as_mut_ptr().cast();
            let mut units = look.lookups.offsets().len() / 9;
            let mut from = if POOLED {
                let first = tables.add(bases[0] as usize);
                [0, pitch, 2 * pitch, 3 * pitch].map(|row| first.wrapping_add(row))
            } else {
                bases.map(|base| tables.add(base as usize))
            };
            while units > 0 {
                let mut bytes = [_mm256_setzero_si256(); 8];
                let block = if RUNS == 1 { 1 } else { units.min(RUNS) };
                for _ in 0..block {
                    macro_rules! window {
                        ($($y:literal $x:literal)*) => {
                            $(let pixels = if POOLED {
                                let [upper, lower] = [from[$y], from[$y + 1]].map(|row| row.wrapping_add($x * TABLE));
                                [upper, upper.wrapping_add(TABLE), lower, lower.wrapping_add(TABLE)]
                            } else {
                                from.map(|pixel| pixel.wrapping_add($y * pitch + $x * TABLE))
                            };
                            look_up(pixels, indices.add((3 * $y + $x) * LANES), &mut bytes);)*
                        };
                    }
                    window!(0 0  0 1  0 2  1 0  1 1  1 2  2 0  2 1  2 2);
                    from = from.map(|tables| tables.wrapping_add(square.unit_pitch));
                    indices = indices.add(9 * LANES);
                }
                units -= block;
                flush(sums, &bytes, fresh);
                fresh = false;
            }
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
            let high = _mm256_srli_epi16::<8>(bytes[i]);
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
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn look_up(tables: [*const u8; PIXELS], indices: *const u8, bytes: &mut [__m256i; 8]) {
    // SAFETY: in bounds by the caller's promise; the assembly is empty.
    unsafe {
        let mut low = _mm256_loadu_si256(indices.cast());
        let mut high = _mm256_loadu_si256(indices.add(32).cast());
        pin!(low, high);
        for p in 0..PIXELS {
            let table = _mm_loadu_si128(tables[p].cast());
            let table = _mm256_broadcastsi128_si256(table);
            bytes[2 * p] = _mm256_add_epi8(bytes[2 * p], _mm256_shuffle_epi8(table, low));
            bytes[2 * p + 1] = _mm256_add_epi8(bytes[2 * p + 1], _mm256_shuffle_epi8(table, high));
        }
        pin!(bytes);
    }
}

/// Shuffle masks for tables of four units, two steps. First, of 16 codes in both lanes, the sums of
/// pairs: bytes `4 i..` become nothing, the first, the second and both codes of pair `i`, the lower
/// lane for units 0 and 1, the upper for 2 and 3. Then entry `e` of a unit's table is pair sum `e % 4`
/// of its first pair and pair sum `e / 4` of its second: of units 0 and 2, then of 1 and 3.
const PAIRS: [[u8; 32]; 2] = {
    let mut masks = [[0x80; 32]; 2];
    let mut byte = 0;
    while byte < 32 {
        let (pair, of_pair) = (byte / 4, byte % 4);
        if of_pair & 1 != 0 {
            masks[0][byte] = 2 * pair as u8;
        }
        if of_pair & 2 != 0 {
            masks[1][byte] = 2 * pair as u8 + 1;
        }
        byte += 1;
    }
    masks
};
const ENTRIES: [[[u8; 32]; 2]; 2] = {
    let mut masks = [[[0; 32]; 2]; 2];
    let mut i = 0;
    while i < 2 * 32 {
        let (odd, byte) = (i / 32, i % 32);
        let (unit, entry) = (8 * odd as u8, byte as u8 % 16);
        masks[odd][0][byte] = unit + entry % 4;
        masks[odd][1][byte] = unit + 4 + entry / 4;
        i += 1;
    }
    masks
};

/// # Safety
/// `row` has whole sixteens of channels for each of `sums`, and `tables` room for all their tables.
#[target_feature(enable = "avx2")]
unsafe fn make_tables(row: Row<'_>, tables: *mut u8, unit_pitch: usize, sums: &mut [i32]) {
    // SAFETY: within the row and the tables by the caller's promise.
    unsafe {
        let mask = |mask: &[u8; 32]| _mm256_loadu_si256(mask.as_ptr().cast());
        let [first, second] = [mask(&PAIRS[0]), mask(&PAIRS[1])];
        let [even, odd] = [
            [mask(&ENTRIES[0][0]), mask(&ENTRIES[0][1])],
            [mask(&ENTRIES[1][0]), mask(&ENTRIES[1][1])],
        ];
        for x in 0..sums.len() {
            let mut sum = _mm_setzero_si128();
            for sixteen in 0..row.channels / 16 {
                let codes = row.codes.as_ptr().add(x * row.pitch + 16 * sixteen);
                let codes = _mm_loadu_si128(codes.cast());
                sum = _mm_add_epi64(sum, _mm_sad_epu8(codes, _mm_setzero_si128()));
                let codes = _mm256_broadcastsi128_si256(codes);
                let pairs = _mm256_add_epi8(
                    _mm256_shuffle_epi8(codes, first),
                    _mm256_shuffle_epi8(codes, second),
                );
                let to = tables.add(4 * sixteen * unit_pitch + x * TABLE);
                for (n, [low, high]) in [(0, even), (1, odd)] {
                    let both = _mm256_add_epi8(
                        _mm256_shuffle_epi8(pairs, low),
                        _mm256_shuffle_epi8(pairs, high),
                    );
                    let to = to.add(n * unit_pitch);
                    _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(both));
                    let upper = _mm256_extracti128_si256::<1>(both);
                    _mm_storeu_si128(to.add(2 * unit_pitch).cast(), upper);
                }
            }
            let sum = _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum));
            sums[x] = _mm_cvtsi128_si32(sum);
        }
    }
}

/// The codes of 64 channels (or the first of them) at each output pixel of a run.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx2")]
unsafe fn count_reached<const N: usize, const SHIFT: i32>(
    mut run: Run<'_, u16>,
    thresholds: &[i16],
) {
    for n in 0..run.targets.len() {
        let Some(pixels) = run.pixels::<N>(n, LANES) else {
            continue;
        };
        // SAFETY: promised by the caller; sums of a pixel are 64 numbers, and 64 codes are written only
        // where there are as many.
        unsafe {
            let acc = accumulators::<N, SHIFT>(&pixels);
            let [low, high] = reached(acc, thresholds);
            if let Ok(codes) = <&mut [u8; LANES]>::try_from(&mut *pixels.codes) {
                _mm256_storeu_si256(codes.as_mut_ptr().cast(), low);
                _mm256_storeu_si256(codes.as_mut_ptr().add(32).cast(), high);
            } else {
                let codes: [u8; LANES] = std::mem::transmute([low, high]);
                pixels.codes.copy_from_slice(&codes[..pixels.codes.len()]);
            }
        }
    }
}

/// The largest accumulators of a window: of each half of the channels the even, then the odd ones.
///
/// # Safety
/// Sums have 64 lanes.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn accumulators<const N: usize, const SHIFT: i32>(
    pixels: &Pixels<'_, u16, N>,
) -> [__m256i; 4] {
    let mut acc = [_mm256_setzero_si256(); 4];
    for n in 0..N {
        let sums: *const __m256i = pixels.sums[n].as_ptr().cast();
        let area = _mm256_set1_epi16(pixels.areas[n] as i16);
        for half in 0..2 {
            // SAFETY: 64 sums are four vectors.
            let [both, odd] = unsafe {
                [
                    _mm256_loadu_si256(sums.add(2 * half)),
                    _mm256_loadu_si256(sums.add(2 * half + 1)),
                ]
            };
            let even = _mm256_sub_epi16(both, _mm256_slli_epi16::<8>(odd));
            for (i, sum) in [(2 * half, even), (2 * half + 1, odd)] {
                let value = _mm256_sub_epi16(_mm256_slli_epi16::<SHIFT>(sum), area);
                acc[i] = if n == 0 {
                    value
                } else {
                    _mm256_max_epi16(acc[i], value)
                };
            }
        }
    }
    acc
}

/// How many of its thresholds each accumulator is above, as bytes in the order of the channels.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn reached(acc: [__m256i; 4], thresholds: &[i16]) -> [__m256i; 2] {
    let mut counts = [_mm256_setzero_si256(); 4];
    for step in thresholds.chunks_exact(LANES) {
        let step: *const __m256i = step.as_ptr().cast();
        for i in 0..4 {
            // SAFETY: a row of 64 thresholds is four vectors.
            let threshold = unsafe { _mm256_loadu_si256(step.add(i)) };
            counts[i] = _mm256_sub_epi16(counts[i], _mm256_cmpgt_epi16(acc[i], threshold));
        }
    }
    let both = |even, odd| _mm256_or_si256(even, _mm256_slli_epi16::<8>(odd));
    [both(counts[0], counts[1]), both(counts[2], counts[3])]
}
