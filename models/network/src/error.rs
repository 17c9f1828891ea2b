//! Everything that can be wrong with a network or its file.

use std::path::PathBuf;

/// What is wrong, where, and what was expected instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer does not fit its inputs or contradicts itself.
    #[error("layer {layer}: {what}: expected {expected}, found {found}")]
    Layer {
        /// Index and name of the layer, as `3 (conv2)`.
        layer: String,
        /// The property that is wrong.
        what: &'static str,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The network as a whole is not usable.
    #[error("network: {0}")]
    Network(String),
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not an intact model file of this version.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is damaged, unknown or missing, by name.
        what: String,
    },
}

impl Error {
    /// A mismatch at a layer that has no number yet; [`crate::Builder`] adds it.
    pub(crate) fn layer(
        what: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Error {
        Error::Layer {
            layer: String::new(),
            what,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// The same error, saying at which layer it was found.
    pub(crate) fn at(self, index: usize, name: &str) -> Error {
        match self {
            Error::Layer {
                what,
                expected,
                found,
                ..
            } => Error::Layer {
                layer: format!("{index} ({name})"),
                what,
                expected,
                found,
            },
            other => other,
        }
    }
}
