//! The first layer on 8-bit pixels: exact, or with sums that are rounded to fit 16 bits.
//!
//! `x = pixel - zero` and the weights are 8-bit integers. The exact way is that of every
//! [integer convolution](super::integer): 32-bit sums. The other, made for CPUs without dot
//! products, takes `(x * w + 8) >> 4` of each product and adds in 16 bits, sixteen channels a
//! register or two: one instruction rounds, shifts and adds on NEON, one multiplies, rounds and
//! shifts on AVX2. The sum that the finish then sees is sixteen times what was added; each product
//! is off by at most 8, so a window of 27 by at most 216.

mod rounded;
#[cfg(test)]
mod tests;

use super::integer;
use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use tincy_network::{Code, Number, WeightKind};

/// How products are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulator {
    /// As they are, in 32 bits.
    Exact32,
    /// Rounded to multiples of 16, in 16 bits.
    Rounded16,
}

/// The kernel of a convolution with integer weights on codes. Rounded sums are offered only where
/// `code - zero` has 8 bits and no sum of the given weights can pass 16 bits; never for float
/// weights, nor where a pool is to be done in the same pass.
pub fn kernel(task: &Task<'_>, isa: Isa, accumulator: Accumulator) -> Option<Box<dyn Kernel>> {
    if accumulator == Accumulator::Exact32 {
        return integer::kernel(task, isa);
    }
    let Number::Code(code) = task.number else {
        return None;
    };
    let dense = !task.convolution.is_depthwise(task.input.channels);
    let serves = task.pool.is_none()
        && task.convolution.weights.kind() != WeightKind::F32
        && dense
        && fits(task, code);
    serves.then(|| rounded::kernel(task, isa, code))
}

/// Whether inputs fit 8 bits and all sums of rounded products 16.
fn fits(task: &Task<'_>, code: Code) -> bool {
    let (low, high) = (code.min() - code.zero, code.max() - code.zero);
    if low < i32::from(i8::MIN) || high > i32::from(i8::MAX) {
        return false;
    }
    let most = low.abs().max(high);
    let term = |w: &i8| (most * i32::from(*w).abs() + 8) >> 4;
    let weights = task.convolution.weights.unpack();
    let window = task.convolution.window(task.input.channels);
    let mut channels = weights.chunks_exact(window);
    channels.all(|channel| channel.iter().map(term).sum::<i32>() <= i32::from(i16::MAX))
}
