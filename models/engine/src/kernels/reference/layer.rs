//! All layers that are not convolutions: what stands at one place of the output.

use crate::kernel::Kernel;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::{Number, Op, Pool, Shape, blocks, reorg, resize};

/// A layer by its definition.
pub(super) struct Plain {
    pub(super) op: Op,
    pub(super) inputs: Vec<Shape>,
    pub(super) output: Shape,
    /// Number type of the output.
    pub(super) number: Number,
}

/// The maps that a layer reads.
struct Maps<'a> {
    tensors: &'a [Tensor<'a>],
    shapes: &'a [Shape],
}

impl Maps<'_> {
    fn at(&self, map: usize, y: usize, x: usize, c: usize) -> f32 {
        let shape = self.shapes[map];
        self.tensors[map].get((y * shape.width + x) * shape.channels + c)
    }
}

/// Element (`y`, `x`, `c`) of a layer's output; a code as an exact f32.
fn value(op: &Op, maps: &Maps<'_>, y: usize, x: usize, c: usize) -> f32 {
    let shape = maps.shapes[0];
    match op {
        Op::MaxPool(pool) => pool_window(pool, shape, y, x)
            .map(|(y, x)| maps.at(0, y, x, c))
            .fold(f32::NEG_INFINITY, f32::max),
        Op::GlobalAverage => {
            let pixels = shape.pixels();
            let sum = (0..pixels).fold(0.0, |sum, pixel| sum + maps.at(0, 0, pixel, c));
            sum / pixels as f32
        }
        Op::Upsample { factor } => maps.at(0, y / factor, x / factor, c),
        Op::Concat => joined(maps, y, x, c),
        Op::Slice { start, .. } => maps.at(0, y, x, start + c),
        Op::Gather { channels } => maps.at(0, y, x, channels[c] as usize),
        Op::Resize { size } => resized(maps, *size, y, x, c),
        Op::Add { activation } => activation.apply(maps.at(0, y, x, c) + addend(maps, y, x, c)),
        Op::ScaleChannels { activation } => {
            activation.apply(maps.at(0, y, x, c) * maps.at(1, 0, 0, c))
        }
        Op::Reorg { stride } => {
            let [y, x, c] = reorg::source(shape, *stride, y, x, c);
            maps.at(0, y, x, c)
        }
        Op::DepthToSpace { block, order } => {
            let channels = shape.channels / (block * block);
            let [y, x, c] = blocks::source(*block, *order, channels, [y, x, c]);
            maps.at(0, y, x, c)
        }
        Op::Steps(steps) => f32::from(steps.apply(maps.at(0, y, x, c), c)),
        Op::Activation { activation } => activation.apply(maps.at(0, y, x, c)),
        Op::Softmax | Op::Convolution(_) => unreachable!("not defined one element at a time"),
    }
}

/// The pixels of a map that a pool's window at (`y`, `x`) sees, row by row.
pub(super) fn pool_window(
    pool: &Pool,
    map: Shape,
    y: usize,
    x: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let (size, stride, padding) = (pool.size, pool.stride, pool.padding);
    (0..size[0] * size[1]).filter_map(move |k| {
        let row = (y * stride[0] + k / size[1]).checked_sub(padding.top)?;
        let column = (x * stride[1] + k % size[1]).checked_sub(padding.left)?;
        (row < map.height && column < map.width).then_some((row, column))
    })
}

fn joined(maps: &Maps<'_>, y: usize, x: usize, mut c: usize) -> f32 {
    let mut map = 0;
    while c >= maps.shapes[map].channels {
        c -= maps.shapes[map].channels;
        map += 1;
    }
    maps.at(map, y, x, c)
}

/// The mean of four neighbours: of the upper two, of the lower two, then of both.
fn resized(maps: &Maps<'_>, [height, width]: [usize; 2], y: usize, x: usize, c: usize) -> f32 {
    let shape = maps.shapes[0];
    let (top, bottom, down) = resize::neighbours(y, shape.height, height);
    let (left, right, across) = resize::neighbours(x, shape.width, width);
    let row = |y: usize| resize::between(maps.at(0, y, left, c), maps.at(0, y, right, c), across);
    resize::between(row(top), row(bottom), down)
}

/// What Darknet's shortcut adds to (`y`, `x`, `c`) of the first map.
fn addend(maps: &Maps<'_>, y: usize, x: usize, c: usize) -> f32 {
    let (first, second) = (maps.shapes[0], maps.shapes[1]);
    if c >= second.channels {
        return 0.0;
    }
    if second.width >= first.width {
        let stride = second.width / first.width;
        return maps.at(1, y * stride, x * stride, c);
    }
    let spread = first.width / second.width;
    if y.is_multiple_of(spread) && x.is_multiple_of(spread) {
        maps.at(1, y / spread, x / spread, c)
    } else {
        0.0
    }
}

/// `e^(x - largest) / sum`, which is `e^x / sum` without overflow.
fn softmax(input: &[f32], output: &mut [f32]) {
    let largest = input.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for (y, x) in output.iter_mut().zip(input) {
        *y = (x - largest).exp();
    }
    let sum = output.iter().fold(0.0, |sum, y| sum + y);
    output.iter_mut().for_each(|y| *y /= sum);
}

impl Kernel for Plain {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        if let Op::Softmax = self.op {
            return softmax(inputs[0].floats(), output.floats());
        }
        let maps = Maps {
            tensors: inputs,
            shapes: &self.inputs,
        };
        let (width, channels) = (self.output.width, self.output.channels);
        let codes = match (&self.op, self.number) {
            (Op::Add { .. }, Number::Code(code)) => Some(code),
            _ => None,
        };
        team.split_map(output, channels, &|pixels, mut part| {
            for (i, pixel) in pixels.enumerate() {
                for c in 0..channels {
                    let value = value(&self.op, &maps, pixel / width, pixel % width, c);
                    // The sum of two codes has the zero point twice, and may leave the range.
                    let value = codes.map_or(value, |code| {
                        let [zero, min, max] = [code.zero, code.min(), code.max()];
                        (value as i32 - zero).clamp(min, max) as f32
                    });
                    part.set(i * channels + c, value);
                }
            }
        });
    }
}
