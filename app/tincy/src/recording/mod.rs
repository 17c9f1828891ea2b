//! Recordings to frames.
//!
//! | module | subject |
//! | --- | --- |
//! | [`reader`] | what every reader offers |
//! | [`open`](mod@open) | the right reader for a file |
//! | [`y4m`] | YUV4MPEG2, uncompressed |
//! | [`avi`] | AVI with JPEG frames |
//! | [`mjpeg`] | JPEGs one after another |
//! | [`raw`] | frames just as `tincy run` had them |
//! | [`decisions`] | what `tincy run` decided about them |
//! | [`ffmpeg`] | everything else, through a child process |
//! | [`nut`] | the container of raw recordings, and between ffmpeg and us |

pub mod avi;
pub mod decisions;
pub mod ffmpeg;
pub mod mjpeg;
pub mod nut;
pub mod open;
pub mod raw;
pub mod reader;
pub mod y4m;

pub use open::open;
pub use reader::{Error, Info, Rational, Reader};
