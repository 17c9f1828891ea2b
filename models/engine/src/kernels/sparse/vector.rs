//! What the inner loops need of an instruction set: a few operations on a vector of bytes.

#![allow(unsafe_code)]

/// A vector of unsigned bytes, and the same lanes in 16 bits.
///
/// # Safety
/// Every function needs the CPU to have the vector's instructions. Those that read or write memory
/// say how much of it must be there.
pub(super) trait Vector: Copy {
    /// Bytes of a vector.
    const LANES: usize;
    /// Half of the lanes in 16 bits.
    type Wide: Copy;

    unsafe fn splat(value: u8) -> Self;

    /// Reads [`LANES`](Vector::LANES) bytes.
    unsafe fn load(from: *const u8) -> Self;

    unsafe fn add(self, other: Self) -> Self;

    unsafe fn sub(self, other: Self) -> Self;

    /// All lanes in 16 bits, in whatever order is cheap.
    unsafe fn widen(self) -> [Self::Wide; 2];

    /// Writes [`LANES`](Vector::LANES) numbers in the order that the lanes had before
    /// [`widen`](Vector::widen).
    unsafe fn store_wide(wide: [Self::Wide; 2], to: *mut i16);

    unsafe fn splat_wide(value: i16) -> Self::Wide;

    unsafe fn add_wide(a: Self::Wide, b: Self::Wide) -> Self::Wide;

    unsafe fn sub_wide(a: Self::Wide, b: Self::Wide) -> Self::Wide;
}

/// A vector of positions, whose sums are compared.
///
/// # Safety
/// As of [`Vector`].
pub(super) trait Positions: Vector {
    /// Writes [`LANES`](Vector::LANES) bytes.
    unsafe fn store(self, to: *mut u8);

    /// The inverse of [`widen`](Vector::widen), for numbers from 0 to 255.
    unsafe fn narrow(wide: [Self::Wide; 2]) -> Self;

    /// `count`, one more where `sum > threshold`.
    unsafe fn count_above(count: Self::Wide, sum: Self::Wide, threshold: Self::Wide) -> Self::Wide;
}

/// A vector of output channels, which looks elements up.
///
/// # Safety
/// As of [`Vector`].
pub(super) trait Channels: Vector {
    /// Bytes of a table for [`look_up`](Channels::look_up), and how many of the first are elements.
    const TABLE: usize;
    const CHUNK: usize;
    /// The index that finds 0 in every table, whose bytes past the elements are 0.
    const NOTHING: u8;

    /// The element of a table that each index says; reads a table and [`LANES`](Vector::LANES)
    /// indices.
    unsafe fn look_up(table: *const u8, indices: *const u8) -> Self;
}
