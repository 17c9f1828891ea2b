//! Published model files to a [`Network`](tincy_network::Network).
//!
//! | module | subject |
//! | --- | --- |
//! | [`finn`] | folders of binary parameter files, as FINN's descendants publish them |
//! | [`darknet`] | Darknet's `.cfg` and `.weights` |
//! | `error` | what can be wrong with a file, and where |
//! | `files` | whole files within a limit, and their sums |

#![forbid(unsafe_code)]

pub mod darknet;
mod error;
mod files;
pub mod finn;

pub use error::Error;

/// What an import gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
