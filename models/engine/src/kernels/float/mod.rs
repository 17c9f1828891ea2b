//! Convolutions with float weights.
//!
//! One method serves all shapes: an implicit matrix product. The input is copied, a band of rows
//! and a block of channels at a time, into a slab that has its padding and fits the second
//! cache; codes become floats on the way. Tiles of a few output pixels times sixteen output
//! channels are then summed in registers, straight from the slab: no matrix of windows is made.
//! Weights are packed once into panels of sixteen channels in the order of their use.
//! A convolution by channel (depthwise) reads each input a few times only, so it takes the input
//! as it lies, windows at the map's edge apart. A max pool of 2x2 costs nothing where tiles take
//! the pixels four by four.
//!
//! The order of each sum depends on the layer alone, never on the threads, so the result is the
//! same bit for bit for any team. Against the reference, which adds in another order and without
//! fused operations, a sum differs by at most 1e-5 of the sum of the products' sizes.
//!
//! | file | subject |
//! | --- | --- |
//! | `geometry` | bands, slabs, and which input pixel an output pixel starts at |
//! | `slab` | the padded copy of the input |
//! | `panels` | blocks of channels and the packed weights |
//! | `tile` | what the inner loops compute |
//! | `finish`, `function` | scale, bias, activation, rounding to codes |
//! | `convolution`, `block` | the loops around the tiles, and the threads |
//! | `depthwise` | the same for a convolution by channel |

mod block;
mod convolution;
mod depthwise;
mod finish;
mod function;
mod geometry;
mod panels;
mod portable;
mod slab;
#[cfg(test)]
mod tests;
mod tile;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use convolution::FloatConvolution;
use depthwise::Depthwise;
use tile::Tiles;
use tincy_network::{Affine, Finish, WeightKind};

/// The kernel for a convolution with float weights, whatever its kernel size, stride, dilation,
/// padding and groups, with a pool of 2x2 in the same pass; `None` for other weights and pools.
pub fn kernel(task: &Task<'_>, isa: Isa) -> Option<Box<dyn Kernel>> {
    let Finish::Affine(affine) = &task.convolution.finish else {
        return None;
    };
    if task.convolution.weights.kind() != WeightKind::F32 {
        return None;
    }
    match isa {
        Isa::Portable => with(portable::Portable, task, affine),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(avx2) => with(avx2, task, affine),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(avx512) => with(avx512.avx2(), task, affine),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(neon) => with(neon, task, affine),
    }
}

fn with<T: Tiles + 'static>(tiles: T, task: &Task<'_>, affine: &Affine) -> Option<Box<dyn Kernel>> {
    if let Some(kernel) = Depthwise::new(tiles, task, affine) {
        return Some(Box::new(kernel));
    }
    Some(Box::new(FloatConvolution::new(tiles, task, affine)?))
}
