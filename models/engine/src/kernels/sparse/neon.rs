//! Inner loops for NEON: additions of 16 bytes, and look-ups by `tbl` in tables of sixteen elements.

#![allow(unsafe_code)]

use super::arch::{Arch, Block, LookUps, Rows, SIDE};
use super::sum;
use super::terms::List;
use super::vector::{Channels, Positions, Vector};
use crate::isa::Neon;
use std::arch::aarch64::*;

impl Vector for uint8x16_t {
    const LANES: usize = 16;
    type Wide = int16x8_t;

    #[inline(always)]
    unsafe fn splat(value: u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vdupq_n_u8(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vld1q_u8(from) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vaddq_u8(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vsubq_u8(self, other) }
    }

    #[inline(always)]
    unsafe fn widen(self) -> [int16x8_t; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            [
                vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(self))),
                vreinterpretq_s16_u16(vmovl_high_u8(self)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_wide(wide: [int16x8_t; 2], to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe {
            vst1q_s16(to, wide[0]);
            vst1q_s16(to.add(8), wide[1]);
        }
    }

    #[inline(always)]
    unsafe fn splat_wide(value: i16) -> int16x8_t {
        // SAFETY: the caller's promise.
        unsafe { vdupq_n_s16(value) }
    }

    #[inline(always)]
    unsafe fn add_wide(a: int16x8_t, b: int16x8_t) -> int16x8_t {
        // SAFETY: the caller's promise.
        unsafe { vaddq_s16(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_wide(a: int16x8_t, b: int16x8_t) -> int16x8_t {
        // SAFETY: the caller's promise.
        unsafe { vsubq_s16(a, b) }
    }
}

impl Positions for uint8x16_t {
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { vst1q_u8(to, self) }
    }

    #[inline(always)]
    unsafe fn narrow(wide: [int16x8_t; 2]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vqmovun_high_s16(vqmovun_s16(wide[0]), wide[1]) }
    }

    #[inline(always)]
    unsafe fn count_above(count: int16x8_t, sum: int16x8_t, threshold: int16x8_t) -> int16x8_t {
        // SAFETY: the caller's promise.
        unsafe { vsubq_s16(count, vreinterpretq_s16_u16(vcgtq_s16(sum, threshold))) }
    }
}

impl Channels for uint8x16_t {
    const TABLE: usize = 16;
    const CHUNK: usize = 16;
    const NOTHING: u8 = 0xff;

    #[inline(always)]
    unsafe fn look_up(table: *const u8, indices: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vqtbl1q_u8(vld1q_u8(table), vld1q_u8(indices)) }
    }
}

impl Arch for Neon {
    const NAMES: [&'static str; 2] = ["neon-sparse", "neon-sparse-lut"];
    type Positions = uint8x16_t;
    type Channels = uint8x16_t;
    type Finishing = Neon;

    fn finishing(self) -> Neon {
        self
    }

    fn transpose(self, blocks: &mut [Block]) {
        // SAFETY: the token proves NEON.
        blocks
            .iter_mut()
            .for_each(|block| unsafe { transpose(block) });
    }

    fn row_sums(self, rows: &Rows<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: the token proves NEON.
        unsafe { sum::row_sums::<uint8x16_t>(rows, list, sums) }
    }

    fn row_codes(self, rows: &Rows<'_>, list: &List<'_>, thresholds: &[i16], codes: &mut [u8]) {
        // SAFETY: the token proves NEON.
        unsafe { sum::row_codes::<uint8x16_t>(rows, list, thresholds, codes) }
    }

    fn look_ups(self, look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: the token proves NEON.
        unsafe { sum::look_ups::<uint8x16_t>(look, list, sums) }
    }
}

/// Interleaving the two halves of the rows turns each byte's place, eight bits, by one; four times
/// exchange row and column.
#[target_feature(enable = "neon")]
fn transpose(block: &mut Block) {
    let mut rows = [vdupq_n_u8(0); SIDE];
    for (row, bytes) in rows.iter_mut().zip(&*block) {
        // SAFETY: a row has sixteen bytes.
        *row = unsafe { vld1q_u8(bytes.as_ptr()) };
    }
    for _ in 0..4 {
        let mut turned = rows;
        for i in 0..SIDE / 2 {
            turned[2 * i] = vzip1q_u8(rows[i], rows[i + SIDE / 2]);
            turned[2 * i + 1] = vzip2q_u8(rows[i], rows[i + SIDE / 2]);
        }
        rows = turned;
    }
    for (row, bytes) in rows.iter().zip(block) {
        // SAFETY: a row has sixteen bytes.
        unsafe { vst1q_u8(bytes.as_mut_ptr(), *row) };
    }
}
