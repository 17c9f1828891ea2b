//! What can be wrong with a plan's ingredients.

use std::path::PathBuf;

/// What is wrong, and what would be possible instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such device.
    #[error("unknown device {name}: choose one of {known}, or give --devices FILE")]
    UnknownDevice {
        /// As it was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A file that cannot be used.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A layer that neither architecture has an engine for.
    #[error("layer {layer}: {what}")]
    Unsupported {
        /// Index and name.
        layer: String,
        /// Why, and what would be supported.
        what: String,
    },
    /// A goal that cannot be met.
    #[error("{wanted} fps cannot be had on {device}: {limit}")]
    Unreachable {
        /// Frames a second that were asked for.
        wanted: f64,
        /// The device.
        device: String,
        /// What is possible, and what it is limited by.
        limit: String,
    },
    /// A number that makes no sense.
    #[error("{0}")]
    Argument(String),
}
