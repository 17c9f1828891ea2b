//! What an instruction set provides.

use super::terms::List;
use super::vector::{Channels, Positions, Vector};
use crate::kernels::integer::arch::Arch as Finishing;

/// Side of a block that is transposed.
pub(super) const SIDE: usize = 16;

/// Bytes that are transposed.
pub(super) type Block = [[u8; SIDE]; SIDE];

/// The most vectors of a tile of positions.
pub(super) const MOST_VECTORS: usize = 4;

/// A tile: neighbouring positions of every plane.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) planes: &'a [u8],
    /// The first position.
    pub(super) first: usize,
    /// How many vectors of positions, 1 to [`MOST_VECTORS`].
    pub(super) vectors: usize,
}

impl Rows<'_> {
    /// Panics unless all positions of all places are in the planes, and `room` is enough for them.
    #[inline(always)]
    pub(super) fn check<V: Vector>(&self, list: &List<'_>, room: usize) {
        assert!(
            (1..=MOST_VECTORS).contains(&self.vectors),
            "vectors of a tile"
        );
        let positions = self.vectors * V::LANES;
        let end = self.first + list.farthest as usize + positions;
        assert!(end <= self.planes.len(), "a place outside of the planes");
        assert!(positions <= room, "too little room for a tile");
    }

    /// The first position of the first plane.
    #[inline(always)]
    pub(super) fn start(&self) -> *const u8 {
        self.planes[self.first..].as_ptr()
    }
}

/// The elements under a window in tables, and an index for each lane and term.
#[derive(Clone, Copy)]
pub(super) struct LookUps<'a> {
    pub(super) tables: &'a [u8],
    pub(super) indices: &'a [u8],
}

impl LookUps<'_> {
    /// Panics unless all tables and indices are there, and `room` is enough for a vector's sums.
    #[inline(always)]
    pub(super) fn check<V: Channels>(&self, list: &List<'_>, room: usize) {
        let end = list.farthest as usize + V::TABLE;
        assert!(end <= self.tables.len(), "a table is missing");
        let indices = list.places.len() * V::LANES;
        assert!(indices <= self.indices.len(), "indices are missing");
        assert!(V::LANES <= room, "too little room for sums");
    }
}

/// The inner loops of an instruction set.
pub(super) trait Arch: Copy + Send + Sync + 'static {
    /// Names of the kernels: by positions, by look-ups.
    const NAMES: [&'static str; 2];
    /// The vector of positions.
    type Positions: Positions;
    /// The vector of output channels.
    type Channels: Channels;
    /// What finishes sums.
    type Finishing: Finishing;

    fn finishing(self) -> Self::Finishing;

    /// Rows of each block become its columns.
    fn transpose(self, blocks: &mut [Block]);

    /// The sums of a list at the rows' positions.
    fn row_sums(self, rows: &Rows<'_>, list: &List<'_>, sums: &mut [i16]);

    /// For a list's sums at the rows' positions, how many thresholds each is above.
    fn row_codes(self, rows: &Rows<'_>, list: &List<'_>, thresholds: &[i16], codes: &mut [u8]);

    /// The sums of a list of look-ups, a lane each.
    fn look_ups(self, look: &LookUps<'_>, list: &List<'_>, sums: &mut [i16]);
}
