//! What can go wrong with the pictures of a training.

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A set or a file of it cannot be read.
    #[error(transparent)]
    Dataset(#[from] tincy_dataset::Error),
    /// A picture cannot be decoded.
    #[error("{picture}: {source}")]
    Picture {
        /// The file, or the archive and the picture in it.
        picture: String,
        /// What is wrong with it.
        source: tincy_dataset::picture::Error,
    },
    /// The network's input cannot be made.
    #[error(transparent)]
    Vision(#[from] tincy_vision::Error),
    /// Sets that together have nothing to learn from.
    #[error("{0}")]
    Nothing(String),
    /// The threads that make batches have ended.
    #[error("the threads that prepare pictures have ended")]
    Ended,
}
