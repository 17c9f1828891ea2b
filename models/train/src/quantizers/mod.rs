//! Fake quantizers: what a low-bit network computes, in floats that can be trained.
//!
//! | module | method | scales |
//! | --- | --- | --- |
//! | [`syq`] | binary and ternary codebooks (SYQ, CVPR 2018) | learned: layer, row, kernel position |
//! | [`ternary`] | ternary weights: TWN's and TTQ's | mean above the threshold; two learned |
//! | [`sparse`] | ternary with a density that falls, then a fixed mask | mean over the mask |
//! | [`signs`] | binary weights without a scale (BinaryConnect) | 1 |
//! | [`dorefa`] | weights of 1 to 8 bits (DoReFa-Net) | fixed |
//! | [`xnor`] | binary weights (XNOR-Net) | mean magnitude of a channel |
//! | [`lsq`] | weights and activations of 1 to 8 bits (LSQ, ICLR 2020) | learned: tensor, channel |
//! | [`uniform`] | activations of 1 to 8 bits on a range; fixed point | fixed, or learned (PACT) |
//! | [`density`] | a differentiable stand-in for the number of non-zero weights | |
//! | [`budget`] | how dense each layer may be | |
//! | [`method`] | a method by its name | |
//!
//! A quantizer's own parameters are trained together with the values. Gradients of what is not
//! differentiable are straight-through, as each file says.

pub mod budget;
mod codes;
pub mod density;
pub mod dorefa;
mod layout;
mod loops;
pub mod lsq;
pub mod method;
mod rounding;
pub mod signs;
pub mod sparse;

pub mod syq;
pub mod ternary;
pub mod uniform;
pub mod xnor;

pub use codes::{Codes, Shared};
pub use layout::Layout;
pub use method::Method;

#[cfg(test)]
mod golden;

use std::fmt;

/// A fake quantizer of one tensor: weights `[out][ky][kx][in / groups]`, or activations.
///
/// The values stay floats: `forward` gives what the integer network computes with, in units of the
/// values, and [`Quantizer::codes`] the integers and scales that say the same.
pub trait Quantizer: fmt::Debug + Send + Sync {
    /// The quantized values, into `out` of the same length.
    fn forward(&self, values: &[f32], out: &mut [f32]);

    /// The way back: turns the gradient by the quantized values into that by the values, and adds
    /// that by the quantizer's own parameters to `parameters`.
    fn backward(&self, values: &[f32], gradient: &mut [f32], parameters: &mut [f32]);

    /// Integer codes and the scales that they are multiplied by; `code * scale` is what `forward`
    /// gives.
    fn codes(&self, values: &[f32]) -> Codes;

    /// The parameters that are learned; none where scales follow from the values.
    fn parameters(&self) -> &[f32] {
        &[]
    }

    /// The same, for the optimizer.
    fn parameters_mut(&mut self) -> &mut [f32] {
        &mut []
    }

    /// Brings parameters back into their range after a step of the optimizer.
    fn settle(&mut self) {}

    /// The largest magnitude that values should have; larger ones are cut after a step, so that a
    /// weight of which only the sign is used can still turn.
    fn reach(&self) -> Option<f32> {
        None
    }

    /// Whether it leaves out weights, as many as it is told to.
    fn thins(&self) -> bool {
        false
    }

    /// Sets the part of the values that are not to be zero, where a quantizer thins.
    fn set_density(&mut self, _density: f64) {}

    /// Makes what is zero now stay so, where a quantizer thins.
    fn prune(&mut self, _values: &[f32]) {}

    /// Everything that must be kept to go on later: the parameters, and what else it remembers.
    fn state(&self) -> Vec<f32> {
        self.parameters().to_vec()
    }

    /// Takes up a kept state; false, and nothing done, if it is not one of this quantizer.
    fn restore(&mut self, state: &[f32]) -> bool {
        let parameters = self.parameters_mut();
        let fits = state.len() == parameters.len();
        if fits {
            parameters.copy_from_slice(state);
        }
        fits
    }
}

/// The smallest scale or step: above it, its inverse is finite and a code is worth something.
const LEAST_SCALE: f32 = 1e-8;

/// Keeps scales positive: a negative one would only swap the signs of the codes.
fn keep_positive(scales: &mut [f32]) {
    for scale in scales {
        if scale.is_nan() || *scale < LEAST_SCALE {
            *scale = LEAST_SCALE;
        }
    }
}

/// +1 for zero and above, else -1.
fn sign(value: f32) -> f32 {
    if value < 0.0 { -1.0 } else { 1.0 }
}
