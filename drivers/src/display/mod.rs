//! Showing pictures on a screen that no desktop has: the kernel's mode setting, without a library.
//!
//! | module | subject |
//! | --- | --- |
//! | [`kms`] | a screen: card, connector, mode, two buffers that take turns |
//! | [`mod@format`] | how a pixel lies in a buffer |
//! | [`layout`] | a picture of any size in the middle of a screen |
//! | `card` | the calls of a DRM node |

mod card;
pub mod format;
pub mod kms;
pub mod layout;

pub use kms::{Request, Screen};

/// A picture of 8-bit RGB, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `3 * width * height` bytes.
    pub rgb: &'a [u8],
}
