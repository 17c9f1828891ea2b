//! Published model files to a [`Network`](tincy_network::Network).
//!
//! [`import`] takes any of them by its path.
//!
//! | module | subject |
//! | --- | --- |
//! | `source` | any model by its path: which format, and where its other files are |
//! | [`finn`] | folders of binary parameter files, as FINN's descendants publish them |
//! | [`darknet`] | Darknet's `.cfg` and `.weights` |
//! | [`onnx`] | ONNX files, of floats or quantized |
//! | [`classes`] | a network cut to some of its classes |
//! | `error` | what can be wrong with a file, and where |
//! | `files` | whole files within a limit, and their sums |

#![forbid(unsafe_code)]

pub mod classes;
pub mod darknet;
mod error;
mod files;
pub mod finn;
pub mod onnx;
mod source;

pub use error::Error;
pub use source::{Options, import};

/// What an import gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
