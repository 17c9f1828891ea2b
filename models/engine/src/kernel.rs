//! What a kernel is: one layer, or a convolution with the pool after it, ready to run.

use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::{Convolution, Number, Pool, Shape};

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
