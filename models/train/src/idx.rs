//! MNIST's idx files, packed by gzip or not: pictures and their labels.
//!
//! Numbers are big-endian: two zero bytes, the type (8 for bytes), the number of dimensions, a
//! 32-bit length each, then the data.

use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes once unpacked.
const MAX_BYTES: u64 = 1 << 30;

/// Grey pictures with a class each.
#[derive(Clone, Debug, PartialEq)]
pub struct Digits {
    /// Rows of a picture.
    pub rows: usize,
    /// Columns of a picture.
    pub columns: usize,
    /// All pictures, one after the other, 0 to 255.
    pub pixels: Vec<u8>,
    /// The class of each.
    pub labels: Vec<u8>,
}

/// What is wrong with an idx file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system or gzip said.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected, what was found.
        what: String,
    },
}

impl Digits {
    /// Reads the part `train` or `t10k` of a folder that holds MNIST's four files.
    ///
    /// # Errors
    /// If a file is missing, damaged, or the two do not fit together.
    pub fn open(folder: &Path, part: &str) -> Result<Digits, Error> {
        let pictures = find(folder, &format!("{part}-images-idx3-ubyte"));
        let labels = find(folder, &format!("{part}-labels-idx1-ubyte"));
        let ([count, rows, columns], pixels) = read(&pictures)?;
        let ([labelled], classes) = read(&labels)?;
        if labelled != count {
            let what = format!("{labelled} labels, but {count} pictures beside it");
            return Err(Error::File { path: labels, what });
        }
        Ok(Digits {
            rows,
            columns,
            pixels,
            labels: classes,
        })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of one.
    pub fn picture(&self, number: usize) -> &[u8] {
        let size = self.rows * self.columns;
        &self.pixels[number * size..][..size]
    }
}

/// The packed file, or the plain one if only that is there.
fn find(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.exists() {
        plain
    } else {
        folder.join(format!("{name}.gz"))
    }
}

/// The sides and the bytes of an idx file of `N` dimensions.
fn read<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>), Error> {
    let io = |source| Error::Io {
        path: path.into(),
        source,
    };
    let file = BufReader::new(File::open(path).map_err(io)?);
    let mut bytes = Vec::new();
    match path.extension().is_some_and(|ending| ending == "gz") {
        true => GzDecoder::new(file).take(MAX_BYTES).read_to_end(&mut bytes),
        false => file.take(MAX_BYTES).read_to_end(&mut bytes),
    }
    .map_err(io)?;
    parse(&bytes).map_err(|what| Error::File {
        path: path.into(),
        what,
    })
}

fn parse<const N: usize>(bytes: &[u8]) -> Result<([usize; N], Vec<u8>), String> {
    let start = 4 + 4 * N;
    if bytes.get(..4) != Some(&[0, 0, 8, N as u8]) || bytes.len() < start {
        return Err(format!("not an idx file of bytes in {N} dimensions"));
    }
    let mut sides = [0; N];
    for (side, field) in sides.iter_mut().zip(bytes[4..].chunks_exact(4)) {
        *side = u32::from_be_bytes([field[0], field[1], field[2], field[3]]) as usize;
    }
    let wanted = sides
        .iter()
        .try_fold(1usize, |all, side| all.checked_mul(*side));
    let data = &bytes[start..];
    if wanted != Some(data.len()) {
        return Err(format!(
            "its sides are {sides:?}, but {} bytes follow",
            data.len()
        ));
    }
    Ok((sides, data.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_named() {
        let whole = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        assert_eq!(parse(&whole), Ok(([2, 3], vec![1, 2, 3, 4, 5, 6])));
        for end in 0..whole.len() {
            assert!(parse::<2>(&whole[..end]).is_err());
        }
        assert!(parse::<1>(&whole).unwrap_err().contains("1 dimensions"));
        let huge = [[0, 0, 8, 3], [255; 4], [255; 4], [255; 4]].concat();
        assert!(parse::<3>(&huge).unwrap_err().contains("0 bytes follow"));
        let error = Digits::open(Path::new("/nowhere"), "train").unwrap_err();
        assert!(
            error.to_string().starts_with("/nowhere/train-images"),
            "{error}"
        );
    }

    #[test]
    fn mnist() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mnist");
        if !folder.exists() {
            println!("skipped: needs ../shared/mnist");
            return;
        }
        let train = Digits::open(&folder, "train").unwrap();
        assert_eq!((train.len(), train.rows, train.columns), (60_000, 28, 28));
        assert_eq!(train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        let sum: u64 = train.pixels.iter().map(|pixel| u64::from(*pixel)).sum();
        assert!((sum as f64 / train.pixels.len() as f64 - 33.3184).abs() < 1e-4);
        let test = Digits::open(&folder, "t10k").unwrap();
        assert_eq!((test.len(), test.picture(9_999).len()), (10_000, 784));
        assert_eq!(test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    }
}
