//! Pictures with known objects, and how good detections in them are.
//!
//! | module | subject |
//! | --- | --- |
//! | [`Dataset`] | a set of pictures with known objects, in any of the forms that people have |
//! | [`picture`] | picture files to frames |
//! | [`score`] | detections against what is known to be there |

#![forbid(unsafe_code)]

mod error;
mod forms;
mod labelled;
mod listing;
mod object;
mod oddity;
pub mod picture;
pub mod score;
mod set;

pub use error::Error;
pub use labelled::{Picture, Place};
pub use object::{Edges, Object};
pub use oddity::Oddities;
pub use set::{Dataset, Form};
pub use tincy_network::classes::{match_classes, plain_name};
