//! A picture in memory: what every source produces and every sink takes.

use std::time::Duration;

/// An upright RGB picture with its place in a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, one byte each; rows follow each other without gaps.
    pub pixels: Vec<u8>,
    /// Presentation time from the start of the recording; `None` for a picture.
    pub time: Option<Duration>,
    /// Number of the frame in its source, from 0.
    pub sequence: u64,
}

impl Frame {
    /// Bytes of a row.
    pub fn stride(&self) -> usize {
        3 * self.width
    }
}
