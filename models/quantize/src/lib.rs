//! Post-training quantization: a float network and one batch of inputs become an integer network.
//!
//! ```text
//! sum  = sum of weight code * (input code - zero) + bias      exact
//! pre  = code of (sum * input step * weight step)             a product and a shift
//! out  = code of activation(pre)                              a table, where the code's range does not do
//! ```
//!
//! | module | subject |
//! | --- | --- |
//! | [`level`] | bits of weights and activations |
//! | [`batch`] | the inputs that everything is found from |
//! | [`mod@start`] | float networks in one form |
//! | [`share`] | which maps must have one code |
//! | [`forms`] | which maps are codes and which stay floats |
//! | [`split`] | convolutions cut before their activation |
//! | [`mod@observe`] | what maps hold for the batch |
//! | [`histogram`] | how often values occur |
//! | [`threshold`] | where to cut what a map holds, by several methods |
//! | [`mod@low_bit`] | weights of one bit or three values, for their speed |
//! | [`range`] | codes of least squared error |
//! | [`sums`] | what sums are rounded to before an activation |
//! | [`codes`] | the codes of all maps |
//! | [`mod@equalize`] | channels of like sizes in maps that one code would not serve |
//! | [`mod@even`] | factors of single channels behind an activation |
//! | [`patches`] | what a convolution's windows look at |
//! | [`weights`] | float filters to integers |
//! | [`rounding`] | the same, each weight making up for the others' errors |
//! | [`filters`] | what becomes of their sums |
//! | [`mod@build`] | the network in integers |
//! | [`report`] | what became of each layer |
//! | [`normalisation`] | batch normalisation folded into thresholds |
//! | [`rule`] | rounding rules of other runtimes, for reference |

#![forbid(unsafe_code)]

pub mod batch;
pub mod build;
pub mod codes;
pub mod equalize;
mod error;
pub mod even;
pub mod filters;
pub mod forms;
pub mod histogram;
pub mod level;
pub mod low_bit;
pub mod normalisation;
pub mod observe;
pub mod patches;
mod quantize;
pub mod range;
mod rebuilt;
pub mod report;
pub mod rounding;
pub mod rule;
pub mod share;
pub mod split;
pub mod start;
pub mod sums;
pub mod threshold;
pub mod weights;

pub use error::Error;
pub use level::Level;
pub use low_bit::{LowBit, low_bit};
pub use quantize::{Options, Rounding, quantize};
pub use report::Report;
pub use threshold::Method;
