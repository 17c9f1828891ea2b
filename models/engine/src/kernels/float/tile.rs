//! What the inner loops compute: tiles of a few pixels times one panel of channels.
#![allow(unsafe_code)]

use super::finish::Rows;

/// Output channels of a panel.
pub(super) const LANES: usize = 16;

/// The most pixels of any instruction set's tile.
pub(super) const MAX_PIXELS: usize = 8;

/// One call of an inner loop: some pixels times one panel. All addresses must be valid for what
/// [`Tiles`] says is read.
pub(super) struct Strip<'a> {
    /// Input pixel 0, which may lie outside of memory if no window reads it.
    pub(super) input: *const f32,
    /// Floats from input pixel to input pixel.
    pub(super) pitch: usize,
    /// The input pixel that each output pixel's window starts at.
    pub(super) origins: &'a [u32],
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
    /// Weights that are wanted after these.
    pub(super) ahead: Ahead,
}

impl Strip<'_> {
    /// Where the windows of `P` pixels from pixel `first` on start.
    #[inline(always)]
    pub(super) fn windows<const P: usize>(&self, first: usize) -> [*const f32; P] {
        let mut windows = [self.input; P];
        for (p, window) in windows.iter_mut().enumerate() {
            let origin = self.origins[first + p] as usize;
            *window = self.input.wrapping_add(origin * self.pitch);
        }
        windows
    }

    /// Pixels of the tile at pixel `first`, at most `most`. The last two tiles share their pixels
    /// evenly: a tile of one pixel takes as long as one of four.
    #[inline(always)]
    pub(super) fn tile_pixels(&self, first: usize, most: usize) -> usize {
        let left = self.origins.len() - first;
        if left > most && left < 2 * most {
            left.div_ceil(2)
        } else {
            left.min(most)
        }
    }
}

/// Weights of the next call, of which a few cache lines are asked for with each tile: they come
/// from far away, and a call is too short to hide that.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    start: *const f32,
    lines: usize,
    lines_a_tile: usize,
}

impl Ahead {
    pub(super) const NOTHING: Ahead = Ahead {
        start: std::ptr::null(),
        lines: 0,
        lines_a_tile: 0,
    };

    /// As many weights as `weights`, from their end on, over so many tiles.
    pub(super) fn new(weights: &[f32], tiles: usize) -> Ahead {
        let lines = weights.len() / LANES;
        Ahead {
            start: weights.as_ptr_range().end,
            lines,
            lines_a_tile: lines.div_ceil(tiles),
        }
    }

    /// The same without what is asked for with the first `tiles` tiles.
    pub(super) fn after(self, tiles: usize) -> Ahead {
        let gone = (tiles * self.lines_a_tile).min(self.lines);
        Ahead {
            start: self.start.wrapping_add(gone * LANES),
            lines: self.lines - gone,
            ..self
        }
    }

    /// The lines to ask for with a tile; beyond the last weights they are no valid addresses.
    #[inline(always)]
    pub(super) fn next(&mut self) -> impl Iterator<Item = *const f32> + use<> {
        let (start, count) = (self.start, self.lines_a_tile.min(self.lines));
        self.start = start.wrapping_add(count * LANES);
        self.lines -= count;
        (0..count).map(move |line| start.wrapping_add(line * LANES))
    }
}

/// The inner loops of one instruction set.
///
/// # Safety
/// An implementation reads `run` floats at each window's start plus each run's distance,
/// `runs.len() * run * LANES` weights, and reads and writes `origins.len() * LANES` sums; nothing
/// else.
pub(super) unsafe trait Tiles: Copy + Send + Sync {
    /// Pixels of a full tile, at most [`MAX_PIXELS`].
    const PIXELS: usize;

    /// Names of the general, the pointwise and the depthwise kernel.
    const NAMES: [&'static str; 3];

    /// `sums[p][o] += sum over runs and i of window[p][run + i] * weights[run][i][o]`.
    ///
    /// # Safety
    /// The strip's addresses are valid as the trait says.
    unsafe fn dense(self, strip: &Strip<'_>);

    /// `sums[p][o] += sum over runs of window[p][run + o] * weights[run][o]`; `run` is
    /// [`LANES`] inputs, and has [`LANES`] weights instead of a square.
    ///
    /// # Safety
    /// The strip's addresses are valid as the trait says.
    unsafe fn depthwise(self, strip: &Strip<'_>);

    /// Asks for a cache line, at whatever address, to be brought into the second cache.
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
