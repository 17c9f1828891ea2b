//! What the inner loops compute: a tile of a few pixels times one panel of channels.
#![allow(unsafe_code)]

use super::finish::Rows;

/// Output channels of a panel.
pub(super) const LANES: usize = 16;

/// The most pixels of any instruction set's tile.
pub(super) const MAX_PIXELS: usize = 8;

/// One call of an inner loop. All pointers must be valid for what [`Tiles`] says is read.
pub(super) struct Tile<'a> {
    /// Where each output pixel's window starts in the slab; the first `count` are used.
    pub(super) pixels: [*const f32; MAX_PIXELS],
    /// Pixels, 1 to the instruction set's `PIXELS`.
    pub(super) count: usize,
    /// Distances from a window's start to the runs of input that are read.
    pub(super) runs: &'a [usize],
    /// Inputs of a run.
    pub(super) run: usize,
    /// Packed weights: [`LANES`] floats for each input, run after run.
    pub(super) weights: *const f32,
    /// The sums, `[pixel][LANES]`.
    pub(super) sums: *mut f32,
    /// Whether the sums start at zero rather than at what `sums` holds.
    pub(super) fresh: bool,
    /// Whether more than half the panel's channels are real; if not, the upper half of `sums`
    /// may be left alone.
    pub(super) wide: bool,
}

/// The inner loops of one instruction set.
///
/// # Safety
/// An implementation reads `run` floats at each pixel's start plus each run's distance,
/// `runs.len() * run * LANES` weights, and reads and writes `count * LANES` sums; nothing else.
pub(super) unsafe trait Tiles: Copy + Send + Sync {
    /// Pixels of a full tile, at most [`MAX_PIXELS`].
    const PIXELS: usize;

    /// Names of the general, the pointwise and the depthwise kernel.
    const NAMES: [&'static str; 3];

    /// `sums[p][o] += sum over runs and i of slab[pixels[p] + run + i] * weights[run][i][o]`.
    ///
    /// # Safety
    /// The tile's pointers are valid as the trait says.
    unsafe fn dense(self, tile: &Tile<'_>);

    /// `sums[p][o] += sum over runs of slab[pixels[p] + run + o] * weights[run][o]`; `run` is
    /// [`LANES`] inputs, and has [`LANES`] weights instead of a square.
    ///
    /// # Safety
    /// The tile's pointers are valid as the trait says.
    unsafe fn depthwise(self, tile: &Tile<'_>);

    /// Asks for a cache line, at whatever address, to be brought nearer.
    #[inline(always)]
    fn prefetch(self, line: *const f32) {
        let _ = line;
    }

    /// [`Rows::store`], compiled for the instruction set.
    ///
    /// # Safety
    /// As [`Rows::store`].
    unsafe fn finish(self, rows: &Rows<'_>);
}
