//! Convolutions of integer weights on codes, of any width, by 16-bit products and 32-bit sums.
//!
//! An implicit matrix product: a band of the input is copied into a padded slab of
//! `code - zero` in 16 bits; tiles of a few pixels times sixteen output channels are summed in
//! registers straight from it, and finished there. A product is at most
//! 255 * 128 = 32640 in size, so it fits 16 bits; sums are exact in any order. Where the CPU has dot
//! products of bytes, or of pairs of them, the slab holds the codes themselves, and sums start so that the zero
//! point is made up for.
//!
//! | module | subject |
//! | --- | --- |
//! | `geometry` | bands, slabs, and the runs of elements under a window |
//! | `pack` | weights to panels of sixteen channels |
//! | `pairs` | weights split so that products of bytes add up in 16 bits |
//! | `finish`, `levels`, `output` | sums to outputs |
//! | `convolution` | the kernel: loops and threads |
//! | `portable`, `avx2`, `maddubs`, `vnni`, `neon` | the inner loops |
//! | `raw` | codes as bytes |

pub(super) mod arch;
#[cfg(target_arch = "x86_64")]
mod avx2;
pub(super) mod convolution;
pub(super) mod finish;
pub(super) mod geometry;
pub(super) mod levels;
#[cfg(target_arch = "x86_64")]
mod maddubs;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(super) mod output;
pub(super) mod pack;
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "products of bytes are AVX2's")
)]
mod pairs;
pub(super) mod portable;
#[cfg(target_arch = "x86_64")]
mod raw;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vnni;

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use convolution::Integer;
use tincy_network::{Number, WeightKind};

/// The kernel of any convolution with integer weights; `None` for float weights, and where a pool
/// is to be done in the same pass.
pub fn kernel(task: &Task<'_>, isa: Isa) -> Option<Box<dyn Kernel>> {
    let Number::Code(code) = task.number else {
        return None;
    };
    if task.pool.is_some() || task.convolution.weights.kind() == WeightKind::F32 {
        return None;
    }
    Some(match isa {
        Isa::Portable => Box::new(Integer::new(portable::Portable, task, code)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(avx2) => {
            match Integer::by_pairs(maddubs::Maddubs(avx2), task, code, pairs::Split::pays) {
                Some(kernel) => Box::new(kernel),
                None => Box::new(Integer::new(avx2, task, code)),
            }
        }
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(avx512) => Box::new(Integer::new(vnni::Vnni(avx512), task, code)),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(neon) => Box::new(Integer::new(neon, task, code)),
    })
}
