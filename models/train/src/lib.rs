//! Trains detectors: layers with hand-written gradients over one array of parameters.
//!
//! A [`Model`] is made from a float [`Network`](tincy_network::Network) and computes what that
//! computes; a [`Tape`] runs batches through it and back. Any number of threads gives the same
//! bits.
//!
//! | module | subject |
//! | --- | --- |
//! | [`parameters`] | the numbers that training changes |
//! | [`model`] | a network as training sees it, from and to the network's description |
//! | [`tape`] | one batch's way forward and back |
//! | [`optimizer`] | from gradients to new parameters |
//! | [`training`] | a run, step by step |
//! | [`detector`] | the loss that suits a detector's heads |
//! | [`frozen`] | a network that is not trained, beside one that is |
//! | [`trunk`] | first layers that are not trained |
//! | [`teacher`] | a network that shows another what it sees |
//! | [`mod@validate`] | how good a model is |
//! | [`checkpoint`] | the state of a run in a file |
//! | [`quantizers`] | binary, ternary and integer weights and activations |
//! | [`losses`] | what is made smaller |
//! | [`low_bit`] | low-bit networks to trainable ones and back |
//! | [`integer`] | networks of 2- to 8-bit codes, with quantizers in the loop |
//! | [`networks`] | networks with a name of their own |
//! | [`augment`] | pictures as training sees them |
//! | [`anchors`] | sizes of boxes that fit a set of pictures |
//! | [`classify`] | classifiers of digits |
//! | [`idx`] | MNIST's files |
//! | [`qonnx`] | networks for other tools |
//! | `quantize` | where quantizers enter |
//! | `layer`, `layers` | what a kind of layer can do; the kinds |
//! | `function` | activation functions and their slopes |
//! | `matrix`, `vector` | products of matrices, loops in vectors |

#![deny(unsafe_code)]

pub mod anchors;
pub mod augment;
pub mod checkpoint;
pub mod classify;
pub mod detector;
mod error;
pub mod frozen;
mod function;
pub mod idx;
pub mod integer;
mod layer;
mod layers;
pub mod losses;
pub mod low_bit;
mod matrix;
pub mod model;
pub mod networks;
pub mod optimizer;
pub mod parameters;
pub mod qonnx;
mod quantize;
pub mod quantizers;
pub mod tape;
pub mod teacher;
pub mod training;
pub mod trunk;
pub mod validate;
mod vector;

pub use error::Error;
pub use model::Model;
pub use parameters::Parameters;
pub use tape::Tape;
pub use training::Training;
pub use validate::{validate, validate_exported};
