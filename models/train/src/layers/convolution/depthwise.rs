//! Convolutions of each channel on its own, channels in the lanes of vectors.
//!
//! Weights are taken as `[ky][kx][channel]`, so that a window's product is one vector operation an
//! element of the kernel.

use super::geometry::Geometry;
use crate::vector::{LANES, vectorised};
use std::ops::Range;
use tincy_network::Shape;

/// A depthwise convolution of some pictures.
pub(super) struct Depthwise<'a> {
    pub(super) geometry: &'a Geometry,
    /// `[ky][kx][channel]`
    pub(super) weights: &'a [f32],
    pub(super) input: Shape,
    pub(super) output: Shape,
}

/// One window: where its part inside the map begins, and the kernel elements of that part.
struct Window {
    ky: Range<usize>,
    kx: Range<usize>,
    /// First element of the first pixel.
    start: usize,
}

/// `[out][ky][kx]` to `[ky][kx][out]`, with `taps` elements a kernel.
pub(super) fn channels_last(weights: &[f32], taps: usize, to: &mut [f32]) {
    let channels = weights.len() / taps;
    for (channel, kernel) in weights.chunks_exact(taps).enumerate() {
        for (tap, weight) in kernel.iter().enumerate() {
            to[tap * channels + channel] = *weight;
        }
    }
}

/// `[ky][kx][out]` to `[out][ky][kx]`.
pub(super) fn channels_first(weights: &[f32], taps: usize, to: &mut [f32]) {
    let channels = weights.len() / taps;
    for (channel, kernel) in to.chunks_exact_mut(taps).enumerate() {
        for (tap, weight) in kernel.iter_mut().enumerate() {
            *weight = weights[tap * channels + channel];
        }
    }
}

impl Depthwise<'_> {
    /// Writes the sums of a row after the other, each handed to `finish` while it is hot.
    pub(super) fn forward(
        &self,
        input: &[f32],
        sums: &mut [f32],
        mut finish: impl FnMut(Range<usize>, &mut [f32]),
    ) {
        let line = self.output.width * self.output.channels;
        for (row, sums) in sums.chunks_exact_mut(line).enumerate() {
            vectorised(
                #[inline(always)]
                || self.forward_row(input, row, sums),
            );
            finish(row * line..(row + 1) * line, sums);
        }
    }

    #[inline(always)]
    fn forward_row(&self, input: &[f32], row: usize, sums: &mut [f32]) {
        let channels = self.output.channels;
        for (x, sums) in sums.chunks_exact_mut(channels).enumerate() {
            let window = self.window(row, x);
            let mut blocks = sums.chunks_exact_mut(LANES);
            let mut first = 0;
            for block in &mut blocks {
                let mut sum = [0.0; LANES];
                self.taps(
                    &window,
                    #[inline(always)]
                    |tap, at| {
                        let weights = lanes(self.weights, tap + first);
                        let values = lanes(input, at + first);
                        for lane in 0..LANES {
                            sum[lane] = values[lane].mul_add(weights[lane], sum[lane]);
                        }
                    },
                );
                block.copy_from_slice(&sum);
                first += LANES;
            }
            for (i, sum) in blocks.into_remainder().iter_mut().enumerate() {
                *sum = 0.0;
                self.taps(
                    &window,
                    #[inline(always)]
                    |tap, at| {
                        *sum += self.weights[tap + first + i] * input[at + first + i];
                    },
                );
            }
        }
    }

    /// Adds to the gradient of the input.
    pub(super) fn input_gradient(&self, d_sums: &[f32], d_input: &mut [f32]) {
        vectorised(
            #[inline(always)]
            || {
                for (pixel, d_sums) in d_sums.chunks_exact(self.output.channels).enumerate() {
                    let window = self.window(pixel / self.output.width, pixel % self.output.width);
                    self.taps(
                        &window,
                        #[inline(always)]
                        |tap, at| {
                            let weights = &self.weights[tap..tap + d_sums.len()];
                            let to = &mut d_input[at..at + d_sums.len()];
                            for ((to, d), w) in to.iter_mut().zip(d_sums).zip(weights) {
                                *to = d.mul_add(*w, *to);
                            }
                        },
                    );
                }
            },
        );
    }

    /// Adds to the gradient of the weights, `[ky][kx][channel]`.
    pub(super) fn weight_gradient(&self, input: &[f32], d_sums: &[f32], d_weights: &mut [f32]) {
        vectorised(
            #[inline(always)]
            || {
                for (pixel, d_sums) in d_sums.chunks_exact(self.output.channels).enumerate() {
                    let window = self.window(pixel / self.output.width, pixel % self.output.width);
                    self.taps(
                        &window,
                        #[inline(always)]
                        |tap, at| {
                            let to = &mut d_weights[tap..tap + d_sums.len()];
                            let values = &input[at..at + d_sums.len()];
                            for ((to, d), x) in to.iter_mut().zip(d_sums).zip(values) {
                                *to = d.mul_add(*x, *to);
                            }
                        },
                    );
                }
            },
        );
    }

    /// The window of output `x` in a row, counted through all pictures.
    #[inline(always)]
    fn window(&self, row: usize, x: usize) -> Window {
        let (picture, y) = (row / self.output.height, row % self.output.height);
        let (ky, top) = self.geometry.inside(0, y, self.input.height);
        let (kx, left) = self.geometry.inside(1, x, self.input.width);
        let pixel = (picture * self.input.height + top) * self.input.width + left;
        Window {
            ky,
            kx,
            start: pixel * self.input.channels,
        }
    }

    /// Calls `visit` with where a tap's weights and its pixel begin.
    #[inline(always)]
    fn taps(&self, window: &Window, mut visit: impl FnMut(usize, usize)) {
        let channels = self.input.channels;
        let row_step = self.geometry.dilation[0] * self.input.width * channels;
        let column_step = self.geometry.dilation[1] * channels;
        for (i, ky) in window.ky.clone().enumerate() {
            let mut at = window.start + i * row_step;
            for kx in window.kx.clone() {
                visit((ky * self.geometry.kernel[1] + kx) * channels, at);
                at += column_step;
            }
        }
    }
}

#[inline(always)]
fn lanes(values: &[f32], at: usize) -> &[f32; LANES] {
    values[at..at + LANES]
        .try_into()
        .expect("a slice of that length")
}
