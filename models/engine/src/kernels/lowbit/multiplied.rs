//! Sums with a multiplier a kernel position: `sum over p of m[p] * S[p]`.
//!
//! A table is one pixel's, so it never mixes positions, and the look-ups of a position can be summed by
//! themselves: as bytes, then in 16 bits, and once they are done, or the units of a chunk are, they are
//! multiplied and added to sums of 32 bits. The look-ups cost what they cost without multipliers.

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
        let (units, pace) = (self.units, self.pace);
        (0..units)
            .step_by(pace)
            .map(move |first| pace.min(units - first))
    }
}
