//! The method with NEON: `tbl` looks up 16 channels of a pixel at once.
//!
//! A tile is 3 pixels x 32 channels: six byte sums and all twelve vectors of 16-bit sums stay in
//! registers, with room left for six look-ups under way, so that an in-order core need not wait for
//! each. Along a row of a 3x3 window the tables slide from pixel to pixel: five loads serve nine
//! look-ups. Other windows load a table for each look-up.

#![allow(unsafe_code)]

use super::arch::{Arch, Look, Names, Pace, Patch, Row, TABLE, names};
use super::finish::{self, Pixels, Run};
use super::geometry::Square;
use super::multiplied::{Multiplied, Room};
use crate::isa::Neon;
use std::arch::aarch64::*;
use std::arch::asm;

const LANES: usize = 32;
const PIXELS: usize = 3;

/// Byte sums: the lower 16 channels of the three pixels, then the upper.
type Bytes = [uint8x16_t; 6];
/// 16-bit sums: the four eights of channels of the first pixel, and so on.
type Sums = [uint16x8_t; 12];

impl Arch for Neon {
    const NAMES: Names = names!("neon", "lut");
    const LANES: usize = LANES;
    const UNIT: usize = 4;
    const TABLE: usize = TABLE;
    const BAND_BYTES: usize = 256 << 10;
    const STEP: usize = 16;
    const PACE: [Pace; 4] = [
        Pace { run: 1, runs: 63 },
        Pace { run: 1, runs: 21 },
        Pace { run: 1, runs: 9 },
        Pace { run: 1, runs: 4 },
    ];
    const PATCH: Patch = Patch {
        size: [1, 3],
        aligned: true,
    };
    const POOLED_PATCH: Patch = Patch {
        size: [2, 6],
        aligned: true,
    };

    fn tables(self, row: Row<'_>, tables: &mut [u8], unit_pitch: usize, sums: &mut [i32]) {
        if sums.is_empty() {
            return;
        }
        assert!(row.channels.is_multiple_of(16));
        row.check(sums.len(), 4, TABLE, unit_pitch, tables.len());
        // SAFETY: the assertions are the function's conditions.
        unsafe { make_tables(row, tables.as_mut_ptr(), unit_pitch, sums) }
    }

    fn tiles(self, look: Look<'_>, tables: &[u8], bases: &[u32], sums: &mut [u16], fresh: bool) {
        if fresh {
            sums.fill(0);
        }
        let tiles = bases.as_chunks().0.iter();
        for (bases, sums) in tiles.zip(sums.as_chunks_mut().0) {
            one_tile(look, tables, *bases, sums);
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
            // SAFETY: the check is the function's condition.
            unsafe { multiplied_tile(&look, tables.as_ptr(), *bases, sums) }
        }
    }

    fn codes(self, mut run: Run<'_, u16>, thresholds: &[i16]) {
        assert!(thresholds.len().is_multiple_of(LANES));
        let shift = run.shift;
        for n in 0..run.targets.len() {
            // SAFETY: the assertion is the function's condition.
            unsafe {
                if run.window == 1 {
                    count_reached(run.pixels::<1>(n, LANES), shift, thresholds);
                } else {
                    count_reached(run.pixels::<4>(n, LANES), shift, thresholds);
                }
            }
        }
    }

    fn lane(channel: usize) -> usize {
        channel
    }

    fn wide_codes(self, run: Run<'_, i32>, thresholds: &[i32]) {
        finish::wide_codes::<LANES>(run, thresholds);
    }

    fn wide_lane(channel: usize) -> usize {
        channel
    }

    fn widen(self, sums: &[u16], wide: &mut [i32]) {
        wide.iter_mut()
            .zip(sums)
            .for_each(|(wide, sum)| *wide += i32::from(*sum));
    }
}

/// Adds look-ups of three pixels to their sums.
fn one_tile(look: Look<'_>, tables: &[u8], bases: [u32; PIXELS], sums: &mut [u16; PIXELS * LANES]) {
    let offsets = look.lookups.offsets();
    look.check(LANES);
    let (indices, sums) = (look.indices.as_ptr(), sums.as_mut_ptr());
    if let Some(square) = look.lookups.square {
        let units = offsets.len() / 9;
        let base = bases[0] as usize;
        let far = (units - 1) * square.unit_pitch + 2 * square.row_pitch + 5 * TABLE;
        assert!(base + far <= tables.len());
        let first = tables[base..].as_ptr();
        // SAFETY: the assertions are the function's conditions.
        unsafe {
            if look.pace.runs < 9 {
                square_tile::<true>(first, square, indices, units, sums);
            } else {
                square_tile::<false>(first, square, indices, units, sums);
            }
        }
    } else {
        let room = tables.len() - look.lookups.reach();
        assert!(bases.iter().all(|base| *base as usize <= room));
        let pixels = bases.map(|base| tables[base as usize..].as_ptr());
        // SAFETY: the assertions are the function's conditions.
        unsafe { tile(pixels, offsets, indices, look.pace.runs, sums) }
    }
}

/// Holds values in registers, and keeps look-ups, loads and additions in the order written: without
/// it the compiler brings each addition next to its look-up, where an in-order core must wait.
macro_rules! pin {
    ($v:ident) => {
        asm!("/* {0:v} {1:v} {2:v} {3:v} {4:v} {5:v} */",
            inout(vreg) $v[0], inout(vreg) $v[1], inout(vreg) $v[2],
            inout(vreg) $v[3], inout(vreg) $v[4], inout(vreg) $v[5],
            options(nostack, preserves_flags))
    };
}

/// Six look-ups: three pixels' tables by the indices of 32 channels.
#[inline(always)]
fn look_up(tables: [uint8x16_t; 3], low: uint8x16_t, high: uint8x16_t) -> Bytes {
    let [a, b, c] = tables;
    // SAFETY: NEON is part of the baseline.
    unsafe {
        [
            vqtbl1q_u8(a, low),
            vqtbl1q_u8(b, low),
            vqtbl1q_u8(c, low),
            vqtbl1q_u8(a, high),
            vqtbl1q_u8(b, high),
            vqtbl1q_u8(c, high),
        ]
    }
}

#[inline(always)]
fn add(bytes: &mut Bytes, found: Bytes) {
    // SAFETY: NEON is part of the baseline.
    unsafe {
        bytes[0] = vaddq_u8(bytes[0], found[0]);
        bytes[1] = vaddq_u8(bytes[1], found[1]);
        bytes[2] = vaddq_u8(bytes[2], found[2]);
        bytes[3] = vaddq_u8(bytes[3], found[3]);
        bytes[4] = vaddq_u8(bytes[4], found[4]);
        bytes[5] = vaddq_u8(bytes[5], found[5]);
        pin!(bytes);
    }
}

/// Adds byte sums to 16-bit sums.
#[inline(always)]
fn flush(sums: &mut Sums, bytes: &Bytes) {
    // SAFETY: NEON is part of the baseline.
    unsafe {
        for p in 0..PIXELS {
            sums[4 * p] = vaddw_u8(sums[4 * p], vget_low_u8(bytes[p]));
            sums[4 * p + 1] = vaddw_high_u8(sums[4 * p + 1], bytes[p]);
            sums[4 * p + 2] = vaddw_u8(sums[4 * p + 2], vget_low_u8(bytes[p + 3]));
            sums[4 * p + 3] = vaddw_high_u8(sums[4 * p + 3], bytes[p + 3]);
        }
    }
}

/// # Safety
/// 96 sums can be read.
#[inline(always)]
unsafe fn load_sums(from: *const u16) -> Sums {
    // SAFETY: promised by the caller.
    unsafe {
        let mut sums = [vdupq_n_u16(0); 12];
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = vld1q_u16(from.add(8 * i));
        }
        sums
    }
}

/// # Safety
/// 96 sums can be written.
#[inline(always)]
unsafe fn store_sums(to: *mut u16, sums: Sums) {
    // SAFETY: promised by the caller.
    unsafe {
        for (i, sum) in sums.into_iter().enumerate() {
            vst1q_u16(to.add(8 * i), sum);
        }
    }
}

/// The nine look-ups of one row of a 3x3 window at three pixels.
///
/// # Safety
/// 80 bytes can be read from `row`, 96 from `indices`.
#[inline(always)]
unsafe fn square_row(row: *const u8, indices: *const u8, bytes: &mut Bytes, first: bool) {
    // SAFETY: promised by the caller.
    unsafe {
        let mut a = vld1q_u8(row);
        let mut b = vld1q_u8(row.add(TABLE));
        let c = vld1q_u8(row.add(2 * TABLE));
        let mut low = vld1q_u8(indices);
        let mut high = vld1q_u8(indices.add(16));
        let mut found = look_up([a, b, c], low, high);
        a = vld1q_u8(row.add(3 * TABLE));
        low = vld1q_u8(indices.add(32));
        high = vld1q_u8(indices.add(48));
        pin!(found);
        if first {
            *bytes = found;
        } else {
            add(bytes, found);
        }
        found = look_up([b, c, a], low, high);
        b = vld1q_u8(row.add(4 * TABLE));
        low = vld1q_u8(indices.add(64));
        high = vld1q_u8(indices.add(80));
        pin!(found);
        add(bytes, found);
        found = look_up([c, a, b], low, high);
        pin!(found);
        add(bytes, found);
    }
}

/// Adds the look-ups of 3x3 windows at three neighbours of a row to their sums. Byte sums are flushed
/// after every row of the window, or after all three.
///
/// # Safety
/// `units` is not 0; tables of five pixels lie at `first` and a row and two rows below, for each
/// unit; there are 9 x 32 indices a unit, and 96 sums.
#[inline(never)]
unsafe fn square_tile<const EVERY_ROW: bool>(
    first: *const u8,
    square: Square,
    mut indices: *const u8,
    mut units: usize,
    out: *mut u16,
) {
    // SAFETY: reads and writes are what the caller promises, since `units` counts down to 0.
    unsafe {
        let mut sums = load_sums(out);
        let mut rows = [
            first,
            first.add(square.row_pitch),
            first.add(2 * square.row_pitch),
        ];
        loop {
            let mut bytes = [vdupq_n_u8(0); 6];
            square_row(rows[0], indices, &mut bytes, true);
            if EVERY_ROW {
                flush(&mut sums, &bytes);
            }
            square_row(rows[1], indices.add(96), &mut bytes, EVERY_ROW);
            if EVERY_ROW {
                flush(&mut sums, &bytes);
            }
            square_row(rows[2], indices.add(192), &mut bytes, EVERY_ROW);
            flush(&mut sums, &bytes);
            indices = indices.add(9 * LANES);
            units -= 1;
            if units == 0 {
                break;
            }
            rows[0] = rows[0].wrapping_add(square.unit_pitch);
            rows[1] = rows[1].wrapping_add(square.unit_pitch);
            rows[2] = rows[2].wrapping_add(square.unit_pitch);
        }
        store_sums(out, sums);
    }
}

/// Adds any look-ups at any three pixels to their sums, flushing byte sums after every `pace`.
///
/// # Safety
/// 16 bytes can be read at each pixel's pointer plus each offset; there are 32 indices for each
/// offset, and 96 sums.
#[inline(never)]
unsafe fn tile(
    pixels: [*const u8; PIXELS],
    offsets: &[u32],
    mut indices: *const u8,
    pace: usize,
    out: *mut u16,
) {
    // SAFETY: reads and writes are what the caller promises.
    unsafe {
        let mut sums = load_sums(out);
        for block in offsets.chunks(pace) {
            let mut bytes = [vdupq_n_u8(0); 6];
            for offset in block {
                let tables = [
                    vld1q_u8(pixels[0].add(*offset as usize)),
                    vld1q_u8(pixels[1].add(*offset as usize)),
                    vld1q_u8(pixels[2].add(*offset as usize)),
                ];
                let (low, high) = (vld1q_u8(indices), vld1q_u8(indices.add(16)));
                let mut found = look_up(tables, low, high);
                pin!(found);
                add(&mut bytes, found);
                indices = indices.add(LANES);
            }
            flush(&mut sums, &bytes);
        }
        store_sums(out, sums);
    }
}

/// Adds look-ups of three pixels and 32 channels to their sums, multiplied by position.
///
/// # Safety
/// All tables that are looked into, from each base on, can be read, and there are 32 indices for each look-up.
#[inline(never)]
unsafe fn multiplied_tile(
    look: &Multiplied<'_>,
    tables: *const u8,
    bases: [u32; PIXELS],
    wide: &mut [i32; PIXELS * LANES],
) {
    // SAFETY: reads are what the caller promises.
    unsafe {
        let pixels = bases.map(|base| tables.add(base as usize));
        let mut indices = look.indices.as_ptr();
        let (mut products, mut room) = ([vdupq_n_u16(0); 12], Room::new());
        for position in look.positions {
            for _ in 0..look.planes {
                let mut offset = position.offset as usize;
                for run in look.runs() {
                    let mut bytes = [vdupq_n_u8(0); 6];
                    for _ in 0..run {
                        let tables = pixels.map(|pixel| vld1q_u8(pixel.add(offset)));
                        let (low, high) = (vld1q_u8(indices), vld1q_u8(indices.add(16)));
                        let mut found = look_up(tables, low, high);
                        pin!(found);
                        add(&mut bytes, found);
                        offset += look.unit_pitch;
                        indices = indices.add(LANES);
                    }
                    if !room.take(look, run, position.multiplier) {
                        move_on(&mut products, wide);
                    }
                    multiply(&mut products, &bytes, position.multiplier as u8);
                }
            }
        }
        move_on(&mut products, wide);
    }
}

/// Adds byte sums times a multiplier to products of 16 bits.
#[inline(always)]
fn multiply(products: &mut Sums, bytes: &Bytes, multiplier: u8) {
    // SAFETY: NEON is part of the baseline.
    unsafe {
        let (half, all) = (vdup_n_u8(multiplier), vdupq_n_u8(multiplier));
        for (i, bytes) in bytes.iter().enumerate() {
            let [low, high] = [0, 1].map(|n| i % PIXELS * 4 + i / PIXELS * 2 + n);
            products[low] = vmlal_u8(products[low], vget_low_u8(*bytes), half);
            products[high] = vmlal_high_u8(products[high], *bytes, all);
        }
    }
}

/// Adds products to sums of 32 bits, and clears them.
#[inline(always)]
fn move_on(products: &mut Sums, wide: &mut [i32; PIXELS * LANES]) {
    for (product, wide) in products.iter_mut().zip(wide.as_chunks_mut::<8>().0) {
        let wide: *mut u32 = wide.as_mut_ptr().cast();
        // SAFETY: NEON is part of the baseline; eight numbers are two vectors.
        unsafe {
            let high = wide.add(4);
            vst1q_u32(wide, vaddw_u16(vld1q_u32(wide), vget_low_u16(*product)));
            vst1q_u32(high, vaddw_high_u16(vld1q_u32(high), *product));
            *product = vdupq_n_u16(0);
        }
    }
}

/// Masks that put channel `k` of a unit where bit `k` of the table entry is set, and 0 elsewhere.
const SPREAD: [[u8; 16]; 4] = {
    let mut masks = [[0xff; 16]; 4];
    let mut i = 0;
    while i < 64 {
        let (k, entry) = (i / 16, i % 16);
        if (entry >> k) & 1 == 1 {
            masks[k][entry] = k as u8;
        }
        i += 1;
    }
    masks
};

/// # Safety
/// `row` has whole sixteens of channels for each of `sums`, and `tables` room for all their tables.
unsafe fn make_tables(row: Row<'_>, tables: *mut u8, unit_pitch: usize, sums: &mut [i32]) {
    // SAFETY: within the row and the tables by the caller's promise.
    unsafe {
        let [m0, m1, m2, m3] = [
            vld1q_u8(SPREAD[0].as_ptr()),
            vld1q_u8(SPREAD[1].as_ptr()),
            vld1q_u8(SPREAD[2].as_ptr()),
            vld1q_u8(SPREAD[3].as_ptr()),
        ];
        for (x, out) in sums.iter_mut().enumerate() {
            let mut sum = 0;
            for sixteen in 0..row.channels / 16 {
                let mut codes = vld1q_u8(row.codes.as_ptr().add(x * row.pitch + 16 * sixteen));
                sum += i32::from(vaddlvq_u8(codes));
                for unit in 4 * sixteen..4 * sixteen + 4 {
                    let low = vaddq_u8(vqtbl1q_u8(codes, m0), vqtbl1q_u8(codes, m1));
                    let high = vaddq_u8(vqtbl1q_u8(codes, m2), vqtbl1q_u8(codes, m3));
                    vst1q_u8(
                        tables.add(unit * unit_pitch + x * TABLE),
                        vaddq_u8(low, high),
                    );
                    codes = vextq_u8::<4>(codes, codes);
                }
            }
            *out = sum;
        }
    }
}

/// The codes of 32 channels (or the first of them) at an output pixel, if there is one.
///
/// # Safety
/// Thresholds are whole rows of 32.
#[inline]
unsafe fn count_reached<const N: usize>(
    pixels: Option<Pixels<'_, u16, N>>,
    shift: u32,
    thresholds: &[i16],
) {
    let Some(pixels) = pixels else { return };
    // SAFETY: promised by the caller; sums of a pixel are 32 numbers.
    unsafe {
        let shift = vdupq_n_s16(shift as i16);
        let mut acc = [vdupq_n_s16(i16::MIN); 4];
        for (sums, area) in pixels.sums.into_iter().zip(pixels.areas) {
            let area = vdupq_n_s16(area as i16);
            for (i, acc) in acc.iter_mut().enumerate() {
                let sums = vreinterpretq_s16_u16(vld1q_u16(sums.as_ptr().add(8 * i)));
                *acc = vmaxq_s16(*acc, vsubq_s16(vshlq_s16(sums, shift), area));
            }
        }
        let mut counts = [vdupq_n_s16(0); 4];
        for step in thresholds.chunks_exact(LANES) {
            for (i, count) in counts.iter_mut().enumerate() {
                let above = vcgtq_s16(acc[i], vld1q_s16(step.as_ptr().add(8 * i)));
                *count = vsubq_s16(*count, vreinterpretq_s16_u16(above));
            }
        }
        let mut codes = [0u8; LANES];
        for (i, count) in counts.into_iter().enumerate() {
            let narrow = vmovn_u16(vreinterpretq_u16_s16(count));
            vst1_u8(codes.as_mut_ptr().add(8 * i), narrow);
        }
        let count = pixels.codes.len();
        if let Ok(all) = <&mut [u8; LANES]>::try_from(&mut *pixels.codes) {
            *all = codes;
        } else {
            pixels.codes.copy_from_slice(&codes[..count]);
        }
    }
}
