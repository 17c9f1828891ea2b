//! Bands of rows, the padded slab that one is copied to, and what lies under a window.

use super::arch::{Arch, Codes, LANES};
#[cfg(target_arch = "x86_64")]
use super::pairs::FOUR;
use crate::kernel::Task;
use std::ops::Range;
use tincy_network::Shape;

/// Bytes of a slab, so that it stays in the second cache beside the weights.
const SLAB_BYTES: usize = 256 << 10;

/// Elements of a slab that stand one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernels) struct Run {
    /// From the window's start.
    pub(in crate::kernels) start: usize,
    pub(in crate::kernels) len: usize,
}

#[cfg(target_arch = "x86_64")]
impl Run {
    /// Where each four of its elements start.
    pub(super) fn fours(&self) -> impl Iterator<Item = usize> + use<> {
        (self.start..self.start + self.len).step_by(FOUR)
    }
}

/// Where windows start, pixel by pixel.
#[derive(Debug)]
pub(super) struct Bases {
    width: usize,
    down: usize,
    across: usize,
    /// Rows that are left.
    rows: usize,
    row: usize,
    x: usize,
    base: usize,
}

impl Bases {
    /// The next pixels of a tile, `first` added; the number of those there still are.
    #[inline(always)]
    pub(super) fn next(&mut self, first: usize, tile: &mut [usize]) -> usize {
        let within_row = self.x + tile.len() < self.width;
        if within_row && self.rows > 0 {
            for (i, place) in tile.iter_mut().enumerate() {
                *place = first + self.base + i * self.across;
            }
            self.x += tile.len();
            self.base += tile.len() * self.across;
            return tile.len();
        }
        let mut count = 0;
        while count < tile.len() && self.rows > 0 {
            tile[count] = first + self.base;
            count += 1;
            self.step();
        }
        count
    }

    fn step(&mut self) {
        self.x += 1;
        self.base += self.across;
        if self.x == self.width {
            self.row += self.down;
            (self.x, self.base) = (0, self.row);
            self.rows -= 1;
        }
    }
}

/// The sizes that a convolution's loops need.
#[derive(Debug)]
pub(super) struct Geometry {
    pub(super) input: Shape,
    pub(super) output: Shape,
    stride: [usize; 2],
    /// Rows above and columns before the input.
    before: [usize; 2],
    /// Rows and columns of a window, dilation included.
    reach: [usize; 2],
    /// Output rows of a band.
    pub(super) band: usize,
    /// Columns of a slab.
    columns: usize,
}

impl Geometry {
    /// For elements of `bytes`.
    pub(super) fn new(task: &Task<'_>, bytes: usize) -> Geometry {
        let c = task.convolution;
        let reach = [0, 1].map(|i| (c.kernel[i] - 1) * c.dilation[i] + 1);
        let output = task.sums();
        let mut geometry = Geometry {
            input: task.input,
            output,
            stride: c.stride,
            before: [c.padding.top, c.padding.left],
            reach,
            band: 1,
            columns: (output.width - 1) * c.stride[1] + reach[1],
        };
        while geometry.band < output.height
            && geometry.elements(geometry.band + 1) * bytes <= SLAB_BYTES
        {
            geometry.band += 1;
        }
        geometry
    }

    /// Whether the input, as it lies, is its own slab: no padding, and no pixel left out between.
    pub(super) fn is_own_slab(&self) -> bool {
        let Shape { height, width, .. } = self.input;
        self.reach == [1, 1]
            && self.stride == [1, 1]
            && [self.output.height, self.output.width] == [height, width]
            && self.before == [0, 0]
    }

    /// Elements of a slab for a band.
    pub(super) fn slab(&self) -> usize {
        self.elements(self.band)
    }

    /// With room after the last pixel for steps that end beyond it.
    fn elements(&self, band: usize) -> usize {
        let rows = (band - 1) * self.stride[0] + self.reach[0];
        rows * self.columns * self.input.channels + LANES
    }

    /// Where the windows of a band's output pixels start in its slab, row by row.
    pub(super) fn bases(&self, rows: usize) -> Bases {
        let channels = self.input.channels;
        Bases {
            width: self.output.width,
            down: self.stride[0] * self.columns * channels,
            across: self.stride[1] * channels,
            rows,
            row: 0,
            x: 0,
            base: 0,
        }
    }

    /// Copies what the windows of a band of output rows see.
    pub(super) fn fill<A: Arch>(
        &self,
        arch: A,
        codes: Codes<'_>,
        zero: i32,
        band: &Range<usize>,
        slab: &mut [A::Element],
    ) {
        let padding = A::padding(zero, matches!(codes, Codes::Signed(_)));
        let rows = (band.len() - 1) * self.stride[0] + self.reach[0];
        let row_len = self.columns * self.input.channels;
        for (i, row) in slab.chunks_exact_mut(row_len).take(rows).enumerate() {
            let y = (band.start * self.stride[0] + i).checked_sub(self.before[0]);
            match y.filter(|y| *y < self.input.height) {
                Some(y) => self.fill_row(arch, codes, zero, y, padding, row),
                None => row.fill(padding),
            }
        }
        slab[rows * row_len..].fill(padding);
    }

    fn fill_row<A: Arch>(
        &self,
        arch: A,
        codes: Codes<'_>,
        zero: i32,
        y: usize,
        padding: A::Element,
        row: &mut [A::Element],
    ) {
        let Shape {
            width, channels, ..
        } = self.input;
        let left = self.before[1].min(self.columns);
        let seen = width.min(self.columns - left);
        let start = y * width * channels;
        let range = start..start + seen * channels;
        row[..left * channels].fill(padding);
        let codes = match codes {
            Codes::Unsigned(codes) => Codes::Unsigned(&codes[range]),
            Codes::Signed(codes) => Codes::Signed(&codes[range]),
        };
        arch.fill(codes, zero, &mut row[left * channels..][..seen * channels]);
        row[(left + seen) * channels..].fill(padding);
    }

    /// The elements under a window that a group of `count` channels reads, each run a multiple of
    /// `step`; rows that lie together make one run. The elements past a run's end get weight 0.
    pub(super) fn runs(&self, task: &Task<'_>, count: usize, step: usize) -> Vec<Run> {
        let (kernel, dilation) = (task.convolution.kernel, task.convolution.dilation);
        let joined = count == self.input.channels && dilation[1] == 1;
        let (columns, len) = if joined {
            (1, kernel[1] * count)
        } else {
            (kernel[1], count)
        };
        let place = |k: usize| {
            let (y, x) = (k / columns * dilation[0], k % columns * dilation[1]);
            Run {
                start: (y * self.columns + x) * self.input.channels,
                len: len.next_multiple_of(step),
            }
        };
        (0..kernel[0] * columns).map(place).collect()
    }
}
