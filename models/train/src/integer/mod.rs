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
//! | [`mod@prepare`] | a float network with all quantizers in place |
//! | [`export`] | the trained network in integers |
//!
//! What the codes are is found as without training ([`tincy_quantize`]): which maps share one, what range
//! fits them, channels of like sizes.

pub mod export;
pub mod prepare;

pub use prepare::{Prepared, prepare};
pub use tincy_quantize::Level;
