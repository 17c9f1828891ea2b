//! Plain Rust, which the compiler vectorises for whatever it compiles for.

#![allow(unsafe_code)]

use super::arch::{Arch, Block, LookUps, Rows};
use super::sum;
use super::terms::List;
use super::vector::{Channels, Positions, Vector};
use crate::kernels::integer::portable::Portable;

const LANES: usize = 16;

impl Vector for [u8; LANES] {
    const LANES: usize = LANES;
    type Wide = [i16; LANES / 2];

    #[inline(always)]
    unsafe fn splat(value: u8) -> Self {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn add(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self[i] = self[i].wrapping_add(other[i]);
        }
        self
    }

    #[inline(always)]
    unsafe fn sub(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self[i] = self[i].wrapping_sub(other[i]);
        }
        self
    }

    #[inline(always)]
    unsafe fn widen(self) -> [Self::Wide; 2] {
        let mut wide = [[0; LANES / 2]; 2];
        for i in 0..LANES {
            wide[i / 8][i % 8] = self[i].into();
        }
        wide
    }

    #[inline(always)]
    unsafe fn store_wide(wide: [Self::Wide; 2], to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[Self::Wide; 2]>().write_unaligned(wide) }
    }

    #[inline(always)]
    unsafe fn splat_wide(value: i16) -> Self::Wide {
        [value; LANES / 2]
    }

    #[inline(always)]
    unsafe fn add_wide(mut a: Self::Wide, b: Self::Wide) -> Self::Wide {
        for i in 0..LANES / 2 {
            a[i] = a[i].wrapping_add(b[i]);
        }
        a
    }

    #[inline(always)]
    unsafe fn sub_wide(mut a: Self::Wide, b: Self::Wide) -> Self::Wide {
        for i in 0..LANES / 2 {
            a[i] = a[i].wrapping_sub(b[i]);
        }
        a
    }
}

impl Positions for [u8; LANES] {
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn narrow(wide: [Self::Wide; 2]) -> Self {
        let mut bytes = [0; LANES];
        for i in 0..LANES {
            bytes[i] = wide[i / 8][i % 8] as u8;
        }
        bytes
    }

    #[inline(always)]
    unsafe fn count_above(
        mut count: Self::Wide,
        sum: Self::Wide,
        threshold: Self::Wide,
    ) -> Self::Wide {
        for i in 0..LANES / 2 {
            count[i] += i16::from(sum[i] > threshold[i]);
        }
        count
    }
}

impl Channels for [u8; LANES] {
    const TABLE: usize = 256;
    const CHUNK: usize = 255;
    const NOTHING: u8 = 255;

    #[inline(always)]
    unsafe fn look_up(table: *const u8, indices: *const u8) -> Self {
        // SAFETY: an index is less than the table's length; the caller's promise.
        unsafe { Self::load(indices).map(|index| *table.add(index.into())) }
    }
}

impl Arch for Portable {
    const NAMES: [&'static str; 2] = ["portable-sparse", "portable-sparse-lut"];
    type Positions = [u8; LANES];
    type Channels = [u8; LANES];
    type Finishing = Portable;

    fn finishing(self) -> Portable {
        self
    }

    fn transpose(self, blocks: &mut [Block]) {
        for block in blocks {
            let rows = *block;
            for (i, row) in block.iter_mut().enumerate() {
                for (byte, column) in row.iter_mut().zip(&rows) {
                    *byte = column[i];
                }
            }
        }
    }

    fn row_sums(self, rows: &Rows<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: it takes no special instructions.
        unsafe { sum::row_sums::<Self::Positions>(rows, list, sums) }
    }

    fn row_codes(self, rows: &Rows<'_>, list: &List<'_>, thresholds: &[i16], codes: &mut [u8]) {
        // SAFETY: it takes no special instructions.
        unsafe { sum::row_codes::<Self::Positions>(rows, list, thresholds, codes) }
    }

    fn look_ups(self, look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]) {
        // SAFETY: it takes no special instructions.
        unsafe { sum::look_ups::<Self::Channels>(look, list, sums) }
    }
}
