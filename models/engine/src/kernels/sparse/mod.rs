//! Convolutions of sparse ternary (or small integer) weights on codes: an addition for each weight that
//! is not zero, and nothing for the others.
//!
//! A sum is a list of places to add and of places to take off. Where a map has many pixels, lanes are
//! positions of the map: input channels become planes, and a term of a sum is the same step away from
//! every position, so it is one addition from memory for a vector of them (`avx2-sparse`). Where it
//! has few, as a dense layer has one, lanes are output channels, and a byte shuffle looks up a term of
//! each in a table of the window's elements (`avx2-sparse-lut`). Sums stay in bytes as long as they
//! cannot overflow. Thresholds are counted where the sums are; every other finish is that of
//! [`integer`](super::integer).
//!
//! Which layers are done so is [counted](pays), not timed. Times in microseconds on one core of an EPYC
//! of the Zen 4 kind with AVX-512 and with AVX2, the least of 150 rounds, by the dense look-ups and by
//! the better of the kernels here; the second is what a plan takes, but where it stands in brackets
//! (`cargo run --release -p tincy-engine --example sparse`):
//!
//! | weights 0 | 3x3 128->128, 26x26, 3 bits | 1x1 256->256, 13x13, 3 bits | dense 2048->2048, 2 bits |
//! | --- | --- | --- | --- |
//! | AVX-512, 50 % | 292, (476) | 59, (75) | 101, (175) |
//! | 75 % | 286, (267) | 58, (55) | 44, (35) |
//! | 90 % | 282, 141: 2.0 x | 58, 43: 1.3 x | 41, 17: 2.4 x |
//! | 95 % | 283, 101: 2.8 x | 58, 39: 1.5 x | 41, 14: 3.0 x |
//! | 98 % | 283, 75: 3.8 x | 58, 37: 1.6 x | 41, 9: 4.6 x |
//! | 99 % | 283, 66: 4.3 x | 58, 36: 1.6 x | 41, 8: 5.2 x |
//! | AVX2, 50 % | 357, (477) | 59, (74) | 124, (256) |
//! | 75 % | 345, 270: 1.3 x | 59, (54) | 60, (55) |
//! | 90 % | 340, 144: 2.4 x | 58, 44: 1.3 x | 58, 30: 1.9 x |
//! | 95 % | 340, 102: 3.3 x | 58, 38: 1.5 x | 58, 22: 2.6 x |
//! | 98 % | 339, 75: 4.5 x | 58, 36: 1.6 x | 58, 14: 4.2 x |
//! | 99 % | 339, 66: 5.1 x | 58, 35: 1.7 x | 58, 12: 4.8 x |
//!
//! | module | subject |
//! | --- | --- |
//! | `weights`, `terms`, `slots` | weights to lists |
//! | `positions`, `planes` | the kernel for many pixels, and where positions lie |
//! | `lookups` | the kernel for few pixels |
//! | `sum`, `vector`, `arch` | the inner loops, and what they need of an instruction set |
//! | `portable`, `avx2`, `avx512`, `neon` | instruction sets |
//! | `cost` | whether it pays |

mod arch;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod cost;
mod lookups;
#[cfg(target_arch = "aarch64")]
mod neon;
mod planes;
mod portable;
mod positions;
mod slots;
mod sum;
mod terms;
#[cfg(test)]
mod tests;
mod vector;
mod weights;

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use crate::kernels::integer::portable::Portable;
use arch::Arch;
pub use cost::pays;
use tincy_network::{Code, WeightKind};

/// How lanes are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// A lane is a position of the map.
    Positions,
    /// A lane is an output channel.
    Channels,
}

/// The kernel of a task with lanes used so, or `None` where the method cannot serve it: float
/// weights, multipliers (additions by the hundred), a pool that is to be done in the same pass, or
/// maps that are too large.
pub fn kernel(task: &Task<'_>, isa: Isa, lanes: Lanes) -> Option<Box<dyn Kernel>> {
    let code = task.number.code()?;
    let weights = &task.convolution.weights;
    let is_served = weights.kind() != WeightKind::F32 && weights.multipliers().is_empty();
    if task.pool.is_some() || !is_served {
        return None;
    }
    match isa {
        Isa::Portable => boxed(Portable, task, code, lanes),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(avx2) => boxed(avx2, task, code, lanes),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(avx512) => boxed(avx512, task, code, lanes),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(neon) => boxed(neon, task, code, lanes),
    }
}

fn boxed<A: Arch>(arch: A, task: &Task<'_>, code: Code, lanes: Lanes) -> Option<Box<dyn Kernel>> {
    Some(match lanes {
        Lanes::Positions => Box::new(positions::Positions::new(arch, task, code)?),
        Lanes::Channels => Box::new(lookups::LookUps::new(arch, task, code)?),
    })
}
