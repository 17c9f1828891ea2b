//! Which input pixels an output pixel reads, and how many rows are worked on at a time.

use std::ops::Range;
use tincy_network::shape::window_positions;
use tincy_network::{Convolution, Shape};

/// Bytes of input that should stay in the second cache while all weights pass by.
const SLAB_BYTES: usize = 240 << 10;

/// The sizes of a convolution's maps and windows.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    pub(super) input: Shape,
    /// Output rows and columns.
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
    /// Padding above and before.
    pub(super) before: [usize; 2],
}

impl Geometry {
    /// `None` if the window does not fit the map.
    pub(super) fn new(convolution: &Convolution, input: Shape) -> Option<Geometry> {
        let Convolution {
            kernel,
            stride,
            dilation,
            padding,
            ..
        } = *convolution;
        let height = input.height + padding.top + padding.bottom;
        let width = input.width + padding.left + padding.right;
        Some(Geometry {
            input,
            output: [
                window_positions(height, kernel[0], dilation[0], stride[0])?,
                window_positions(width, kernel[1], dilation[1], stride[1])?,
            ],
            kernel,
            stride,
            dilation,
            before: [padding.top, padding.left],
        })
    }

    /// Whether every output pixel reads just the input pixel of the same place.
    pub(super) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.output == self.input_size()
    }

    fn input_size(&self) -> [usize; 2] {
        [self.input.height, self.input.width]
    }

    /// Columns of a slab: all that a row of output pixels reads.
    pub(super) fn slab_width(&self) -> usize {
        (self.output[1] - 1) * self.stride[1] + (self.kernel[1] - 1) * self.dilation[1] + 1
    }

    /// Rows of the slab of `rows` output rows.
    pub(super) fn slab_height(&self, rows: usize) -> usize {
        (rows - 1) * self.stride[0] + (self.kernel[0] - 1) * self.dilation[0] + 1
    }

    /// The most output rows whose slab of `pixel_bytes` bytes a pixel stays in the cache, at least
    /// one.
    pub(super) fn band_rows(&self, pixel_bytes: usize) -> usize {
        let row = self.slab_width() * pixel_bytes;
        let slab_rows = SLAB_BYTES / row.max(1);
        let fixed = self.slab_height(1);
        let rows = slab_rows.saturating_sub(fixed) / self.stride[0] + 1;
        rows.min(self.output[0])
    }

    /// `rows` cut into the fewest bands of at most `most` rows, as even as can be.
    pub(super) fn bands(rows: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
        let count = rows.len().div_ceil(most);
        (0..count).map(move |i| {
            rows.start + rows.len() * i / count..rows.start + rows.len() * (i + 1) / count
        })
    }

    /// The distance in floats of each kernel position from the window's start, in a map of so many
    /// columns and floats a pixel.
    pub(super) fn taps(&self, width: usize, pitch: usize) -> Vec<usize> {
        let ([rows, columns], [dy, dx]) = (self.kernel, self.dilation);
        (0..rows * columns)
            .map(|tap| (tap / columns * dy * width + tap % columns * dx) * pitch)
            .collect()
    }

    /// The kernel positions along an axis (0 down, 1 across) that see the map from output position
    /// `at`; empty if all see padding.
    pub(super) fn seen(&self, axis: usize, at: usize) -> Range<usize> {
        let length = [self.input.height, self.input.width][axis];
        let (start, before) = (at * self.stride[axis], self.before[axis]);
        let inside = |k: &usize| {
            let place = start + k * self.dilation[axis];
            (before..before + length).contains(&place)
        };
        let first = (0..self.kernel[axis]).find(inside).unwrap_or(0);
        first..first + (first..self.kernel[axis]).take_while(inside).count()
    }

    /// The slab column that each output column's windows start at.
    pub(super) fn columns(&self) -> Vec<u32> {
        let column = |x| (x * self.stride[1]) as u32;
        (0..self.output[1]).map(column).collect()
    }

    /// For each output pixel of a band of `rows` rows, the slab pixel that its window starts at:
    /// row by row, or four by four where they are pooled.
    pub(super) fn origins(&self, rows: usize, pooled: bool) -> Vec<u32> {
        let columns = self.output[1];
        let place = |i: usize| {
            let (square, i) = if pooled { (i / 4, i % 4) } else { (i, 0) };
            let side = if pooled { 2 } else { 1 };
            let (y, x) = (square / (columns / side), square % (columns / side));
            (y * side + i / 2, x * side + i % 2)
        };
        (0..rows * columns)
            .map(place)
            .map(|(y, x)| (y * self.stride[0] * self.slab_width() + x * self.stride[1]) as u32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_all_rows_evenly() {
        let bands: Vec<_> = Geometry::bands(3..13, 4).collect();
        assert_eq!(bands, [3..6, 6..9, 9..13]);
        assert_eq!(Geometry::bands(5..5, 4).count(), 0);
    }

    #[test]
    fn kernel_positions_in_the_padding_see_nothing() {
        let geometry = Geometry {
            input: Shape::new(4, 6, 1),
            output: [5, 3],
            kernel: [3, 5],
            stride: [1, 2],
            dilation: [2, 1],
            before: [2, 2],
        };
        let rows: Vec<_> = (0..5).map(|y| geometry.seen(0, y)).collect();
        assert_eq!(rows, [1..3, 1..3, 0..2, 0..2, 0..1]);
        let columns: Vec<_> = (0..3).map(|x| geometry.seen(1, x)).collect();
        assert_eq!(columns, [2..5, 0..5, 0..4]);
    }

    #[test]
    fn pooled_pixels_are_taken_four_by_four() {
        let geometry = Geometry {
            input: Shape::new(2, 4, 1),
            output: [2, 4],
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            before: [0, 0],
        };
        assert_eq!(geometry.origins(2, true), [0, 1, 4, 5, 2, 3, 6, 7]);
        assert_eq!(geometry.origins(2, false), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
