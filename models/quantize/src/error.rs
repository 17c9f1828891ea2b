//! What can keep a network from becoming integers.

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer that has no form in integers.
    #[error("layer {layer}: {what}")]
    Layer {
        /// Its name.
        layer: String,
        /// What it has, and what to do.
        what: String,
    },
    /// The batch of inputs.
    #[error("calibration: {0}")]
    Batch(String),
    /// The network as a whole.
    #[error(transparent)]
    Network(#[from] tincy_network::Error),
    /// A network that the engine cannot run.
    #[error(transparent)]
    Engine(#[from] tincy_engine::Error),
}

impl Error {
    pub(crate) fn layer(layer: &str, what: impl Into<String>) -> Error {
        Error::Layer {
            layer: layer.into(),
            what: what.into(),
        }
    }
}
