//! The padded copy of a band of input rows: a block of channels in one number type.

use super::geometry::Geometry;
use super::tile::LANES;
use std::ops::Range;

/// Which part of the input is copied, and how.
pub(in crate::kernels) struct Slab<'a> {
    pub(in crate::kernels) geometry: &'a Geometry,
    /// Output rows whose windows it must hold.
    pub(in crate::kernels) rows: Range<usize>,
    /// Input channels.
    pub(in crate::kernels) channels: Range<usize>,
    /// Elements a pixel, at least one a channel; the rest is padding too.
    pub(in crate::kernels) pitch: usize,
}

impl Slab<'_> {
    /// Elements that the slab takes.
    pub(in crate::kernels) fn len(&self) -> usize {
        self.geometry.slab_height(self.rows.len()) * self.geometry.slab_width() * self.pitch
    }

    /// Copies the rows of `input` into `slab`, each element changed by `convert`; `zero` is what
    /// stands around the map.
    pub(in crate::kernels) fn fill<S: Copy, D: Copy>(
        &self,
        input: &[S],
        slab: &mut [D],
        zero: D,
        convert: impl Fn(S) -> D + Copy,
    ) {
        let map = self.geometry.input;
        let width = self.geometry.slab_width();
        let top = self.rows.start * self.geometry.stride[0];
        for (y, row) in slab.chunks_exact_mut(width * self.pitch).enumerate() {
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
        let pixels = row.len() / self.pitch;
        let left = self.geometry.before[1].min(pixels);
        let count = self.geometry.input.width.min(pixels - left);
        let (before, rest) = row.split_at_mut(left * self.pitch);
        let (inside, after) = rest.split_at_mut(count * self.pitch);
        before.fill(zero);
        after.fill(zero);
        if self.pitch == all && self.channels.len() == all {
            copy(&input[..count * all], inside, convert);
            return;
        }
        let pixels = inside.chunks_exact_mut(self.pitch);
        for (to, from) in pixels.zip(input.chunks_exact(all)) {
            let from = &from[self.channels.clone()];
            // Blocks of one panel's channels are the common short ones: a copy of known length.
            if let (Some(from), Some(to)) = (from.as_array(), to.as_mut_array()) {
                let (from, to): (&[S; LANES], &mut [D; LANES]) = (from, to);
                copy(from, to, convert);
                continue;
            }
            let (used, unused) = to.split_at_mut(from.len());
            copy(from, used, convert);
            unused.fill(zero);
        }
    }
}

#[inline(always)]
fn copy<S: Copy, D>(from: &[S], to: &mut [D], convert: impl Fn(S) -> D) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = convert(*from);
    }
}
