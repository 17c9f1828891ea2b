//! A picture of a data set: where its bytes lie, how large it is, what is in it.

use crate::{Error, Object};
use image::{ImageDecoder, ImageReader, ImageResult, metadata::Orientation};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest picture file that is read from an archive.
const MAX_BYTES: u64 = 1 << 30;

/// A picture and the objects in it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The file's stem: `000001` of `JPEGImages/000001.jpg`.
    pub name: String,
    /// Where it lies.
    pub place: Place,
    /// Width and height in pixels, as the labels have it.
    pub size: Option<[usize; 2]>,
    /// What is in it.
    pub objects: Vec<Object>,
}

/// Where the bytes of a picture lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file of its own.
    File(PathBuf),
    /// In an archive.
    Member {
        /// The archive.
        archive: Arc<Path>,
        /// First byte.
        start: u64,
        /// Number of bytes.
        bytes: u64,
    },
}

impl Picture {
    /// Pixels, as the labels have it; 0 if they do not say.
    pub fn area(&self) -> f64 {
        self.size
            .map_or(0.0, |[width, height]| width as f64 * height as f64)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let read = match &self.place {
            Place::File(path) => std::fs::read(path),
            Place::Member {
                archive,
                start,
                bytes,
            } => read_member(archive, *start, *bytes),
        };
        read.map_err(Error::io(self.to_string()))
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Member { archive, .. } => write!(f, "{}:{}", archive.display(), self.name),
        }
    }
}

fn read_member(archive: &Path, start: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(archive)?;
    file.seek(SeekFrom::Start(start))?;
    let mut contents = Vec::new();
    file.take(bytes.min(MAX_BYTES)).read_to_end(&mut contents)?;
    Ok(contents)
}

/// Width and height of a picture as it is shown, upright; only the file's head is read.
pub(crate) fn upright_size(path: &Path) -> ImageResult<[usize; 2]> {
    let reader = BufReader::new(File::open(path)?);
    let mut decoder = ImageReader::new(reader)
        .with_guessed_format()?
        .into_decoder()?;
    let (width, height) = decoder.dimensions();
    let size = [width as usize, height as usize];
    Ok(match decoder.orientation()? {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => [size[1], size[0]],
        _ => size,
    })
}
