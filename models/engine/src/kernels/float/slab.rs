//! The padded copy of a band of input rows: floats, a block of channels, nothing else.

use super::geometry::Geometry;
use crate::tensor::Tensor;
use std::ops::Range;

/// Which part of the input is copied, and how.
pub(super) struct Slab<'a> {
    pub(super) geometry: &'a Geometry,
    /// Output rows whose windows it must hold.
    pub(super) rows: Range<usize>,
    /// Input channels.
    pub(super) channels: Range<usize>,
    /// Floats a pixel, at least one a channel; the rest is zero.
    pub(super) pitch: usize,
    /// The code that stands for zero.
    pub(super) zero: i32,
}

impl Slab<'_> {
    /// Floats that the slab takes.
    pub(super) fn len(&self) -> usize {
        self.geometry.slab_height(self.rows.len()) * self.geometry.slab_width() * self.pitch
    }

    /// Copies the rows of `input` into `slab`.
    pub(super) fn fill(&self, input: Tensor<'_>, slab: &mut [f32]) {
        let zero = self.zero;
        match input {
            Tensor::F32(values) => self.fill_from(values, slab, |v| v),
            Tensor::U8(codes) => self.fill_from(codes, slab, |c| (i32::from(c) - zero) as f32),
            Tensor::I8(codes) => self.fill_from(codes, slab, |c| (i32::from(c) - zero) as f32),
        }
    }

    fn fill_from<T: Copy>(&self, input: &[T], slab: &mut [f32], float: impl Fn(T) -> f32 + Copy) {
        let map = self.geometry.input;
        let width = self.geometry.slab_width();
        let top = self.rows.start * self.geometry.stride[0];
        for (y, row) in slab.chunks_exact_mut(width * self.pitch).enumerate() {
            let source = (top + y).checked_sub(self.geometry.before[0]);
            match source.filter(|y| *y < map.height) {
                None => row.fill(0.0),
                Some(y) => {
                    let line = map.width * map.channels;
                    self.fill_row(&input[y * line..][..line], row, float);
                }
            }
        }
    }

    fn fill_row<T: Copy>(&self, input: &[T], row: &mut [f32], float: impl Fn(T) -> f32 + Copy) {
        let all = self.geometry.input.channels;
        let pixels = row.len() / self.pitch;
        let left = self.geometry.before[1].min(pixels);
        let count = self.geometry.input.width.min(pixels - left);
        let (before, rest) = row.split_at_mut(left * self.pitch);
        let (inside, after) = rest.split_at_mut(count * self.pitch);
        before.fill(0.0);
        after.fill(0.0);
        if self.pitch == all && self.channels.len() == all {
            convert(&input[..count * all], inside, float);
            return;
        }
        let pixels = inside.chunks_exact_mut(self.pitch);
        for (to, from) in pixels.zip(input.chunks_exact(all)) {
            let (used, unused) = to.split_at_mut(self.channels.len());
            convert(&from[self.channels.clone()], used, float);
            unused.fill(0.0);
        }
    }
}

fn convert<T: Copy>(from: &[T], to: &mut [f32], float: impl Fn(T) -> f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = float(*from);
    }
}
