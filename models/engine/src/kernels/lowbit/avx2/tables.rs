//! Tables of partial sums: for each pixel and four channels the sums of all sixteen choices of their codes.

#![allow(unsafe_code)]

use super::load_table;
use crate::kernels::lowbit::arch::{Row, TABLE};
use std::arch::x86_64::*;

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
pub(super) unsafe fn make(row: Row<'_>, tables: *mut u8, unit_pitch: usize, sums: &mut [i32]) {
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
