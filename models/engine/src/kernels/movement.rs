//! Layers that only move elements: upsample, concat, slice, gather, reorg and depth-to-space. They work on bytes.

use crate::kernel::Kernel;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::{BlockOrder, Number, Shape, blocks, reorg};

/// The kernel that repeats each pixel `factor` x `factor` times.
pub fn upsample(factor: usize, output: Shape, number: Number) -> Box<dyn Kernel> {
    Box::new(Upsample {
        factor,
        width: output.width / factor,
        pixel: output.channels * number.bytes(),
    })
}

/// The kernel that puts the channels of several maps side by side.
pub fn concat(inputs: &[Shape], number: Number) -> Box<dyn Kernel> {
    let runs: Vec<_> = inputs
        .iter()
        .map(|shape| shape.channels * number.bytes())
        .collect();
    Box::new(Concat {
        pixel: runs.iter().sum(),
        runs,
    })
}

/// The kernel that takes `count` channels from `start` on.
pub fn slice(start: usize, count: usize, input: Shape, number: Number) -> Box<dyn Kernel> {
    Box::new(Slice {
        pixel: input.channels * number.bytes(),
        start: start * number.bytes(),
        count: count * number.bytes(),
    })
}

/// The kernel that takes channels by their numbers.
pub fn gather(channels: &[u32], input: Shape, number: Number) -> Box<dyn Kernel> {
    Box::new(Gather {
        channels: channels.to_vec(),
        inputs: input.channels,
        element: number.bytes(),
    })
}

/// The kernel of Darknet's space-to-depth.
pub fn reorg(stride: usize, input: Shape, output: Shape, number: Number) -> Box<dyn Kernel> {
    let mut sources = Vec::with_capacity(output.elements());
    for pixel in 0..output.pixels() {
        let (row, column) = (pixel / output.width, pixel % output.width);
        sources.extend((0..output.channels).map(|channel| {
            let [y, x, c] = reorg::source(input, stride, row, column, channel);
            ((y * input.width + x) * input.channels + c) as u32
        }));
    }
    Box::new(Moved {
        name: "reorg",
        sources,
        element: number.bytes(),
    })
}

/// The kernel that makes blocks of pixels from channels.
pub fn depth_to_space(
    block: usize,
    order: BlockOrder,
    output: Shape,
    number: Number,
) -> Box<dyn Kernel> {
    let (width, channels) = (output.width, output.channels);
    let (inputs, wide) = (channels * block * block, width / block);
    let source = |i: usize| {
        let place = [i / channels / width, i / channels % width, i % channels];
        let [y, x, c] = blocks::source(block, order, channels, place);
        ((y * wide + x) * inputs + c) as u32
    };
    Box::new(Moved {
        name: "depth-to-space",
        sources: (0..output.elements()).map(source).collect(),
        element: number.bytes(),
    })
}

struct Upsample {
    factor: usize,
    /// Pixels of an input row.
    width: usize,
    /// Bytes of a pixel.
    pixel: usize,
}

impl Kernel for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let (input, narrow) = (inputs[0].bytes(), self.width * self.pixel);
        let wide = narrow * self.factor;
        team.split(output.bytes(), wide, &|rows, part| {
            let first = rows.start;
            for y in rows {
                let start = (y - first) * wide;
                if y != first && !y.is_multiple_of(self.factor) {
                    part.copy_within(start - wide..start, start);
                    continue;
                }
                let from = input[y / self.factor * narrow..][..narrow].chunks_exact(self.pixel);
                let to = part[start..start + wide].chunks_exact_mut(self.pixel * self.factor);
                for (to, from) in to.zip(from) {
                    to.chunks_exact_mut(self.pixel)
                        .for_each(|pixel| pixel.copy_from_slice(from));
                }
            }
        });
    }
}

struct Concat {
    /// Bytes of each input's pixel.
    runs: Vec<usize>,
    /// Bytes of the output's.
    pixel: usize,
}

impl Kernel for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        team.split(output.bytes(), self.pixel, &|pixels, part| {
            let mut at = 0;
            for (input, run) in inputs.iter().zip(&self.runs) {
                let from = input.bytes()[pixels.start * run..].chunks_exact(*run);
                for (to, from) in part.chunks_exact_mut(self.pixel).zip(from) {
                    to[at..at + run].copy_from_slice(from);
                }
                at += run;
            }
        });
    }
}

struct Slice {
    /// Bytes of an input pixel.
    pixel: usize,
    start: usize,
    count: usize,
}

impl Kernel for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let input = inputs[0].bytes();
        team.split(output.bytes(), self.count, &|pixels, part| {
            let from = input[pixels.start * self.pixel..].chunks_exact(self.pixel);
            for (to, from) in part.chunks_exact_mut(self.count).zip(from) {
                to.copy_from_slice(&from[self.start..][..self.count]);
            }
        });
    }
}

struct Gather {
    channels: Vec<u32>,
    /// Channels of the input.
    inputs: usize,
    /// Bytes of an element.
    element: usize,
}

impl Gather {
    fn typed<T: Copy>(&self, from: &[T], to: &mut [T]) {
        let from = from.chunks_exact(self.inputs);
        for (to, from) in to.chunks_exact_mut(self.channels.len()).zip(from) {
            for (to, channel) in to.iter_mut().zip(&self.channels) {
                *to = from[*channel as usize];
            }
        }
    }
}

impl Kernel for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let input = inputs[0].bytes();
        let [from, to] = [self.inputs, self.channels.len()].map(|n| n * self.element);
        team.split(output.bytes(), to, &|pixels, part| {
            let input = &input[pixels.start * from..pixels.end * from];
            match self.element {
                4 => {
                    let to = bytemuck::cast_slice_mut::<u8, u32>(part);
                    self.typed(bytemuck::cast_slice(input), to);
                }
                _ => self.typed(input, part),
            }
        });
    }
}

struct Moved {
    name: &'static str,
    /// For each output element, the input element that it is.
    sources: Vec<u32>,
    /// Bytes of an element.
    element: usize,
}

impl Kernel for Moved {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let (input, bytes) = (inputs[0].bytes(), self.element);
        team.split(output.bytes(), bytes, &|elements, part| {
            for (to, from) in part.chunks_exact_mut(bytes).zip(&self.sources[elements]) {
                to.copy_from_slice(&input[*from as usize * bytes..][..bytes]);
            }
        });
    }
}
