//! Detectors whose maps are codes all the way: weights and activations of 2 to 8 bits, any activation
//! function, results in floats.
//!
//! What a layer computes is
//!
//! ```text
//! sum  = sum of weight code * (input code - zero) + bias      exact
//! pre  = code of (sum * input step * weight step)             8 bits
//! out  = code of activation(pre)                              a table
//! ```
//!
//! ([`Requantize`](tincy_network::Requantize)). In training each convolution is cut in two, the sum and
//! the activation, with a quantizer behind either and one before the weights.
//!
//! | module | subject |
//! | --- | --- |
//! | [`level`] | bits of weights and activations |
//! | [`share`] | which maps must have one code |
//! | [`split`] | convolutions cut before their activation |
//! | [`mod@equalize`] | channels of like sizes in maps that one code would not serve |
//! | [`range`] | codes that fit what maps hold |
//! | [`mod@prepare`] | a float network with all quantizers in place |
//! | [`export`] | the trained network in integers |

pub mod equalize;
pub mod export;
pub mod level;
pub mod prepare;
pub mod range;
pub mod share;
pub mod split;

pub use level::Level;
pub use prepare::{Prepared, prepare};
