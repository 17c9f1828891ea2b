//! What can go wrong in training.

use std::path::PathBuf;

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A network has something that cannot be trained.
    #[error("layer {layer}: {what}")]
    Layer {
        /// Its name.
        layer: String,
        /// What it has, and what to do.
        what: String,
    },
    /// Maps do not fit a layer.
    #[error("{0}")]
    Shape(String),
    /// The network as a whole.
    #[error(transparent)]
    Network(#[from] tincy_network::Error),
    /// A checkpoint that cannot be read or written, or belongs to another run.
    #[error("{}: {what}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
}

impl Error {
    pub(crate) fn layer(layer: &str, what: impl Into<String>) -> Error {
        Error::Layer {
            layer: layer.into(),
            what: what.into(),
        }
    }
}
