//! What an instruction set provides.

use super::finish::{PixelFinish, Row};
use super::geometry::Run;
use super::levels::Levels;
use super::pairs::Again;
use bytemuck::{Pod, Zeroable};

/// Output channels of a panel.
pub(in crate::kernels) const LANES: usize = 16;

/// The most pixels of a tile.
pub(in crate::kernels) const MOST_PIXELS: usize = 12;

/// Sums of a tile, by pixel and channel.
pub(in crate::kernels) type Sums = [[i32; LANES]; MOST_PIXELS];

/// Finished codes of a tile, by pixel and channel.
pub(in crate::kernels) type Bytes = [[u8; LANES]; MOST_PIXELS];

/// The elements under a window.
#[derive(Debug)]
pub(in crate::kernels) struct Window {
    runs: Vec<Run>,
    /// Elements from the window's start to the end of its last run.
    reach: usize,
    /// Elements of all runs.
    elements: usize,
}

impl Window {
    pub(super) fn new(runs: Vec<Run>) -> Window {
        Window {
            reach: runs.iter().map(|r| r.start + r.len).max().unwrap_or(0),
            elements: runs.iter().map(|r| r.len).sum(),
            runs,
        }
    }

    pub(in crate::kernels) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(super) fn elements(&self) -> usize {
        self.elements
    }
}

/// What a tile is summed from.
pub(in crate::kernels) struct Tile<'a, E, W> {
    /// The padded input.
    pub(in crate::kernels) slab: &'a [E],
    /// Where each pixel's window starts in the slab. Those beyond [`Arch::PIXELS`] are not used.
    pub(in crate::kernels) bases: [usize; MOST_PIXELS],
    /// The elements under a window.
    pub(in crate::kernels) window: &'a Window,
    /// The panel's weights, in the order of the runs.
    pub(in crate::kernels) weights: &'a [W],
    /// What each channel's sum starts from.
    pub(in crate::kernels) start: &'a [i32; LANES],
    /// Fours of elements with second weights, which stand after the others; none but where weights are split.
    pub(in crate::kernels) again: &'a Again,
    /// How many fours' products may be added in 16 bits.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "products of bytes are AVX2's")
    )]
    pub(in crate::kernels) depth: usize,
}

/// A tile as an instruction set reads it.
pub(in crate::kernels) type TileOf<'a, A> = Tile<'a, <A as Arch>::Element, <A as Arch>::Weight>;

impl<E, W> Tile<'_, E, W> {
    /// Panics unless every element of every window, and `per_element` weights for each, are there.
    #[inline(always)]
    pub(in crate::kernels) fn check(&self, pixels: usize, per_element: usize) {
        let base = self.bases[..pixels].iter().fold(0, |most, b| most.max(*b));
        let reach = self.window.reach.max(self.again.reach());
        assert!(
            base + reach <= self.slab.len(),
            "a window outside of its slab"
        );
        let weights = self.window.elements * per_element + self.again.weights();
        assert!(weights <= self.weights.len(), "weights are missing");
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
    /// Elements whose weights stand together, channel by channel: 1 to [`Arch::STEP`].
    const GROUP: usize;
    /// Whether an element is an unsigned code's byte.
    const RAW: bool = false;
    /// What the slab holds: `code - zero`, or the code itself.
    type Element: Pod + Into<i32> + Send + Sync;
    /// A packed weight.
    type Weight: Pod + From<i8> + Into<i32> + Send + Sync;

    /// The element of padding, which is how far each element is above `code - zero`; sums start so that
    /// it is made up for.
    fn padding(_zero: i32, _signed: bool) -> Self::Element {
        Self::Element::zeroed()
    }

    /// The sums of a dense tile: each element under the window with all channels' weights.
    fn dense(self, tile: &TileOf<'_, Self>, sums: &mut Sums);

    /// The sums of a tile by channel: each run is [`LANES`] channels, with a weight each.
    fn by_channel(self, tile: &TileOf<'_, Self>, sums: &mut Sums) {
        for (sums, base) in sums.iter_mut().zip(tile.bases).take(Self::PIXELS) {
            *sums = *tile.start;
            let runs = tile.window.runs().iter();
            for (run, weights) in runs.zip(tile.weights.chunks_exact(LANES)) {
                let values = &tile.slab[base + run.start..][..LANES];
                for (sum, (value, weight)) in sums.iter_mut().zip(values.iter().zip(weights)) {
                    *sum = sum.wrapping_add((*value).into() * (*weight).into());
                }
            }
        }
    }

    /// Where the weight of a kernel position and a channel of the panel stands for
    /// [`Arch::by_channel`].
    fn place_by_channel(position: usize, lane: usize) -> usize {
        position * LANES + lane
    }

    /// Finishes the sums of one pixel.
    fn finish(self, finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>);

    /// The codes of a tile's sums, of the first `count` pixels at least.
    fn requantize(
        self,
        levels: &Levels,
        panel: usize,
        sums: &Sums,
        count: usize,
        bytes: &mut Bytes,
    );

    /// Codes as the slab holds them.
    fn fill(self, codes: Codes<'_>, zero: i32, out: &mut [Self::Element]);
}

/// Codes of either kind.
#[derive(Clone, Copy)]
pub(in crate::kernels) enum Codes<'a> {
    Unsigned(&'a [u8]),
    Signed(&'a [i8]),
}
