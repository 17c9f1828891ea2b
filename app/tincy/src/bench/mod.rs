//! How long things take: a model's stages and layers, measured again and again.
//!
//! Rounds of one frame at a time (latency) alternate with rounds of all workers at once
//! (throughput), so that a machine that slows down or wakes up meets both alike.

mod levels;
mod measure;
mod samples;

pub use levels::{Contestant, ROUNDS, race};
pub use measure::{Measured, Picture, measure};
pub use samples::{Figures, Samples};
