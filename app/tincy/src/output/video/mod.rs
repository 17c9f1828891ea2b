//! Annotated recordings.
//!
//! | module | subject |
//! | --- | --- |
//! | [`encoder`] | MP4, MKV, ..., by a child ffmpeg |
//! | [`avi`] | AVI with JPEG frames |
//! | [`y4m`] | YUV4MPEG2, uncompressed |
//! | [`screen`] | a screen without a desktop |
//! | [`window`] | a window on a desktop |
//! | [`stages`] | the threads that draw and write |

pub mod avi;
pub mod encoder;
pub mod screen;
pub mod stages;
pub mod window;
pub mod y4m;

use crate::recording::Info;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use tincy_vision::Frame;

/// Writes a recording frame by frame.
pub trait VideoWriter: Send {
    /// Adds a frame at its time.
    ///
    /// # Errors
    /// If writing fails.
    fn write(&mut self, frame: &Frame) -> Result<()>;

    /// Ends the file, which can be played from then on.
    ///
    /// # Errors
    /// If writing fails.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Endings of files that are written.
pub const EXTENSIONS: [&str; 7] = ["mp4", "m4v", "mov", "mkv", "webm", "avi", "y4m"];

/// The ending of a name, if files of that kind are written.
pub fn extension(path: &Path) -> Option<&'static str> {
    let own = path.extension()?.to_str()?;
    EXTENSIONS
        .iter()
        .copied()
        .find(|known| own.eq_ignore_ascii_case(known))
}

/// Starts a recording like the one that `info` describes, in the format that the name asks for;
/// `-` is Y4M to the standard output. Sound is taken from the file `sound`.
///
/// # Errors
/// If the file cannot be made, or ffmpeg is needed and missing.
pub fn create(path: &Path, info: &Info, sound: Option<&Path>) -> Result<Box<dyn VideoWriter>> {
    if path == Path::new("-") {
        return Ok(Box::new(y4m::Y4mWriter::new(std::io::stdout(), info)?));
    }
    let context = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    let file = || File::create(path).map(BufWriter::new).with_context(context);
    let kind = extension(path).unwrap_or("mp4");
    if matches!(kind, "y4m" | "avi") && sound.is_some() && info.sound.is_some() {
        log::warn!(
            "{}: sound is not kept in .{kind}; choose .mp4 or .mkv",
            path.display()
        );
    }
    Ok(match kind {
        "y4m" => Box::new(y4m::Y4mWriter::new(file()?, info)?),
        "avi" => Box::new(avi::AviWriter::new(file()?, info)?),
        _ => Box::new(encoder::Encoder::new(path, info, sound).with_context(context)?),
    })
}
