//! Scratch memory of a run, cut into typed pieces.

use super::arch::Arch;
use super::geometry::Geometry;
use super::tables;

/// Tables of a band, and the sum of each table column's codes by row and group.
pub(super) struct Band<'a> {
    pub tables: &'a mut [u8],
    pub sums: &'a mut [i32],
}

/// What one member works with.
pub(super) struct Work<'a> {
    /// A row of codes with padded channels.
    pub line: &'a mut [u8],
    /// A row of sums.
    pub column: &'a mut [i32],
    /// Sums of codes under each window of a band.
    pub areas: &'a mut [i32],
    /// Sums of the patches at hand.
    pub sums: &'a mut [u16],
    /// The same in 32 bits.
    pub wide: &'a mut [i32],
}

/// The widths of the sums that a kernel keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    /// 16 bits.
    pub narrow: bool,
    /// 32 bits.
    pub wide: bool,
}

/// How much of everything a kernel needs, in elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    tables: usize,
    table_sums: usize,
    line: usize,
    column: usize,
    areas: usize,
    sums: usize,
    wide: usize,
}

impl Sizes {
    /// For `patches` patches at a time, with sums of these widths.
    pub(super) fn new<A: Arch>(geometry: &Geometry, patches: usize, widths: Widths) -> Sizes {
        let columns = geometry.table_columns;
        let sums = patches * geometry.patch_slots() * A::LANES;
        Sizes {
            tables: geometry.band_bytes(),
            table_sums: geometry.table_rows(geometry.band_rows) * geometry.groups * columns,
            line: tables::line_bytes(geometry),
            column: columns,
            areas: geometry.band_rows * columns,
            sums: if widths.narrow { sums } else { 0 },
            wide: if widths.wide { sums } else { 0 },
        }
    }

    /// Bytes of a [`Band`].
    pub(super) fn band_bytes(&self) -> usize {
        bytes::<u8>(self.tables) + bytes::<i32>(self.table_sums)
    }

    /// Bytes of a [`Work`].
    pub(super) fn work_bytes(&self) -> usize {
        bytes::<u8>(self.line)
            + bytes::<i32>(self.column)
            + bytes::<i32>(self.areas)
            + bytes::<u16>(self.sums)
            + bytes::<i32>(self.wide)
    }

    /// A band, in the first of `memory`.
    pub(super) fn band<'a>(&self, memory: &mut &'a mut [u8]) -> Band<'a> {
        Band {
            tables: take(memory, self.tables),
            sums: take(memory, self.table_sums),
        }
    }

    /// A member's work, in the first of `memory`.
    pub(super) fn work<'a>(&self, memory: &mut &'a mut [u8]) -> Work<'a> {
        Work {
            line: take(memory, self.line),
            column: take(memory, self.column),
            areas: take(memory, self.areas),
            sums: take(memory, self.sums),
            wide: take(memory, self.wide),
        }
    }
}

/// Bytes of `count` elements, in whole cache lines.
fn bytes<T>(count: usize) -> usize {
    (count * size_of::<T>()).next_multiple_of(64)
}

fn take<'a, T: bytemuck::Pod>(memory: &mut &'a mut [u8], count: usize) -> &'a mut [T] {
    let (piece, rest) = std::mem::take(memory).split_at_mut(bytes::<T>(count));
    *memory = rest;
    &mut bytemuck::cast_slice_mut(piece)[..count]
}
