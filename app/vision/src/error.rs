//! What can be wrong between pixels and boxes.

use tincy_network::{Number, Shape};

/// What is wrong, and what was expected instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network starts at a feature map.
    #[error("the network's input is not a picture, so none can be fitted to it")]
    NotAPicture,
    /// The network's input is none that pixels can be made into.
    #[error("no picture can be made into an input of shape {0}: it needs 1 or 3 channels")]
    Input(Shape),
    /// The picture has no pixels, or too many to count.
    #[error("a picture of {width}x{height} pixels cannot be")]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A frame has another size than the fitting was made for, or its bytes do not fit its size.
    #[error(
        "expected a picture of {width}x{height} pixels, found {found_width}x{found_height} in {bytes} bytes"
    )]
    Frame {
        /// Columns expected.
        width: usize,
        /// Rows expected.
        height: usize,
        /// Columns found.
        found_width: usize,
        /// Rows found.
        found_height: usize,
        /// Bytes found.
        bytes: usize,
    },
    /// The memory for the network's input has another length.
    #[error("the network's input has {expected} elements, the memory for it {found}")]
    Output {
        /// Elements of the input.
        expected: usize,
        /// Elements of the memory.
        found: usize,
    },
    /// The memory for the network's input has another type.
    #[error("the network's input is {expected}, the memory for it holds {found}")]
    Type {
        /// Number type of the input.
        expected: Number,
        /// Name of the type of the memory.
        found: &'static str,
    },
    /// A map does not hold what its head says.
    #[error(
        "a head of {boxes} boxes a cell and {classes} classes does not fit a map of shape {shape} with {values} values"
    )]
    Map {
        /// Boxes a cell of the head.
        boxes: usize,
        /// Classes of the head.
        classes: usize,
        /// Shape of the map.
        shape: Shape,
        /// Number of values given.
        values: usize,
    },
    /// The planes of a YUV picture do not fit its size.
    #[error("a {format} picture of {width}x{height} has {expected} bytes, found {found}")]
    Planes {
        /// Name of the sampling.
        format: &'static str,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes it should have.
        expected: usize,
        /// Bytes it has.
        found: usize,
    },
    /// A picture's rows start closer to each other than a row is long.
    #[error(
        "a row of a {format} picture {width} pixels wide has {expected} bytes, rows of {found} are too short"
    )]
    Stride {
        /// Name of the layout.
        format: &'static str,
        /// Columns.
        width: usize,
        /// Bytes of a row.
        expected: usize,
        /// Bytes from a row to the next.
        found: usize,
    },
}
