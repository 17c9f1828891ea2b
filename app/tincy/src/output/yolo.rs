//! YOLO's text files, one a frame, empty where nothing was found: on each line the class's number,
//! centre, width and height in fractions of the picture, and the score.

use super::report::{Found, Report};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Writes a file a frame into a folder.
pub struct Yolo {
    folder: PathBuf,
    timed: bool,
}

impl Yolo {
    /// Makes the folder; frames of recordings (`timed`) are numbered from 1.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(folder: &Path, timed: bool) -> Result<Yolo> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Yolo {
            folder: folder.into(),
            timed,
        })
    }
}

impl Report for Yolo {
    fn add(&mut self, found: &Found) -> Result<()> {
        let (width, height) = (found.width as f32, found.height as f32);
        let mut text = String::new();
        for d in found.detections {
            let x = (d.rect.left + d.rect.right) / 2.0 / width;
            let y = (d.rect.top + d.rect.bottom) / 2.0 / height;
            let w = (d.rect.right - d.rect.left) / width;
            let h = (d.rect.bottom - d.rect.top) / height;
            writeln!(
                text,
                "{} {x:.6} {y:.6} {w:.6} {h:.6} {:.6}",
                d.class, d.score
            )?;
        }
        let stem = found
            .relative
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let name = match self.timed {
            true => format!("{stem}_{:06}.txt", found.frame + 1),
            false => format!("{stem}.txt"),
        };
        let path = self.folder.join(found.relative).with_file_name(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
