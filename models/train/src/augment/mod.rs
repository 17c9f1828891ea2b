//! Pictures as training sees them: moved, turned, coloured and mixed, then made into the network's
//! input by the very code that inference uses.
//!
//! | module | subject |
//! | --- | --- |
//! | [`pictures`] | the pictures of several sets, their classes numbered alike |
//! | [`sample`] | one input and its objects |
//! | [`loader`] | batches, made ahead by other threads |
//! | [`chance`] | random numbers by seed, epoch and picture |
//! | `window` | the part of a picture that is shown |
//! | `colour` | saturation, brightness, contrast |

pub mod chance;
mod colour;
mod error;
pub mod loader;
pub mod pictures;
pub mod sample;
mod window;

pub use chance::Chance;
pub use error::Error;
pub use loader::{Batch, Loader, Plan};
pub use pictures::{Pictures, Source};
pub use sample::{Augment, Workshop};
