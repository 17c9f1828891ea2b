//! Windows laid out as the rows of a matrix, and back.

use super::geometry::Geometry;
use std::ops::Range;
use tincy_network::Shape;

/// One group's windows at some output rows, counted through all pictures of the shard.
pub(super) struct Windows<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) rows: Range<usize>,
    pub(super) group: usize,
}

/// A run of kernel elements of one window that lies as one piece in the map too.
struct Run {
    /// Start in the matrix and in the map.
    column: usize,
    pixel: usize,
    length: usize,
}

impl Windows<'_> {
    /// Writes the windows, one a row of `geometry.window()` elements; zeros outside the map.
    pub(super) fn gather(&self, map: &[f32], columns: &mut [f32]) {
        if self.may_leave_the_map() {
            columns.fill(0.0);
        }
        self.runs(
            #[inline(always)]
            |run| {
                let to = &mut columns[run.column..run.column + run.length];
                to.copy_from_slice(&map[run.pixel..run.pixel + run.length]);
            },
        );
    }

    /// Adds the elements of the windows to where they come from.
    pub(super) fn scatter(&self, columns: &[f32], map: &mut [f32]) {
        crate::vector::vectorised(
            #[inline(always)]
            || {
                self.runs(
                    #[inline(always)]
                    |run| {
                        let to = &mut map[run.pixel..run.pixel + run.length];
                        let from = &columns[run.column..run.column + run.length];
                        for (to, from) in to.iter_mut().zip(from) {
                            *to += from;
                        }
                    },
                );
            },
        );
    }

    fn may_leave_the_map(&self) -> bool {
        self.geometry.padding != Default::default()
    }

    #[inline(always)]
    fn runs(&self, mut visit: impl FnMut(Run)) {
        let Windows {
            geometry,
            input,
            output,
            ..
        } = self;
        let channels = geometry.group_inputs();
        let (window, line) = (geometry.window(), geometry.kernel[1] * channels);
        // Kernel columns lie side by side in the map where all channels are read and none skipped.
        let together = geometry.groups == 1 && geometry.dilation[1] == 1;
        let mut start = 0;
        for row in self.rows.clone() {
            let (picture, y) = (row / output.height, row % output.height);
            let (ky, top) = geometry.inside(0, y, input.height);
            for x in 0..output.width {
                let (kx, left) = geometry.inside(1, x, input.width);
                for (i, ky) in ky.clone().enumerate() {
                    let line_at =
                        (picture * input.height + top + i * geometry.dilation[0]) * input.width;
                    let (mut column, mut pixel) = (
                        start + ky * line + kx.start * channels,
                        (line_at + left) * input.channels + self.group * channels,
                    );
                    if together {
                        let length = kx.len() * channels;
                        visit(Run {
                            column,
                            pixel,
                            length,
                        });
                        continue;
                    }
                    for _ in kx.clone() {
                        visit(Run {
                            column,
                            pixel,
                            length: channels,
                        });
                        column += channels;
                        pixel += geometry.dilation[1] * input.channels;
                    }
                }
                start += window;
            }
        }
    }
}
