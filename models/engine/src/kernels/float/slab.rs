//! The padded copy of a band of input rows: a block of channels in one number type.

use super::geometry::Geometry;
use std::ops::Range;

/// Which part of the input is copied, and how.
pub(super) struct Slab<'a> {
    pub(super) geometry: &'a Geometry,
    /// Output rows whose windows it must hold.
    pub(super) rows: Range<usize>,
    /// Input channels.
    pub(super) channels: Range<usize>,
}

impl Slab<'_> {
    /// Elements that the slab takes.
    pub(super) fn len(&self) -> usize {
        self.geometry.slab_height(self.rows.len())
            * self.geometry.slab_width()
            * self.channels.len()
    }

    /// Copies the rows of `input` into `slab`, each element changed by `convert`; `zero` is what
    /// stands around the map.
    pub(super) fn fill<S: Copy, D: Copy>(
        &self,
        input: &[S],
        slab: &mut [D],
        zero: D,
        convert: impl Fn(S) -> D + Copy,
    ) {
        let map = self.geometry.input;
        let width = self.geometry.slab_width();
        let top = self.rows.start * self.geometry.stride[0];
        for (y, row) in slab
            .chunks_exact_mut(width * self.channels.len())
            .enumerate()
        {
            let source = (top + y).checked_sub(self.geometry.before[0]);
            match source.filter(|y| *y < map.height) {
                None => row.fill(zero),
                Some(y) => {
                    let line = map.width * map.channels;
                    self.fill_row(&input[y * line..][..line], row, zero, convert);
                }
            }
        }
    }

    fn fill_row<S: Copy, D: Copy>(
        &self,
        input: &[S],
        row: &mut [D],
        zero: D,
        convert: impl Fn(S) -> D + Copy,
    ) {
        let all = self.geometry.input.channels;
        let pixels = row.len() / self.channels.len();
        let left = self.geometry.before[1].min(pixels);
        let count = self.geometry.input.width.min(pixels - left);
        let (before, rest) = row.split_at_mut(left * self.channels.len());
        let (inside, after) = rest.split_at_mut(count * self.channels.len());
        before.fill(zero);
        after.fill(zero);
        if self.channels.len() == all {
            copy(&input[..count * all], inside, convert);
            return;
        }
        let pixels = inside.chunks_exact_mut(self.channels.len());
        for (to, from) in pixels.zip(input.chunks_exact(all)) {
            copy(&from[self.channels.clone()], to, convert);
        }
    }
}

#[inline(always)]
fn copy<S: Copy, D>(from: &[S], to: &mut [D], convert: impl Fn(S) -> D) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = convert(*from);
    }
}
