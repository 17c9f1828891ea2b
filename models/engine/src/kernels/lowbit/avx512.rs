//! The method with AVX-512: `vpermb` looks up 64 channels of a pixel in a table of 64 bytes, so a table
//! serves six channels at once where those of 16 bytes serve four.
//!
//! A tile is 4 pixels x 64 channels, whose 16-bit sums stay in registers; they are kept split as with
//! AVX2: of each pair of bytes the whole lane and the upper byte. Sums that are multiplied by position need
//! none of that: `vpdpbusd` multiplies bytes and adds to 32 bits, and with a multiplier beside three zeros it
//! takes one of each four channels.

#![allow(unsafe_code)]

mod wide;

use super::arch::{Arch, Look, Names, Pace, Patch, Row, names};
use super::finish::{Pixels, Run};
use super::multiplied::Multiplied;
use crate::isa::Avx512;
use std::arch::x86_64::*;

const LANES: usize = 64;
const PIXELS: usize = 4;
const UNIT: usize = 6;
const TABLE: usize = 64;
/// Channels that become tables at once: five units.
const BATCH: usize = 30;

impl Arch for Avx512 {
    const NAMES: Names = names!("avx512", "lut");
    const LANES: usize = LANES;
    const UNIT: usize = UNIT;
    const TABLE: usize = TABLE;
    const BAND_BYTES: usize = 768 << 10;
    const STEP: usize = 1;
    const PACE: [Pace; 4] = [
        Pace { run: 6, runs: 7 },
        Pace { run: 7, runs: 2 },
        Pace { run: 6, runs: 1 },
        Pace { run: 2, runs: 1 },
    ];
    const PATCH: Patch = Patch {
        size: [1, 4],
        aligned: false,
    };
    const POOLED_PATCH: Patch = Patch {
        size: [2, 2],
        aligned: true,
    };

    fn tables(self, row: Row<'_>, tables: &mut [u8], unit_pitch: usize, sums: &mut [i32]) {
        if sums.is_empty() {
            return;
        }
        row.check(sums.len(), UNIT, TABLE, unit_pitch, tables.len());
        // SAFETY: the token proves AVX-512; the assertions are the function's conditions.
        unsafe { make_tables(row, tables.as_mut_ptr(), unit_pitch, sums) }
    }

    fn tiles(self, look: Look<'_>, tables: &[u8], bases: &[u32], sums: &mut [u16], fresh: bool) {
        look.check(LANES);
        let (bases, sums) = (bases.as_chunks().0, sums.as_chunks_mut().0);
        // SAFETY: the token proves AVX-512; the assertions are the function's conditions.
        unsafe {
            match (look.pace.run, look.pace.runs) {
                (6, 7) => tiles::<6, 7>(look, tables, bases, sums, fresh),
                (6, _) => tiles::<6, 1>(look, tables, bases, sums, fresh),
                (7, _) => tiles::<7, 2>(look, tables, bases, sums, fresh),
                _ => tiles::<2, 1>(look, tables, bases, sums, fresh),
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
            // SAFETY: the token proves AVX-512; the check is the function's condition.
            unsafe { wide::multiplied_tile(&look, tables.as_ptr(), *bases, sums) }
        }
    }

    fn codes(self, run: Run<'_, u16>, thresholds: &[i16]) {
        assert!(thresholds.len().is_multiple_of(LANES));
        // SAFETY: the token proves AVX-512; the assertion is the function's condition.
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
        // SAFETY: the token proves AVX-512; the assertion is the function's condition.
        unsafe {
            match run.window {
                1 => wide::count_reached::<1>(run, thresholds),
                _ => wide::count_reached::<4>(run, thresholds),
            }
        }
    }

    fn lane(channel: usize) -> usize {
        channel % 2 * 32 + channel / 2
    }

    fn wide_lane(channel: usize) -> usize {
        channel % 4 * 16 + channel / 4
    }

    fn widen(self, sums: &[u16], wide: &mut [i32]) {
        let (sums, wide) = (sums.as_chunks::<LANES>().0, wide.as_chunks_mut().0);
        for (sums, wide) in sums.iter().zip(wide) {
            // SAFETY: the token proves AVX-512.
            unsafe { wide::widen(sums, wide) }
        }
    }
}

/// Tiles one after another: runs of `RUN` look-ups, byte sums flushed after every `RUNS`. Sums of a pixel
/// are one vector of whole lanes and one of upper bytes; they are added to, or made anew if `fresh`.
///
/// # Safety
/// `RUN` divides the number of offsets, and there are 64 indices for each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
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
    let (offsets, tables) = (look.lookups.offsets(), tables.as_ptr());
    for (bases, sums) in bases.iter().zip(sums) {
        let sums: *mut __m512i = sums.as_mut_ptr().cast();
        let mut total = [[_mm512_setzero_si512(); 2]; PIXELS];
        // SAFETY: promised by the caller; all that the offsets reach from each base lies in the tables,
        // as asserted; a tile has as many sums as 8 vectors.
        unsafe {
            if !fresh {
                for (p, total) in total.iter_mut().enumerate() {
                    *total = [0, 1].map(|i| _mm512_loadu_si512(sums.add(2 * p + i)));
                }
            }
            let pixels = bases.map(|base| tables.add(base as usize));
            add_look_ups::<RUN, RUNS>(pixels, offsets, look.indices.as_ptr(), &mut total);
            for (p, total) in total.iter().enumerate() {
                _mm512_storeu_si512(sums.add(2 * p), total[0]);
                _mm512_storeu_si512(sums.add(2 * p + 1), total[1]);
            }
        }
    }
}

/// The look-ups of a tile.
///
/// # Safety
/// `RUN` divides the number of offsets, and there are 64 indices for each; 64 bytes can be read at each
/// pixel's pointer plus each offset.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
unsafe fn add_look_ups<const RUN: usize, const RUNS: usize>(
    pixels: [*const u8; PIXELS],
    offsets: &[u32],
    mut indices: *const u8,
    total: &mut [[__m512i; 2]; PIXELS],
) {
    for offsets in offsets.chunks(RUN * RUNS) {
        let mut bytes = [_mm512_setzero_si512(); PIXELS];
        for offsets in offsets.as_chunks::<RUN>().0 {
            for offset in offsets {
                // SAFETY: promised by the caller.
                unsafe {
                    let index = _mm512_loadu_si512(indices.cast());
                    for p in 0..PIXELS {
                        let table = pixels[p].add(*offset as usize);
                        let table = _mm512_loadu_si512(table.cast());
                        let found = _mm512_permutexvar_epi8(index, table);
                        bytes[p] = _mm512_add_epi8(bytes[p], found);
                    }
                    indices = indices.add(LANES);
                }
            }
        }
        for (total, bytes) in total.iter_mut().zip(bytes) {
            total[0] = _mm512_add_epi16(total[0], bytes);
            total[1] = _mm512_add_epi16(total[1], _mm512_srli_epi16::<8>(bytes));
        }
    }
}

/// Where in 30 codes the first and the second of each pair lie, four times each: pair sums `4 i..` are
/// nothing, the first, the second and both codes of pair `i`, by the masks [`TAKES`].
const PAIRS: [[u8; 64]; 2] = {
    let mut places = [[0; 64]; 2];
    let mut byte = 0;
    while byte < 2 * BATCH {
        places[0][byte] = byte as u8 / 4 * 2;
        places[1][byte] = byte as u8 / 4 * 2 + 1;
        byte += 1;
    }
    places
};

/// Which pair sums take the first and the second code.
const TAKES: [u64; 2] = [0x0aaa_aaaa_aaaa_aaaa, 0x0ccc_cccc_cccc_cccc];

/// The three pair sums that make each entry of a table, for five units: two bits of an entry's number
/// choose one of a pair's four.
const ENTRIES: [[[u8; 64]; 3]; BATCH / UNIT] = {
    let mut places = [[[0; 64]; 3]; BATCH / UNIT];
    let mut i = 0;
    while i < BATCH / UNIT * 3 * 64 {
        let (unit, pair, entry) = (i / 192, i / 64 % 3, i % 64);
        places[unit][pair][entry] = (12 * unit + 4 * pair + ((entry >> (2 * pair)) & 3)) as u8;
        i += 1;
    }
    places
};

/// # Safety
/// `row` has its channels for each of `sums`, and `tables` room for all their tables.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn make_tables(row: Row<'_>, tables: *mut u8, unit_pitch: usize, sums: &mut [i32]) {
    // SAFETY: within the row and the tables by the caller's promise; constants have 64 bytes.
    unsafe {
        let constant = |bytes: &[u8; 64]| _mm512_loadu_si512(bytes.as_ptr().cast());
        let pairs = [constant(&PAIRS[0]), constant(&PAIRS[1])];
        for x in 0..sums.len() {
            let codes = row.codes.as_ptr().add(x * row.pitch);
            let mut sum = _mm256_setzero_si256();
            for first in (0..row.channels).step_by(BATCH) {
                let mask = u32::MAX >> (32 - BATCH.min(row.channels - first));
                let codes = _mm256_maskz_loadu_epi8(mask, codes.add(first).cast());
                sum = _mm256_add_epi64(sum, _mm256_sad_epu8(codes, _mm256_setzero_si256()));
                let codes = _mm512_zextsi256_si512(codes);
                let sums = _mm512_add_epi8(
                    _mm512_maskz_permutexvar_epi8(TAKES[0], pairs[0], codes),
                    _mm512_maskz_permutexvar_epi8(TAKES[1], pairs[1], codes),
                );
                let mut to = tables.add(first / UNIT * unit_pitch + x * TABLE);
                let units = (row.channels - first).div_ceil(UNIT);
                for entries in ENTRIES.iter().take(units) {
                    let [a, b, c] = [&entries[0], &entries[1], &entries[2]]
                        .map(|places| _mm512_permutexvar_epi8(constant(places), sums));
                    let table = _mm512_add_epi8(_mm512_add_epi8(a, b), c);
                    _mm512_storeu_si512(to.cast(), table);
                    to = to.wrapping_add(unit_pitch);
                }
            }
            sums[x] = total(sum);
        }
    }
}

/// The sum of four numbers.
#[target_feature(enable = "avx2")]
#[inline]
fn total(sum: __m256i) -> i32 {
    let sum = _mm_add_epi64(
        _mm256_castsi256_si128(sum),
        _mm256_extracti128_si256::<1>(sum),
    );
    _mm_cvtsi128_si32(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)))
}

/// The codes of 64 channels (or the first of them) at each output pixel of a run.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn count_reached<const N: usize, const SHIFT: u32>(
    mut run: Run<'_, u16>,
    thresholds: &[i16],
) {
    let written = u64::MAX >> (LANES - run.count);
    for n in 0..run.targets.len() {
        let Some(pixels) = run.pixels::<N>(n, LANES) else {
            continue;
        };
        // SAFETY: promised by the caller; sums of a pixel are 64 numbers, and of the codes only as many
        // are written as there are.
        unsafe {
            let acc = accumulators::<N, SHIFT>(&pixels);
            let codes = reached(acc, thresholds);
            _mm512_mask_storeu_epi8(pixels.codes.as_mut_ptr().cast(), written, codes);
        }
    }
}

/// The largest accumulators of a window: those of even channels, then of odd ones.
///
/// # Safety
/// Sums have 64 lanes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
unsafe fn accumulators<const N: usize, const SHIFT: u32>(
    pixels: &Pixels<'_, u16, N>,
) -> [__m512i; 2] {
    let mut acc = [_mm512_set1_epi16(i16::MIN); 2];
    for n in 0..N {
        let sums: *const __m512i = pixels.sums[n].as_ptr().cast();
        let area = _mm512_set1_epi16(pixels.areas[n] as i16);
        // SAFETY: 64 sums are two vectors.
        let [both, odd] = unsafe { [0, 1].map(|i| _mm512_loadu_si512(sums.add(i))) };
        let even = _mm512_sub_epi16(both, _mm512_slli_epi16::<8>(odd));
        for (acc, sum) in acc.iter_mut().zip([even, odd]) {
            let value = _mm512_sub_epi16(_mm512_slli_epi16::<SHIFT>(sum), area);
            *acc = _mm512_max_epi16(*acc, value);
        }
    }
    acc
}

/// How many of its thresholds each accumulator is above, as bytes in the order of the channels.
///
/// # Safety
/// Thresholds are whole rows of 64.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
unsafe fn reached(acc: [__m512i; 2], thresholds: &[i16]) -> __m512i {
    let mut counts = [_mm512_setzero_si512(); 2];
    for step in thresholds.chunks_exact(LANES) {
        let step: *const __m512i = step.as_ptr().cast();
        for i in 0..2 {
            // SAFETY: a row of 64 thresholds is two vectors.
            let threshold = unsafe { _mm512_loadu_si512(step.add(i)) };
            let above = _mm512_cmpgt_epi16_mask(acc[i], threshold);
            counts[i] = _mm512_mask_add_epi16(counts[i], above, counts[i], _mm512_set1_epi16(1));
        }
    }
    _mm512_or_si512(counts[0], _mm512_slli_epi16::<8>(counts[1]))
}
