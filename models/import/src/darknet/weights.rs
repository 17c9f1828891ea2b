//! The `.weights` file: a header, then 32-bit floats in the order of the layers.
//!
//! The header is three 32-bit integers (major, minor, revision) and the number of pictures seen in
//! training: 64 bits from version 0.2 on, 32 bits before (`load_weights_upto`).

use crate::{Error, Result, files};
use std::path::{Path, PathBuf};

/// The largest file that is read: four times the largest published detector.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// An open file of weights, read from front to back.
pub(super) struct WeightsFile {
    path: PathBuf,
    bytes: Vec<u8>,
    position: usize,
}

impl WeightsFile {
    /// Takes the bytes of a file and reads its header.
    pub(super) fn new(path: &Path, bytes: Vec<u8>) -> Result<WeightsFile> {
        let position = header(&bytes).map_err(|what| Error::file(path, what))?;
        Ok(WeightsFile {
            path: path.to_path_buf(),
            bytes,
            position,
        })
    }

    /// Makes sure that `count` more floats are there, before anything of a layer is taken.
    pub(super) fn expect(&self, layer: &str, count: usize) -> Result<()> {
        let expected = (count as u64)
            .saturating_mul(4)
            .saturating_add(self.position as u64);
        let found = self.bytes.len() as u64;
        if expected <= found {
            return Ok(());
        }
        Err(Error::Size {
            path: self.path.clone(),
            layer: layer.to_string(),
            expected,
            found,
        })
    }

    /// The next `count` floats of a layer. None of them may be infinite or no number.
    pub(super) fn take(&mut self, layer: &str, what: &str, count: usize) -> Result<Vec<f32>> {
        self.expect(layer, count)?;
        let bytes = &self.bytes[self.position..][..4 * count];
        let (floats, _) = bytes.as_chunks::<4>();
        let floats: Vec<f32> = floats.iter().map(|b| f32::from_le_bytes(*b)).collect();
        self.position += 4 * count;
        match floats.iter().position(|float| !float.is_finite()) {
            None => Ok(floats),
            Some(index) => {
                let float = floats[index];
                let what = format!(
                    "layer {layer}: {what} {index} is {float}; such a network was trained to ruin, or the cfg does not belong to it"
                );
                Err(Error::file(&self.path, what))
            }
        }
    }

    /// Makes sure that nothing is left over.
    pub(super) fn finish(&self) -> Result<()> {
        let (expected, found) = (self.position, self.bytes.len());
        if expected == found {
            return Ok(());
        }
        let what = format!(
            "after the last layer: {expected} bytes expected, {found} found; does the cfg belong to it?"
        );
        Err(Error::file(&self.path, what))
    }

    /// The SHA-256 of the file.
    pub(super) fn sum(&self) -> String {
        files::sum(&self.bytes)
    }
}

/// The length of the header.
fn header(bytes: &[u8]) -> Result<usize, String> {
    let word = |index: usize| {
        let bytes = bytes.get(4 * index..)?.first_chunk::<4>()?;
        Some(i32::from_le_bytes(*bytes))
    };
    let short = || format!("a header of 16 or 20 bytes expected, {} found", bytes.len());
    let (major, minor) = word(0).zip(word(1)).ok_or_else(short)?;
    if !(0..=1000).contains(&major) || !(0..=1000).contains(&minor) {
        return Err(format!(
            "version {major}.{minor} is not one of Darknet's weights"
        ));
    }
    let length = if major * 10 + minor >= 2 { 20 } else { 16 };
    if bytes.len() < length {
        return Err(short());
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_header() {
        let file = |major: i32, minor: i32| {
            let words = [major, minor, 0, 7, 0, 0];
            words
                .iter()
                .flat_map(|w| w.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        assert_eq!(header(&file(0, 1)), Ok(16));
        assert_eq!(header(&file(0, 2)), Ok(20));
        assert_eq!(header(&file(1, 0)), Ok(20));
        assert!(header(&file(0, 2)[..19]).unwrap_err().contains("19 found"));
        assert!(header(&file(-5, 2)).is_err());
        assert!(header(&[]).is_err());
    }
}
