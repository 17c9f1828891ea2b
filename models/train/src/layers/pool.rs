//! The largest value under each window.

use crate::Error;
use crate::layer::{Backward, Forward, Layer};
use crate::vector::{clear, vectorised};
use std::ops::Range;
use tincy_network::shape::window_positions;
use tincy_network::{Pool, Shape};

/// A max pool; padding never wins. The gradient goes to the first of equal values.
pub(crate) struct MaxPool(pub(crate) Pool);

/// The part of a window inside the map: rows and columns.
struct Window {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl MaxPool {
    #[inline(always)]
    fn window(&self, input: Shape, y: usize, x: usize) -> Window {
        let Pool {
            size,
            stride,
            padding,
        } = self.0;
        let along = |start: usize, size: usize, before: usize, length: usize| {
            start.saturating_sub(before)..(start + size).saturating_sub(before).min(length)
        };
        Window {
            rows: along(y * stride[0], size[0], padding.top, input.height),
            columns: along(x * stride[1], size[1], padding.left, input.width),
        }
    }

    /// Calls `visit` with every output pixel's place and the place of every input pixel that its
    /// window sees, in elements; and whether that is the window's first.
    #[inline(always)]
    fn pairs(
        &self,
        pictures: usize,
        from: Shape,
        to: Shape,
        mut visit: impl FnMut(usize, usize, bool),
    ) {
        let mut output = 0;
        for picture in 0..pictures {
            for y in 0..to.height {
                for x in 0..to.width {
                    let window = self.window(from, y, x);
                    let mut first = true;
                    for row in window.rows.clone() {
                        let line = (picture * from.height + row) * from.width;
                        for column in window.columns.clone() {
                            visit(output, (line + column) * from.channels, first);
                            first = false;
                        }
                    }
                    output += to.channels;
                }
            }
        }
    }
}

impl Layer for MaxPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        let (input, pool) = (inputs[0], self.0);
        let height = input.height + pool.padding.top + pool.padding.bottom;
        let width = input.width + pool.padding.left + pool.padding.right;
        let rows = window_positions(height, pool.size[0], 1, pool.stride[0]);
        let columns = window_positions(width, pool.size[1], 1, pool.stride[1]);
        match (rows, columns) {
            (Some(rows), Some(columns)) => Ok(Shape::new(rows, columns, input.channels)),
            _ => Err(Error::Shape(format!(
                "a pool does not fit a map of {input}; take a larger size"
            ))),
        }
    }

    fn forward(&self, pass: Forward<'_>) {
        let channels = pass.shape.channels;
        let (input, output) = (pass.inputs[0], pass.output);
        vectorised(
            #[inline(always)]
            || {
                self.pairs(
                    pass.pictures,
                    pass.shapes[0],
                    pass.shape,
                    #[inline(always)]
                    |to, from, first| {
                        let (to, from) =
                            (&mut output[to..to + channels], &input[from..][..channels]);
                        if first {
                            to.copy_from_slice(from);
                            return;
                        }
                        for (to, from) in to.iter_mut().zip(from) {
                            *to = if *from > *to { *from } else { *to };
                        }
                    },
                );
            },
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(gradient) = &mut pass.d_inputs[0] else {
            return;
        };
        clear(&mut gradient.values, gradient.add);
        let channels = pass.shape.channels;
        let (input, output, d_output) = (pass.inputs[0], pass.output, pass.d_output);
        let d_input = &mut gradient.values;
        vectorised(
            #[inline(always)]
            || {
                self.pairs(
                    pass.pictures,
                    pass.shapes[0],
                    pass.shape,
                    #[inline(always)]
                    |at, from, _| {
                        let best = &output[at..at + channels];
                        let value = &input[from..from + channels];
                        let d = &mut d_output[at..at + channels];
                        let to = &mut d_input[from..from + channels];
                        for (((to, d), value), best) in to.iter_mut().zip(d).zip(value).zip(best) {
                            // What was given to one pixel is not given to a second.
                            let hit = value == best;
                            *to += if hit { *d } else { 0.0 };
                            *d = if hit { 0.0 } else { *d };
                        }
                    },
                );
            },
        );
    }
}
