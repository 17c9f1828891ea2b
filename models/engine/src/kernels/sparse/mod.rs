//! Convolutions of sparse integer weights on codes: additions for the weights that are not zero.

mod arch;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
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
use tincy_network::{Code, WeightKind};

/// How lanes are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// A lane is a position of the map.
    Positions,
    /// A lane is an output channel.
    Channels,
}

/// The kernel of a task with lanes used so, or `None` where the method cannot serve it: float weights, or a pool
/// that is to be done in the same pass.
pub fn kernel_by(task: &Task<'_>, isa: Isa, lanes: Lanes) -> Option<Box<dyn Kernel>> {
    let code = task.number.code()?;
    if task.pool.is_some() || task.convolution.weights.kind() == WeightKind::F32 {
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
