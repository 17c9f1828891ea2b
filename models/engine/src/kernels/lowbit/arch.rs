//! What an instruction set provides to the look-up method.

use super::finish::Run;
use super::geometry::Lookups;
use super::multiplied::Multiplied;

/// Bytes of the usual table: the sixteen partial sums of four channels.
pub(super) const TABLE: usize = 16;

/// The most output channels of a block, over all instruction sets.
pub(super) const MAX_LANES: usize = 64;

/// How pixels are grouped into tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    /// Rows and columns of the pixels that are finished together.
    pub size: [usize; 2],
    /// Whether the patch of a 3x3 window (or any that is pooled) must lie within its rows; others run
    /// on from one row to the next.
    pub aligned: bool,
}

/// Names of an instruction set's kernels: without and with multipliers, by weights (binary, ternary), by
/// bits of the codes less one.
pub(super) type Names = [[[&'static str; 4]; 2]; 2];

/// [`Names`] from those of the instruction set and of the method.
macro_rules! names {
    ($isa:literal, $method:literal) => {
        [names!(@ $isa, $method), names!(@ $isa, concat!($method, "-syq"))]
    };
    (@ $isa:literal, $method:expr) => {
        [names!(@ $isa, "w1", $method), names!(@ $isa, "w2", $method)]
    };
    (@ $isa:literal, $weights:literal, $method:expr) => {
        [
            concat!($isa, "-", $weights, "a1-", $method),
            concat!($isa, "-", $weights, "a2-", $method),
            concat!($isa, "-", $weights, "a3-", $method),
            concat!($isa, "-", $weights, "a4-", $method),
        ]
    };
}
pub(super) use names;

/// The operations of the method for one instruction set.
///
/// Sums of a tile, a few pixels, are 16 bits a pixel and channel (`LANES` for each), modulo 2^16, in
/// whatever order suits the instruction set: that of [`lane`](Arch::lane). Sums that need 32 bits are in the order of
/// [`wide_lane`](Arch::wide_lane).
pub(super) trait Arch: Copy + Send + Sync + 'static {
    /// Names of the kernels.
    const NAMES: Names;
    /// Output channels of a block.
    const LANES: usize;
    /// Input channels that one table serves.
    const UNIT: usize;
    /// Bytes of a table.
    const TABLE: usize;
    /// Tables of a band of a large map take about this much, so that they stay in a second-level cache.
    const BAND_BYTES: usize;
    /// Input channels that [`tables`](Arch::tables) takes at once.
    const STEP: usize;
    /// The pace for codes of one to four bits.
    const PACE: [Pace; 4];
    /// The patch without pooling.
    const PATCH: Patch;
    /// The patch of a pooled layer: two rows, an even number of columns, whole tiles.
    const POOLED_PATCH: Patch;

    /// The index of up to [`UNIT`](Arch::UNIT) weights, given which are to be counted. No weights: 0.
    fn index(counted: &[bool]) -> u8 {
        let bits = counted.iter().enumerate();
        bits.map(|(i, counted)| u8::from(*counted) << i).sum()
    }

    /// Tables of a row of pixels. Pixel `x` has `channels` codes from `codes[x * pitch]` on, a multiple
    /// of `STEP`; its tables go to `tables[unit * unit_pitch + x * Self::TABLE..]`, its sum to `sums[x]`.
    fn tables(self, row: Row<'_>, tables: &mut [u8], unit_pitch: usize, sums: &mut [i32]);

    /// Adds to the sums of tiles, or makes them anew if `fresh`. Pixel `p` looks into the table at
    /// `bases[p] + offset` for each offset of the list, with one row of `LANES` indices each.
    fn tiles(self, look: Look<'_>, tables: &[u8], bases: &[u32], sums: &mut [u16], fresh: bool);

    /// Adds to the 32-bit sums of tiles: for each position of the kernel, its multiplier times what is looked
    /// up there.
    fn multiplied_tiles(self, look: Multiplied<'_>, tables: &[u8], bases: &[u32], sums: &mut [i32]);

    /// The codes of a block of channels at some output pixels: for each, how many of `thresholds` its
    /// accumulator is greater than. The accumulator is the largest over the pixels under the pool's
    /// window (or the only one) of `sums << shift - area`.
    fn codes(self, run: Run<'_, u16>, thresholds: &[i16]);

    /// The same from sums of 32 bits.
    fn wide_codes(self, run: Run<'_, i32>, thresholds: &[i32]);

    /// Where in a pixel's sums a block's channel lies.
    fn lane(channel: usize) -> usize;

    /// Where in a pixel's sums of 32 bits a block's channel lies.
    fn wide_lane(channel: usize) -> usize;

    /// Adds one pixel's sums, as numbers below 2^16, to those of 32 bits.
    fn widen(self, sums: &[u16], wide: &mut [i32]);
}

/// Codes of a row of pixels.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// The codes of the first pixel, and so on.
    pub codes: &'a [u8],
    /// Codes from one pixel to the next.
    pub pitch: usize,
    /// Codes of a pixel that count.
    pub channels: usize,
}

impl Row<'_> {
    /// Panics unless there are codes for `pixels` pixels, one at least, and room for the tables of all
    /// units of `unit` channels.
    #[inline(always)]
    pub(super) fn check(
        &self,
        pixels: usize,
        unit: usize,
        table: usize,
        pitch: usize,
        room: usize,
    ) {
        let (units, last) = (self.channels.div_ceil(unit), pixels - 1);
        assert!(units > 0 && last * self.pitch + self.channels <= self.codes.len());
        assert!((units - 1) * pitch + pixels * table <= room);
    }
}

/// What a tile looks up.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// Where the tables lie.
    pub lookups: Lookups<'a>,
    /// `LANES` indices for each.
    pub indices: &'a [u8],
    /// How often byte sums are flushed.
    pub pace: Pace,
}

impl Look<'_> {
    /// Panics unless there are whole runs of offsets, and `lanes` indices for each.
    #[inline(always)]
    pub(super) fn check(&self, lanes: usize) {
        let offsets = self.lookups.offsets().len();
        assert!(self.indices.len() == offsets * lanes);
        assert!(offsets.is_multiple_of(self.pace.run));
    }
}

/// How often byte sums are flushed to 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Look-ups that a loop takes at once; divides their number.
    pub run: usize,
    /// Runs from one flush to the next: their byte sums stay below 256.
    pub runs: usize,
}
