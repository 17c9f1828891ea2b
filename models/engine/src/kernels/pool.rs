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
trait Element: bytemuck::Pod + Send + Sync {
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

/// Windows of more pixels are done row by row first: of size `n`, that takes `2 n` steps a pixel
/// instead of `n * n`.
const MOST_AT_ONCE: usize = 9;

impl MaxPool {
    fn typed<T: Element>(&self, input: &[T], output: &mut [T], scratch: &mut [u8], team: &Team) {
        if self.in_two_passes() {
            let between = &mut bytemuck::cast_slice_mut(scratch)[..self.between()];
            self.across(input, between, team);
            return self.down(between, output, team);
        }
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

    fn in_two_passes(&self) -> bool {
        self.pool.size[0] * self.pool.size[1] > MOST_AT_ONCE
    }

    /// Elements between the passes: input rows of output width.
    fn between(&self) -> usize {
        self.input.height * self.output.width * self.output.channels
    }

    /// The largest of each window's columns in every row.
    fn across<T: Element>(&self, input: &[T], between: &mut [T], team: &Team) {
        let Shape {
            width, channels, ..
        } = self.input;
        let (size, stride) = (self.pool.size[1], self.pool.stride[1]);
        let row = self.output.width * channels;
        team.split(between, row, &|rows, part| {
            for (y, row) in rows.zip(part.chunks_exact_mut(row)) {
                let from = &input[y * width * channels..][..width * channels];
                for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
                    let seen = inside(x * stride, size, self.pool.padding.left, width);
                    largest(from, seen, pixel);
                }
            }
        });
    }

    /// The largest of each window's rows.
    fn down<T: Element>(&self, between: &[T], output: &mut [T], team: &Team) {
        let (size, stride) = (self.pool.size[0], self.pool.stride[0]);
        let row = self.output.width * self.output.channels;
        team.split(output, row, &|rows, part| {
            for (y, row) in rows.zip(part.chunks_exact_mut(row)) {
                let before = self.pool.padding.top;
                let seen = inside(y * stride, size, before, self.input.height);
                largest(between, seen, row);
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

/// Element by element the largest of some of the runs, as long as the output, that `input` is made of.
fn largest<T: Element>(input: &[T], runs: std::ops::Range<usize>, output: &mut [T]) {
    output.fill(T::LOWEST);
    let seen = &input[runs.start * output.len()..runs.end * output.len()];
    for run in seen.chunks_exact(output.len()) {
        for (largest, value) in output.iter_mut().zip(run) {
            *largest = largest.larger(*value);
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

    /// For the largest elements.
    fn scratch_bytes(&self, _: usize) -> usize {
        match self.in_two_passes() {
            true => size_of::<f32>() * self.between(),
            false => 0,
        }
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        match output {
            TensorMut::F32(output) => self.typed(inputs[0].floats(), output, scratch, team),
            TensorMut::U8(output) => self.typed(inputs[0].unsigned(), output, scratch, team),
            TensorMut::I8(output) => self.typed(inputs[0].signed(), output, scratch, team),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tester::Random;
    use tincy_network::Padding;

    /// Windows that are neither square nor in the middle, done both ways.
    #[test]
    fn two_passes_give_what_one_gives() {
        let mut random = Random::new(3);
        for (size, stride, [top, left, bottom, right]) in [
            ([5, 3], [1, 1], [2, 1, 2, 1]),
            ([3, 7], [2, 1], [0, 3, 1, 2]),
            ([4, 4], [1, 3], [3, 0, 0, 3]),
        ] {
            let input = Shape::new(9, 11, 5);
            let padding = Padding {
                top,
                left,
                bottom,
                right,
            };
            let places =
                |side: usize, i: usize, around: usize| (side + around - size[i]) / stride[i] + 1;
            let output = Shape::new(places(9, 0, top + bottom), places(11, 1, left + right), 5);
            let pool = MaxPool {
                pool: Pool {
                    size,
                    stride,
                    padding,
                },
                input,
                output,
            };
            let map: Vec<i8> = (0..input.elements()).map(|_| random.next() as i8).collect();
            let mut found = vec![0; output.elements()];
            let mut scratch = crate::tensor::Buffer::new(pool.scratch_bytes(2));
            let bytes = scratch.bytes();
            pool.typed(&map, &mut found, scratch.slice_mut(bytes), &Team::new(2));
            let mut expected = vec![0; 5];
            for (i, found) in found.chunks_exact(5).enumerate() {
                pool.window(&map, i / output.width, i % output.width, &mut expected);
                assert_eq!(found, expected, "pixel {i} of {output}");
            }
        }
    }
}
