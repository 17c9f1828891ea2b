//! Sums with a multiplier a kernel position: `sum over p of m[p] * S[p]`.
//!
//! A table is one pixel's, so it never mixes positions, and the look-ups of a position can be summed by
//! themselves. Where byte sums were only widened, they are multiplied and widened: by 127 at most, so two products
//! at least, and as many as the multipliers allow, are added in 16 bits before they go to sums of 32. The
//! look-ups cost what they cost without multipliers.

use super::geometry::Geometry;

/// A position of the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// From a pixel's first table to the one under this position, in bytes.
    pub offset: u32,
    /// What its sums are multiplied by, 1 to 127.
    pub multiplier: i32,
}

/// The positions of a kernel; none without multipliers.
pub(super) fn positions(geometry: &Geometry, multipliers: &[u8]) -> Vec<Position> {
    let multipliers = multipliers.iter().enumerate();
    let position = |(k, multiplier): (usize, &u8)| {
        let [row, column] = geometry.position(k);
        Position {
            offset: (row * geometry.row_pitch + column * geometry.table) as u32,
            multiplier: i32::from(*multiplier),
        }
    };
    multipliers.map(position).collect()
}

/// What a tile looks up.
#[derive(Clone, Copy)]
pub(super) struct Multiplied<'a> {
    pub positions: &'a [Position],
    /// Units of a position, and the bytes from one to the next.
    pub units: usize,
    pub unit_pitch: usize,
    /// Planes of indices.
    pub planes: usize,
    /// `LANES` indices for each position, plane and unit.
    pub indices: &'a [u8],
    /// Look-ups whose byte sums stay below 256.
    pub pace: usize,
    /// The largest sum that is looked up.
    pub largest: u32,
}

impl Multiplied<'_> {
    /// Panics unless there are `lanes` indices for each look-up, and all tables of `table` bytes that are
    /// looked into lie in the first `room` bytes.
    #[inline(always)]
    pub(super) fn check(&self, lanes: usize, table: usize, bases: &[u32], room: usize) {
        let lookups = self.positions.len() * self.planes * self.units;
        assert!(lookups > 0 && self.indices.len() == lookups * lanes);
        let offsets = self.positions.iter().map(|position| position.offset);
        let farthest = offsets.max().unwrap_or(0) as usize + (self.units - 1) * self.unit_pitch;
        let base = bases.iter().max().copied().unwrap_or(0) as usize;
        assert!(base + farthest + table <= room);
    }

    /// The look-ups of a position and plane from one flush to the next.
    #[inline(always)]
    pub(super) fn runs(&self) -> impl Iterator<Item = usize> {
        let (mut left, pace) = (self.units, self.pace);
        std::iter::from_fn(move || {
            let run = left.min(pace);
            left -= run;
            (run > 0).then_some(run)
        })
    }
}

/// Room for products in 16 bits.
pub(super) struct Room(u32);

impl Room {
    /// All of it.
    pub(super) fn new() -> Room {
        Room(u16::MAX.into())
    }

    /// Takes what `lookups` of a position need at most; false if it is not there, and then all of it, less that,
    /// is there again.
    #[inline(always)]
    pub(super) fn take(&mut self, look: &Multiplied<'_>, lookups: usize, multiplier: i32) -> bool {
        let needed = lookups as u32 * look.largest * multiplier as u32;
        let fits = needed <= self.0;
        self.0 = if fits { self.0 } else { u16::MAX.into() } - needed;
        fits
    }
}
