//! What a kernel is: one layer, or a convolution with the pool after it, ready to run.

use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::shape::window_positions;
use tincy_network::{Convolution, Number, Padding, Pool, Shape};

/// A layer with its weights packed, for one instruction set and one shape. Immutable and shared;
/// everything that changes is handed in.
pub trait Kernel: Send + Sync {
    /// A printable name: instruction set, numbers, method; `avx2-w1a3-lut`.
    fn name(&self) -> &'static str;

    /// Bytes of scratch memory that `run` needs with a team of `threads`.
    fn scratch_bytes(&self, threads: usize) -> usize {
        let _ = threads;
        0
    }

    /// Computes the output map from the input maps. `scratch` is 64-byte aligned, at least
    /// [`scratch_bytes`](Kernel::scratch_bytes) long, and holds anything. Allocates nothing. The result does not
    /// depend on the team's size.
    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team);
}

/// What a convolution kernel is made for.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The layer.
    pub convolution: &'a Convolution,
    /// Shape of the map it reads.
    pub input: Shape,
    /// Number type of the map it reads.
    pub number: Number,
    /// A max pool that follows and is to be done in the same pass; the output is then the pool's.
    pub pool: Option<Pool>,
}

impl Task<'_> {
    /// Shape of the map of sums, before any pool.
    ///
    /// # Panics
    /// If the kernel does not fit the input, which no checked network has.
    pub fn sums(&self) -> Shape {
        let c = self.convolution;
        positions(
            self.input,
            c.out_channels,
            c.kernel,
            c.dilation,
            c.stride,
            c.padding,
        )
    }

    /// Shape of the output: the pool's where there is one.
    ///
    /// # Panics
    /// As [`sums`](Task::sums).
    pub fn output(&self) -> Shape {
        let sums = self.sums();
        match self.pool {
            Some(p) => positions(sums, sums.channels, p.size, [1, 1], p.stride, p.padding),
            None => sums,
        }
    }

    /// Number type of the output.
    pub fn output_number(&self) -> Number {
        self.convolution.finish.output()
    }
}

fn positions(
    input: Shape,
    channels: usize,
    size: [usize; 2],
    dilation: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
) -> Shape {
    let Padding {
        top,
        left,
        bottom,
        right,
    } = padding;
    let height = window_positions(input.height + top + bottom, size[0], dilation[0], stride[0]);
    let width = window_positions(input.width + left + right, size[1], dilation[1], stride[1]);
    match (height, width) {
        (Some(height), Some(width)) => Shape::new(height, width, channels),
        _ => panic!("a window that does not fit its map"),
    }
}
