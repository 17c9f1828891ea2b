//! Everything that can be wrong with foreign model files.

use std::path::{Path, PathBuf};

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not what its name promises.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A line of a text file is wrong or asks for something that cannot be done.
    #[error("{path}:{line}: {what}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A node of a graph is wrong or asks for something that cannot be done.
    #[error("{path}: node {node}: {what}")]
    Node {
        /// The file.
        path: PathBuf,
        /// Number, name, operator and opset.
        node: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file of parameters has another size than its layer needs.
    #[error("{path}: layer {layer}: {expected} bytes expected, {found} found")]
    Size {
        /// The file.
        path: PathBuf,
        /// The layer whose parameters should be there.
        layer: String,
        /// Bytes that the layer needs.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The files are sound, but no network comes of them.
    #[error("{path}: {source}")]
    Network {
        /// The file that describes the network.
        path: PathBuf,
        /// The layer, what was expected, what was found.
        source: tincy_network::Error,
    },
    /// A model file of our own cannot be opened.
    #[error(transparent)]
    Model(#[from] tincy_network::Error),
    /// Nothing that could be imported is there.
    #[error("{path}: {what}")]
    Nothing {
        /// Where it was looked for.
        path: PathBuf,
        /// What was looked for.
        what: String,
    },
}

impl Error {
    /// A file that is not what it should be.
    pub(crate) fn file(path: &Path, what: impl Into<String>) -> Error {
        Error::File {
            path: path.to_path_buf(),
            what: what.into(),
        }
    }

    /// A network that cannot be, described by `path`.
    pub(crate) fn network(path: &Path) -> impl Fn(tincy_network::Error) -> Error {
        move |source| Error::Network {
            path: path.to_path_buf(),
            source,
        }
    }
}
