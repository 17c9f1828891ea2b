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
    /// A network on its way to integers.
    #[error(transparent)]
    Quantize(#[from] tincy_quantize::Error),
    /// The gradient has been no number for many steps.
    #[error("step {0}: the gradient is no number any more; start again with a lower rate")]
    Diverged(u64),
    /// A set of pictures.
    #[error(transparent)]
    Dataset(#[from] tincy_dataset::Error),
    /// A picture that cannot be read.
    #[error(transparent)]
    Picture(#[from] tincy_dataset::picture::Error),
    /// Pictures to inputs, outputs to boxes.
    #[error(transparent)]
    Vision(#[from] tincy_vision::Error),
    /// A trained network that the engine cannot run.
    #[error(transparent)]
    Engine(#[from] tincy_engine::Error),
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
