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

/// Shuffle masks for tables of four units of two pixels, one in each half of a register, two steps. First, of 16
/// codes, the sums of pairs: bytes `4 i..` become nothing, the first, the second and both codes of pair `i`, of
/// units 0 and 1, then of 2 and 3. Then entry `e` of a unit's table is pair sum `e % 4` of its first pair and
/// pair sum `e / 4` of its second: of the first unit of two, then of the second.
const PAIRS: [[[u8; 16]; 2]; 2] = {
    let mut masks = [[[0x80; 16]; 2]; 2];
    let mut i = 0;
    while i < 2 * 16 {
        let (pair, of_pair) = (i / 4, i % 4);
        if of_pair & 1 != 0 {
            masks[i / 16][0][i % 16] = 2 * pair as u8;
        }
        if of_pair & 2 != 0 {
            masks[i / 16][1][i % 16] = 2 * pair as u8 + 1;
        }
        i += 1;
    }
    masks
};
const ENTRIES: [[[u8; 16]; 2]; 2] = {
    let mut masks = [[[0; 16]; 2]; 2];
    let mut i = 0;
    while i < 2 * 16 {
        let (unit, entry) = (i / 16, i as u8 % 16);
        masks[unit][0][i % 16] = 8 * unit as u8 + entry % 4;
        masks[unit][1][i % 16] = 8 * unit as u8 + 4 + entry / 4;
        i += 1;
    }
    masks
};

/// # Safety
/// `row` has whole sixteens of channels for each of `sums`, and `tables` room for all their tables.
#[target_feature(enable = "avx2")]
unsafe fn make_tables(row: Row<'_>, tables: *mut u8, unit_pitch: usize, sums: &mut [i32]) {
    let (pairs, lone) = sums.as_chunks_mut::<2>();
    let lone_pixel = 2 * pairs.len();
    // SAFETY: within the row and the tables by the caller's promise.
    unsafe {
        for (n, sums) in pairs.iter_mut().enumerate() {
            let codes = row.codes.as_ptr().add(2 * n * row.pitch);
            let pixels = [codes, codes.add(row.pitch)];
            let to = tables.add(2 * n * TABLE);
            *sums = make_two(pixels, row.channels, unit_pitch, |at, table| {
                _mm256_storeu_si256(to.add(at).cast(), table);
            });
        }
        if let [sum] = lone {
            let codes = row.codes.as_ptr().add(lone_pixel * row.pitch);
            let to = tables.add(lone_pixel * TABLE);
            [*sum, _] = make_two([codes; 2], row.channels, unit_pitch, |at, table| {
                _mm_storeu_si128(to.add(at).cast(), _mm256_castsi256_si128(table));
            });
        }
    }
}

/// The tables of two pixels, stored by `store` with their distances from that of the first unit, and the sums of the
/// codes.
///
/// # Safety
/// Each of the pixels has `channels` codes, whole sixteens; `store` may be called with the distance of each unit.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn make_two(
    pixels: [*const u8; 2],
    channels: usize,
    unit_pitch: usize,
    store: impl Fn(usize, __m256i),
) -> [i32; 2] {
    // SAFETY: promised by the caller; masks are of 16 bytes.
    unsafe {
        let mut sums = _mm256_setzero_si256();
        for sixteen in 0..channels / 16 {
            let [a, b] = pixels.map(|codes| _mm_loadu_si128(codes.add(16 * sixteen).cast()));
            let codes = _mm256_set_m128i(b, a);
            sums = _mm256_add_epi64(sums, _mm256_sad_epu8(codes, _mm256_setzero_si256()));
            for (two, masks) in PAIRS.iter().enumerate() {
                let pairs = both_of(codes, masks);
                for (unit, masks) in ENTRIES.iter().enumerate() {
                    let at = (4 * sixteen + 2 * two + unit) * unit_pitch;
                    store(at, both_of(pairs, masks));
                }
            }
        }
        let sums = _mm256_add_epi64(sums, _mm256_unpackhi_epi64(sums, sums));
        let second = _mm256_extracti128_si256::<1>(sums);
        [_mm256_castsi256_si128(sums), second].map(|sum| _mm_cvtsi128_si32(sum))
    }
}

/// The sums of the bytes that two masks pick, in each half.
#[target_feature(enable = "avx2")]
#[inline]
fn both_of(bytes: __m256i, masks: &[[u8; 16]; 2]) -> __m256i {
    let [first, second] = masks.map(|mask| {
        // SAFETY: a mask has 16 bytes.
        let mask = unsafe { load_table(mask.as_ptr()) };
        _mm256_shuffle_epi8(bytes, mask)
    });
    _mm256_add_epi8(first, second)
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
