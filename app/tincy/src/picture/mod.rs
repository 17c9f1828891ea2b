//! Picture files to frames and back.
//!
//! | module | subject |
//! | --- | --- |
//! | [`read`](mod@read) | any picture file to a frame |
//! | [`jpeg`] | JPEG: decoding, and what damaged or terse files lack |
//! | [`limit`] | the largest picture that is decoded |
//! | [`write`](mod@write) | a frame to a picture file |

pub mod jpeg;
pub mod limit;
pub mod read;
pub mod write;

pub use limit::Limit;
pub use read::{Error, decode, read};
