//! Low-bit networks as training sees them: thresholds to normalisation and back.
//!
//! | module | subject |
//! | --- | --- |
//! | [`mod@line`] | the straight line that a channel's thresholds stand for |
//! | [`prune`] | channels that never fire, taken out |
//! | [`calibrate`] | statistics of a batch, with the function kept |
//! | [`export`] | a trained network in integers |

pub mod calibrate;
pub mod export;
pub mod line;
pub mod prune;
