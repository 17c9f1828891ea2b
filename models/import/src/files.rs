//! Whole files within a limit, and their sums.

use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest text file that is read, in bytes.
pub(crate) const MAX_TEXT: u64 = 4 << 20;

/// All bytes of a file of at most `limit` bytes.
pub(crate) fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(Error::file(path, "not a file"));
    }
    if metadata.len() > limit {
        let found = metadata.len();
        let what = format!("{found} bytes are too many; at most {limit} can be right");
        return Err(Error::file(path, what));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.by_ref()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    Ok(bytes)
}

/// A text file.
pub(crate) fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path, MAX_TEXT)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Error::file(path, format!("not a text file (byte {at} is no UTF-8)"))
    })
}

/// The names in a text file.
pub(crate) fn names(path: &Path) -> Result<Vec<String>> {
    Ok(lines(&text(path)?))
}

/// One name a line; empty lines at the end do not count.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.trim_end()
        .lines()
        .map(|line| line.trim().to_string())
        .collect()
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The last part of a path, for people.
pub(crate) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
