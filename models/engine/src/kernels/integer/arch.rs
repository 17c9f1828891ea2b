//! What an instruction set provides.

use super::finish::{Finish, Row};
use super::geometry::Run;

/// Output channels of a panel.
pub(in crate::kernels) const LANES: usize = 16;

/// The most pixels of a tile.
pub(in crate::kernels) const MOST_PIXELS: usize = 6;

/// Sums of a tile, by pixel and channel.
pub(in crate::kernels) type Sums = [[i32; LANES]; MOST_PIXELS];

/// What a tile is summed from.
pub(in crate::kernels) struct Tile<'a> {
    /// The padded input, `code - zero`.
    pub(in crate::kernels) slab: &'a [i16],
    /// Where each pixel's window starts in the slab. Those beyond [`Arch::PIXELS`] are not used.
    pub(in crate::kernels) bases: [usize; MOST_PIXELS],
    /// The elements under a window.
    pub(in crate::kernels) runs: &'a [Run],
    /// The panel's weights, in the order of the runs.
    pub(in crate::kernels) weights: &'a [i16],
}

impl Tile<'_> {
    /// Panics unless every element of every window, and every weight, is there.
    pub(in crate::kernels) fn check(&self, pixels: usize, per_element: usize) {
        let base = self.bases[..pixels].iter().max().copied().unwrap_or(0);
        let reach = self
            .runs
            .iter()
            .map(|run| run.start + run.len)
            .max()
            .unwrap_or(0);
        let elements: usize = self.runs.iter().map(|run| run.len).sum();
        assert!(
            base + reach <= self.slab.len(),
            "a window outside of its slab"
        );
        assert!(
            elements * per_element <= self.weights.len(),
            "weights are missing"
        );
    }
}

/// The inner loops of an instruction set.
pub(in crate::kernels) trait Arch: Copy + Send + Sync + 'static {
    /// Name of the kernel.
    const NAME: &'static str;
    /// Pixels of a tile, at most [`MOST_PIXELS`].
    const PIXELS: usize;
    /// The length of every run is a multiple of this, at most [`LANES`].
    const STEP: usize;
    /// Whether the weights of two elements stand alternately, channel by channel.
    const PAIRED: bool;

    /// The sums of a dense tile: each element under the window with all channels' weights.
    fn dense(self, tile: &Tile<'_>, sums: &mut Sums);

    /// The sums of a tile by channel: each run is [`LANES`] channels, with a weight each.
    fn by_channel(self, tile: &Tile<'_>, sums: &mut Sums);

    /// Finishes the sums of one pixel.
    fn finish(self, finish: &Finish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>);

    /// `code - zero` in 16 bits.
    fn widen(self, codes: Codes<'_>, zero: i16, out: &mut [i16]);
}

/// Codes of either kind.
#[derive(Clone, Copy)]
pub(in crate::kernels) enum Codes<'a> {
    Unsigned(&'a [u8]),
    Signed(&'a [i8]),
}
