//! Plots: precision over recall, as SVG or PNG.
//!
//! A plot is a [`Figure`], a list of lines and texts; `svg` and `raster` render it. Charts have a `field` with
//! axes (`axis`), dots, and labels that keep out of each other's way.

pub(crate) mod axis;
mod curves;
pub(crate) mod field;
mod figure;
mod raster;

mod svg;

pub use curves::precision_recall;
pub use figure::{Anchor, Figure, Mark, Rgb};

use anyhow::{Context, Result, bail};
use std::path::Path;

/// The kinds of files that a plot can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Vectors.
    Svg,
    /// Pixels.
    Png,
}

impl Kind {
    /// The kind that a file's ending asks for.
    ///
    /// # Errors
    /// If it is another one.
    pub fn of(path: &Path) -> Result<Kind> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending) if ending.eq_ignore_ascii_case("svg") => Ok(Kind::Svg),
            Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(Kind::Png),
            _ => bail!("{}: plots are .svg or .png", path.display()),
        }
    }
}

/// Writes a figure to a file, in the form that its ending asks for.
///
/// # Errors
/// If the ending is another one, or the file cannot be written.
pub fn write(figure: &Figure, path: &Path) -> Result<()> {
    let bytes = match Kind::of(path)? {
        Kind::Svg => svg::render(figure).into_bytes(),
        Kind::Png => raster::png(figure)?,
    };
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
