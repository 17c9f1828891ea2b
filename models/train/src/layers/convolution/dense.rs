//! Convolutions as products of matrices: windows are gathered in tiles that stay in the cache.

use super::columns::Windows;
use super::geometry::Geometry;
use crate::layer::sized;
use crate::matrix::{Layout, product};
use std::ops::Range;
use tincy_network::Shape;

/// Elements of a tile of windows: about as much as a second-level cache holds.
const TILE: usize = 160 * 1024;

/// A dense or grouped convolution of some pictures.
pub(super) struct Dense<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) weights: &'a [f32],
    pub(super) pictures: usize,
    pub(super) input: Shape,
    pub(super) output: Shape,
}

impl Dense<'_> {
    /// Writes the sums of a tile after the other, each handed to `finish` while it is hot.
    pub(super) fn forward(
        &self,
        input: &[f32],
        sums: &mut [f32],
        columns: &mut Vec<f32>,
        mut finish: impl FnMut(Range<usize>, &mut [f32]),
    ) {
        for rows in self.tiles() {
            let (pixels, at) = self.pixels(&rows);
            let sums = &mut sums[at.clone()];
            for group in 0..self.geometry.groups {
                let windows = self.windows(&rows, group, input, columns);
                let weights = (self.group_weights(group), self.weight_layout().transposed());
                let first = group * self.geometry.group_outputs();
                let to = (&mut sums[first..], self.sum_layout(pixels));
                product(to, windows, weights, false);
            }
            finish(at, sums);
        }
    }

    /// Adds to the gradients of weights and input (where wanted, and cleared before).
    pub(super) fn backward(
        &self,
        input: &[f32],
        d_sums: &[f32],
        d_weights: Option<&mut [f32]>,
        d_input: Option<&mut [f32]>,
        columns: &mut Vec<f32>,
    ) {
        let (mut d_weights, mut d_input) = (d_weights, d_input);
        for rows in self.tiles() {
            let (pixels, at) = self.pixels(&rows);
            let d_sums = &d_sums[at];
            for group in 0..self.geometry.groups {
                let first = group * self.geometry.group_outputs();
                let d_sums = (&d_sums[first..], self.sum_layout(pixels));
                if let Some(d_weights) = d_weights.as_deref_mut() {
                    let windows = self.windows(&rows, group, input, columns);
                    let to = &mut d_weights[self.group_range(group)];
                    let d_sums = (d_sums.0, d_sums.1.transposed());
                    product((to, self.weight_layout()), d_sums, windows, true);
                }
                if let Some(d_input) = d_input.as_deref_mut() {
                    self.input_gradient(&rows, group, d_sums, d_input, columns);
                }
            }
        }
    }

    fn input_gradient(
        &self,
        rows: &Range<usize>,
        group: usize,
        d_sums: (&[f32], Layout),
        d_input: &mut [f32],
        columns: &mut Vec<f32>,
    ) {
        let weights = (self.group_weights(group), self.weight_layout());
        let pixels = d_sums.1.rows;
        let window = self.geometry.window();
        if self.geometry.is_pointwise() {
            let to = &mut d_input[rows.start * self.output.width * window..];
            product(
                (to, Layout::rows(pixels, window, window)),
                d_sums,
                weights,
                true,
            );
            return;
        }
        let columns = sized(columns, pixels * window);
        let layout = Layout::rows(pixels, window, window);
        product((columns, layout), d_sums, weights, false);
        self.at(rows, group).scatter(columns, d_input);
    }

    /// The windows of a tile as a matrix; those of a pointwise convolution are the map itself.
    fn windows<'a>(
        &self,
        rows: &Range<usize>,
        group: usize,
        input: &'a [f32],
        columns: &'a mut Vec<f32>,
    ) -> (&'a [f32], Layout) {
        let window = self.geometry.window();
        let pixels = rows.len() * self.output.width;
        let layout = Layout::rows(pixels, window, window);
        if self.geometry.is_pointwise() {
            return (&input[rows.start * self.output.width * window..], layout);
        }
        let columns = sized(columns, pixels * window);
        self.at(rows, group).gather(input, columns);
        (columns, layout)
    }

    fn at(&self, rows: &Range<usize>, group: usize) -> Windows<'_> {
        Windows {
            geometry: self.geometry,
            input: self.input,
            output: self.output,
            rows: rows.clone(),
            group,
        }
    }

    /// Output rows of all pictures, a tile after the other.
    fn tiles(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let window = self.geometry.window().max(self.geometry.group_outputs());
        // Weights are packed once a tile, so a tile has as many pixels as there are outputs.
        let pixels = (TILE / window).max(self.geometry.group_outputs().min(512));
        let step = (pixels / self.output.width).max(1);
        let rows = self.pictures * self.output.height;
        (0..rows)
            .step_by(step)
            .map(move |row| row..(row + step).min(rows))
    }

    /// Number of pixels of a tile, and where their sums lie.
    fn pixels(&self, rows: &Range<usize>) -> (usize, Range<usize>) {
        let line = self.output.width * self.output.channels;
        (
            rows.len() * self.output.width,
            rows.start * line..rows.end * line,
        )
    }

    fn sum_layout(&self, pixels: usize) -> Layout {
        Layout::rows(pixels, self.geometry.group_outputs(), self.geometry.outputs)
    }

    fn weight_layout(&self) -> Layout {
        let window = self.geometry.window();
        Layout::rows(self.geometry.group_outputs(), window, window)
    }

    fn group_range(&self, group: usize) -> Range<usize> {
        let count = self.geometry.group_outputs() * self.geometry.window();
        group * count..(group + 1) * count
    }

    fn group_weights(&self, group: usize) -> &[f32] {
        &self.weights[self.group_range(group)]
    }
}
