//! Max pools and the mean over a map.

use crate::kernel::Kernel;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::{Pool, Shape};

/// The kernel of a max pool.
pub fn max_pool(pool: Pool, input: Shape, output: Shape) -> Box<dyn Kernel> {
    Box::new(MaxPool {
        pool,
        input,
        output,
    })
}

/// The kernel of a mean over all pixels.
pub fn global_average(input: Shape) -> Box<dyn Kernel> {
    Box::new(GlobalAverage { input })
}

/// An element that can be the largest.
trait Element: Copy + Send + Sync {
    /// Not above any other.
    const LOWEST: Self;
    /// The other if that is larger; NaN never is.
    fn larger(self, other: Self) -> Self;
}

impl Element for u8 {
    const LOWEST: u8 = u8::MIN;
    fn larger(self, other: u8) -> u8 {
        self.max(other)
    }
}

impl Element for i8 {
    const LOWEST: i8 = i8::MIN;
    fn larger(self, other: i8) -> i8 {
        self.max(other)
    }
}

impl Element for f32 {
    const LOWEST: f32 = f32::NEG_INFINITY;
    fn larger(self, other: f32) -> f32 {
        if other > self { other } else { self }
    }
}

struct MaxPool {
    pool: Pool,
    input: Shape,
    output: Shape,
}

impl MaxPool {
    fn typed<T: Element>(&self, input: &[T], output: &mut [T], team: &Team) {
        let channels = self.output.channels;
        let row = self.output.width * channels;
        team.split(output, row, &|rows, part| {
            for (y, row) in rows.zip(part.chunks_exact_mut(row)) {
                for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
                    self.window(input, y, x, pixel);
                }
            }
        });
    }

    fn window<T: Element>(&self, input: &[T], y: usize, x: usize, pixel: &mut [T]) {
        let Pool {
            size,
            stride,
            padding,
        } = self.pool;
        let Shape {
            height,
            width,
            channels,
        } = self.input;
        let rows = inside(y * stride[0], size[0], padding.top, height);
        let columns = inside(x * stride[1], size[1], padding.left, width);
        pixel.fill(T::LOWEST);
        for row in rows {
            let start = (row * width + columns.start) * channels;
            let seen = &input[start..start + columns.len() * channels];
            for other in seen.chunks_exact(channels) {
                for (largest, value) in pixel.iter_mut().zip(other) {
                    *largest = largest.larger(*value);
                }
            }
        }
    }
}

/// The pixels of `length` that a window of `size` at `start` sees, `before` of padding included.
fn inside(start: usize, size: usize, before: usize, length: usize) -> std::ops::Range<usize> {
    start.saturating_sub(before).min(length)..(start + size).saturating_sub(before).min(length)
}

impl Kernel for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        match output {
            TensorMut::F32(output) => self.typed(inputs[0].floats(), output, team),
            TensorMut::U8(output) => self.typed(inputs[0].unsigned(), output, team),
            TensorMut::I8(output) => self.typed(inputs[0].signed(), output, team),
        }
    }
}

struct GlobalAverage {
    input: Shape,
}

impl Kernel for GlobalAverage {
    fn name(&self) -> &'static str {
        "global-average"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], _: &Team) {
        let sums = output.floats();
        sums.fill(0.0);
        for pixel in inputs[0].floats().chunks_exact(self.input.channels) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += value;
            }
        }
        let pixels = self.input.pixels() as f32;
        sums.iter_mut().for_each(|sum| *sum /= pixels);
    }
}
