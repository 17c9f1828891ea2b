//! Convolutions of binary or ternary weights on codes of one to four bits, by table look-up.
//!
//! Four binary weights have sixteen patterns, so for four input channels of a pixel (a *unit*)
//! sixteen partial sums are made once, and then a byte shuffle looks up the sums of many output
//! channels at once: the table is one pixel's, the index is a channel's four weight bits. Byte sums
//! are flushed to 16 bits before they can overflow. A table holds the sum `S+` over the weights +1
//! only; with `A`, the sum of all codes under the window,
//!
//! - binary: `acc = S+ - S- = 2 S+ - A`,
//! - ternary: `acc = S+ - S- = S+ + (A - S-) - A`, where `A - S-` is looked up by the plane "not -1".
//!
//! So ternary weights are one more plane of indices, and nothing else. With a multiplier for each kernel
//! position, `acc = sum of m[p] * (2 S+[p] - A[p])`, and so on: sums are taken position by position, multiplied, and
//! added in 32 bits. AVX-512 looks up tables of 64
//! bytes, so its unit is six channels. The portable version has no
//! shuffle: its unit is one channel, its table the code, its index a mask.
//!
//! | module | subject |
//! | --- | --- |
//! | `arch` | what an instruction set provides |
//! | `geometry` | where tables, tiles and outputs lie |
//! | `pack` | weights to indices |
//! | `tables` | rows of codes to tables, and window sums |
//! | `finish` | sums to outputs |
//! | `multiplied` | sums with a multiplier a kernel position |
//! | `layer` | the kernel: bands and threads |
//! | `block` | a block of channels: loops over chunks and tiles |

mod arch;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod finish;
mod geometry;
mod layer;
mod multiplied;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pack;
mod portable;
mod scratch;
mod tables;
#[cfg(test)]
mod tests;

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use layer::Lookup;

/// The look-up kernel of a task, or `None` where the method cannot serve it: other weights or input
/// numbers, sums past 31 bits, or a pool that cannot be done in the same pass.
pub fn kernel(task: &Task<'_>, isa: Isa) -> Option<Box<dyn Kernel>> {
    match isa {
        Isa::Portable => boxed(Lookup::new(task, portable::Portable)?),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(avx2) => boxed(Lookup::new(task, avx2)?),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(avx512) => boxed(Lookup::new(task, avx512)?),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(neon) => boxed(Lookup::new(task, neon)?),
    }
}

fn boxed(kernel: impl Kernel + 'static) -> Option<Box<dyn Kernel>> {
    Some(Box::new(kernel))
}
