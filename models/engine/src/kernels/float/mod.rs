//! Convolutions with float weights.
//!
//! One method serves all shapes: an implicit matrix product. The input is copied, a band of rows
//! and a block of channels at a time, into a slab that has its padding and fits the second
//! cache; codes become floats on the way. Tiles of a few output pixels times sixteen output
//! channels are then summed in registers, straight from the slab: no matrix of windows is made.
//! Weights are packed once into panels of sixteen channels in the order of their use.
//! A convolution by channel (depthwise) differs only in the inner loop.
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
//! | `convolution` | the loops around the tiles, and the threads |

mod convolution;
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
use tincy_network::{Finish, WeightKind};

/// The kernel for a convolution with float weights, whatever its kernel size, stride, dilation,
/// padding and groups; `None` for other weights, and where a pool is to be done in the same pass.
pub fn kernel(task: &Task<'_>, isa: Isa) -> Option<Box<dyn Kernel>> {
    let Finish::Affine(affine) = &task.convolution.finish else {
        return None;
    };
    if task.pool.is_some() || task.convolution.weights.kind() != WeightKind::F32 {
        return None;
    }
    Some(match isa {
        Isa::Portable => Box::new(FloatConvolution::new(portable::Portable, task, affine)?),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(token) => Box::new(FloatConvolution::new(avx2::Tiles6x16(token), task, affine)?),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(token) => Box::new(FloatConvolution::new(neon::Tiles8x8(token), task, affine)?),
    })
}
