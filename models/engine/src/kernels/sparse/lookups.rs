//! The kernel for maps of few pixels: lanes are output channels, and a term is looked up.

#![allow(unsafe_code)]

use super::arch::{Arch, LookUps as Look};
use super::slots::{self, Slots};
use super::terms::{Limits, Lists};
use super::vector::{Channels, Vector};
use super::weights;
use crate::kernel::{Kernel, Task};
use crate::kernels::integer::arch::{LANES, MOST_PIXELS};
use crate::kernels::integer::finish::Finish;
use crate::kernels::integer::output::{Output, Spot};
use crate::kernels::integer::pack::{Panel, panels};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use std::ops::Range;
use tincy_network::{Code, Shape};

/// The most lanes of a vector.
const MOST_LANES: usize = 64;

/// A convolution by look-ups of the elements that have weights.
pub(super) struct LookUps<A> {
    arch: A,
    code: Code,
    window: Window,
    panels: Vec<Panel>,
    /// A list for each vector of output channels.
    lists: Lists,
    indices: Vec<u8>,
    finish: Finish,
}

impl<A: Arch> LookUps<A> {
    /// `None` if the tables are too large to be addressed.
    pub(super) fn new(arch: A, task: &Task<'_>, code: Code) -> Option<LookUps<A>> {
        let window = Window::new(task);
        u32::try_from(window.bytes::<A::Channels>()).ok()?;
        let mut panels: Vec<_> = panels(0..task.convolution.out_channels)
            .map(|outputs| Panel::new(outputs, 0))
            .collect();
        let mut packer = Packer::new(Limits::new(code, false));
        weights::each(
            task,
            &|at, channel| window.element(at, channel),
            |output, channel| {
                panels[output / LANES].start[output % LANES] = channel.start(code);
                packer.push::<A::Channels>(channel);
            },
        );
        packer.flush::<A::Channels>();
        Some(LookUps {
            arch,
            code,
            window,
            finish: Finish::new(task.convolution, &panels),
            panels,
            lists: packer.lists,
            indices: packer.indices,
        })
    }

    /// The sums of a vector of channels, less what they start from.
    fn sum(&self, tables: &[u8], vector: usize, sums: &mut [i32; MOST_LANES]) {
        sums.fill(0);
        for list in self.lists.channel(vector) {
            let mut line = [0; MOST_LANES];
            let look = Look {
                tables,
                indices: &self.indices[list.before * A::Channels::LANES..],
            };
            self.arch.look_ups(&look, &list, &mut line);
            for (sum, own) in sums.iter_mut().zip(line) {
                *sum = sum.wrapping_add(i32::from(own));
            }
        }
    }

    /// Finishes the sums of a vector of channels at a pixel.
    fn finish(
        &self,
        pixel: usize,
        vector: usize,
        vector_sums: &[i32; MOST_LANES],
        output: &Output<'_>,
    ) {
        let mut sums = [[0; LANES]; MOST_PIXELS];
        let per_vector = A::Channels::LANES / LANES;
        let own = self
            .panels
            .iter()
            .enumerate()
            .skip(vector * per_vector)
            .take(per_vector);
        for ((panel, Panel { outputs, start, .. }), lanes) in
            own.zip(vector_sums.as_chunks::<LANES>().0)
        {
            for (sum, (lane, start)) in sums[0].iter_mut().zip(lanes.iter().zip(start)) {
                *sum = lane.wrapping_add(*start);
            }
            let spot = Spot {
                pixels: pixel..pixel + 1,
                panel,
                outputs,
                channels: self.window.output.channels,
            };
            // SAFETY: a pixel and vector belong to one member's share, which visits them once.
            unsafe { output.finish(self.arch.finishing(), &self.finish, &spot, &sums) };
        }
    }
}

impl<A: Arch> Kernel for LookUps<A> {
    fn name(&self) -> &'static str {
        A::NAMES[1]
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        self.window.bytes::<A::Channels>() * threads
    }

    /// Members share the vectors of channels; each makes tables of its own.
    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let codes = inputs[0].bytes();
        let (output, scratch) = (Output::new(output), Parts::new(scratch));
        let bytes = self.window.bytes::<A::Channels>();
        let vectors = self.window.output.channels.div_ceil(A::Channels::LANES);
        team.run(&|member| {
            // SAFETY: each member takes its own tables.
            let tables = unsafe { scratch.part(member * bytes..(member + 1) * bytes) };
            let vectors = team.share(member, vectors);
            if vectors.is_empty() {
                return;
            }
            tables.fill(0);
            let mut sums = [0; MOST_LANES];
            for pixel in 0..self.window.output.pixels() {
                self.window
                    .fill::<A::Channels>(codes, self.code, pixel, tables);
                for vector in vectors.clone() {
                    self.sum(tables, vector, &mut sums);
                    self.finish(pixel, vector, &sums, &output);
                }
            }
        });
    }
}

/// Look-ups that a task takes for a pixel.
pub(super) fn slots<V: Channels>(task: &Task<'_>) -> usize {
    let window = Window::new(task);
    let (mut plus, mut minus) = (Vec::new(), Vec::new());
    let mut slots = 0;
    let last = task.convolution.out_channels - 1;
    weights::each(
        task,
        &|at, channel| window.element(at, channel),
        |output, channel| {
            plus.push(channel.plus.clone());
            minus.push(channel.minus.clone());
            if plus.len() == V::LANES || output == last {
                slots += slots::count(&plus, V::CHUNK) + slots::count(&minus, V::CHUNK);
                plus.clear();
                minus.clear();
            }
        },
    );
    slots
}

/// Collects the terms of a vector of channels, then turns them into slots.
struct Packer {
    plus: Vec<Vec<u32>>,
    minus: Vec<Vec<u32>>,
    lists: Lists,
    indices: Vec<u8>,
}

impl Packer {
    fn new(limits: Limits) -> Packer {
        Packer {
            plus: Vec::new(),
            minus: Vec::new(),
            lists: Lists::new(limits),
            indices: Vec::new(),
        }
    }

    fn push<V: Channels>(&mut self, channel: &weights::Channel) {
        self.plus.push(channel.plus.clone());
        self.minus.push(channel.minus.clone());
        if self.plus.len() == V::LANES {
            self.flush::<V>();
        }
    }

    fn flush<V: Channels>(&mut self) {
        if self.plus.is_empty() {
            return;
        }
        let [plus, minus] = [&self.plus, &self.minus].map(|lanes| Slots::new::<V>(lanes));
        self.lists.push(&plus.tables, &minus.tables, 0);
        self.indices.extend(plus.indices);
        self.indices.extend(minus.indices);
        self.plus.clear();
        self.minus.clear();
    }
}

/// The elements under a pixel's window.
#[derive(Debug)]
pub(super) struct Window {
    input: Shape,
    output: Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    before: [usize; 2],
}

impl Window {
    pub(super) fn new(task: &Task<'_>) -> Window {
        let c = task.convolution;
        Window {
            input: task.input,
            output: task.sums(),
            kernel: c.kernel,
            stride: c.stride,
            dilation: c.dilation,
            before: [c.padding.top, c.padding.left],
        }
    }

    /// The number of an element.
    pub(super) fn element(&self, at: [usize; 2], channel: usize) -> u32 {
        ((at[0] * self.kernel[1] + at[1]) * self.input.channels + channel) as u32
    }

    fn elements(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.input.channels
    }

    /// Bytes of all tables, whole cache lines.
    fn bytes<V: Channels>(&self) -> usize {
        (self.elements().div_ceil(V::CHUNK) * V::TABLE).next_multiple_of(64)
    }

    /// Turns what the window of a pixel sees into tables of elements, `code - smallest code`. What
    /// stands past the elements of a table stays.
    fn fill<V: Channels>(&self, codes: &[u8], code: Code, pixel: usize, tables: &mut [u8]) {
        let [y, x] = [pixel / self.output.width, pixel % self.output.width];
        let channels = self.input.channels;
        let positions =
            (0..self.kernel[0]).flat_map(|ky| (0..self.kernel[1]).map(move |kx| (ky, kx)));
        for (ky, kx) in positions {
            let first = self.element([ky, kx], 0) as usize;
            let row = (y * self.stride[0] + ky * self.dilation[0]).checked_sub(self.before[0]);
            let column = (x * self.stride[1] + kx * self.dilation[1]).checked_sub(self.before[1]);
            let inside = row
                .zip(column)
                .filter(|(row, column)| *row < self.input.height && *column < self.input.width);
            let from = inside.map(|(row, column)| (row * self.input.width + column) * channels);
            for part in parts(first..first + channels, V::CHUNK) {
                let start = part.start / V::CHUNK * V::TABLE + part.start % V::CHUNK;
                let to = &mut tables[start..start + part.len()];
                match from {
                    Some(from) => copy(&codes[from + part.start - first..], code, to),
                    None => to.fill((code.zero - code.min()) as u8),
                }
            }
        }
    }
}

fn copy(codes: &[u8], code: Code, to: &mut [u8]) {
    let least = code.min() as u8;
    for (to, code) in to.iter_mut().zip(codes) {
        *to = code.wrapping_sub(least);
    }
}

/// Cuts a range at the multiples of `chunk`.
fn parts(range: Range<usize>, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    let chunks = range.start / chunk..range.end.div_ceil(chunk);
    chunks.map(move |i| range.start.max(i * chunk)..range.end.min((i + 1) * chunk))
}
