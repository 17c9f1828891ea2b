//! The graph of a detector: what every other crate reads and none may change.
//!
//! A [`Network`] is made once, by an importer, the trainer or the model file, through a
//! [`Builder`] that checks every layer as it is added; afterwards it is immutable. What runs is
//! what was planned is what was evaluated, because all of them read this one description.
//!
//! Tensors are NHWC with a batch of one, so a [`Shape`] is height, width, channels. A tensor holds
//! one of the number types of [`Number`]: real numbers, or small integer codes.
//!
//! | module | subject |
//! | --- | --- |
//! | [`shape`] | height, width, channels; padding |
//! | [`number`] | real numbers and codes of 1 to 8 bits |
//! | [`values`] | immutable, shared tensors, owned or mapped from the model file |
//! | [`weights`] | float, binary, ternary and small integer weights, packed |
//! | `runs` | sparse ternary weights at rest |
//! | [`multipliers`] | one integer for each place in the kernel |
//! | [`activation`] | the activation functions, by definition |
//! | [`layer`] | the kinds of layers |
//! | [`convolution`] | convolutions, and what becomes of their sums |
//! | [`requantize`] | sums to codes in integers: a product, a shift, a table |
//! | [`pool`] | windows that keep the largest value |
//! | [`blocks`] | depth-to-space |
//! | [`steps`] | real numbers to codes by thresholds |
//! | [`reorg`] | Darknet's space-to-depth |
//! | [`resize`] | maps of another size, by weighted means |
//! | [`order`] | where a rising function reaches a value |
//! | [`accumulator`] | the proved bounds of integer sums |
//! | [`input`] | what the network expects a picture to look like |
//! | [`head`] | what its outputs mean |
//! | [`classes`] | class names, and which mean the same |
//! | [`graph`] | layers wired into a network, and their validation |
//! | [`cost`] | operations and bytes per layer |
//! | [`mod@file`] | the model file `NAME.tincy` |

#![deny(unsafe_code)]

pub mod accumulator;
pub mod activation;
pub mod blocks;
pub mod classes;
pub mod convolution;
pub mod cost;
mod error;
pub mod file;
mod filters;
pub mod graph;
pub mod head;
pub mod input;
pub mod layer;
pub mod multipliers;
pub mod number;
pub mod order;
pub mod pool;
pub mod reorg;
pub mod requantize;
pub mod resize;
mod rules;
mod runs;
pub mod shape;
pub mod steps;
pub mod values;
pub mod weights;

pub use activation::Activation;
pub use blocks::BlockOrder;
pub use convolution::{Affine, Convolution, Finish, Thresholds};
pub use error::Error;
pub use graph::{Builder, Network, Source};
pub use head::{Head, HeadKind, Layout};
pub use input::{ChannelOrder, Fit, Input, Picture, Resample};
pub use layer::{Layer, Op};
pub use number::{Code, Number};
pub use pool::Pool;
pub use requantize::{Factor, Requantize, Table};
pub use shape::{Padding, Shape};
pub use steps::Steps;
pub use values::Values;
pub use weights::{WeightKind, Weights};
