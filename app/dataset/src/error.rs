//! Everything that can be wrong with a data set as a whole. What is wrong with one label of it is
//! an [oddity](crate::Oddities), and the rest is used.

use std::path::{Path, PathBuf};

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file, or the archive and the picture in it.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The COCO file cannot be understood.
    #[error("{path}: not a COCO file of instances: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where the parser gave up.
        source: serde_json::Error,
    },
    /// A file or folder is not what it should be.
    #[error("{path}: {what}")]
    Form {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for, or what is wrong.
        what: String,
    },
}

impl Error {
    /// Something that cannot be read.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io {
            path: path.into(),
            source,
        }
    }

    /// Something that is not what it should be.
    pub(crate) fn form(path: &Path, what: impl Into<String>) -> Error {
        Error::Form {
            path: path.to_path_buf(),
            what: what.into(),
        }
    }
}
