//! Maps brought to another size by weighted means of neighbours.

use crate::kernel::Kernel;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::Shape;
use tincy_network::resize::{between, neighbours};

/// The kernel of [`Op::Resize`](tincy_network::Op::Resize).
pub fn resize(input: Shape, output: Shape) -> Box<dyn Kernel> {
    let axis = |from: usize, to: usize| (0..to).map(|i| neighbours(i, from, to)).collect();
    Box::new(Resize {
        rows: axis(input.height, output.height),
        columns: axis(input.width, output.width),
        width: input.width,
        channels: input.channels,
    })
}

/// For each row or column: the first neighbour, the second, and its weight.
type Axis = Vec<(usize, usize, f32)>;

struct Resize {
    rows: Axis,
    columns: Axis,
    /// Columns of the input.
    width: usize,
    channels: usize,
}

impl Resize {
    fn row(&self, input: &[f32], y: usize, output: &mut [f32]) {
        let (top, bottom, down) = self.rows[y];
        let pixel = |y: usize, x: usize| {
            let start = (y * self.width + x) * self.channels;
            &input[start..start + self.channels]
        };
        let pixels = output.chunks_exact_mut(self.channels).zip(&self.columns);
        for (output, (left, right, across)) in pixels {
            let [a, b] = [pixel(top, *left), pixel(top, *right)];
            let [c, d] = [pixel(bottom, *left), pixel(bottom, *right)];
            for (i, output) in output.iter_mut().enumerate() {
                let [upper, lower] =
                    [(a[i], b[i]), (c[i], d[i])].map(|(left, right)| between(left, right, *across));
                *output = between(upper, lower, down);
            }
        }
    }
}

impl Kernel for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let input = inputs[0].floats();
        let row = self.columns.len() * self.channels;
        team.split(output.floats(), row, &|rows, part| {
            for (y, output) in rows.zip(part.chunks_exact_mut(row)) {
                self.row(input, y, output);
            }
        });
    }
}
