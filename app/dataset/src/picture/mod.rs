//! Picture files to frames.
//!
//! | module | subject |
//! | --- | --- |
//! | [`read`](mod@read) | any picture file to a frame |
//! | [`jpeg`] | JPEG: decoding, and what damaged or terse files lack |
//! | [`kind`] | what a file is, by its content |
//! | [`limit`] | the largest picture that is decoded |

pub mod jpeg;
pub mod kind;
pub mod limit;
pub mod read;

pub use kind::Kind;
pub use limit::Limit;
pub use read::{Error, decode, read};
