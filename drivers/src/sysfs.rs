//! Attributes of the kernel's devices: one value a file, as text.

use crate::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the kernel shows its devices: `/sys` and `/dev`, or a copy of their shape.
#[derive(Clone, Debug)]
pub struct Roots {
    /// Root of sysfs.
    pub sys: PathBuf,
    /// Root of the device nodes.
    pub dev: PathBuf,
    /// What the kernel tells of itself.
    pub proc: PathBuf,
    /// Where the kernel looks for files that are loaded into devices.
    pub firmware: PathBuf,
}

impl Default for Roots {
    fn default() -> Roots {
        Roots::under(Path::new("/"))
    }
}

impl Roots {
    /// The usual places below a folder.
    pub fn under(root: &Path) -> Roots {
        Roots {
            sys: root.join("sys"),
            dev: root.join("dev"),
            proc: root.join("proc"),
            firmware: root.join("lib/firmware"),
        }
    }
}

/// The text of an attribute, without the line's end.
pub(crate) fn text(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(Error::io(
        path,
        "is the kernel module of this device loaded?",
    ))?;
    Ok(text.trim_end().to_string())
}

/// The text of an attribute that need not be there.
pub(crate) fn optional(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_string())
}

/// Writes an attribute that exists.
pub(crate) fn write(path: &Path, value: &str, remedy: &str) -> Result<()> {
    let file = std::fs::OpenOptions::new().write(true).open(path);
    let written = file.and_then(|mut file| file.write_all(value.as_bytes()));
    written.map_err(Error::io(path, remedy))
}

/// A number, decimal or with `0x` in front, as the kernel writes both.
pub(crate) fn number(path: &Path) -> Result<u64> {
    let found = text(path)?;
    let number = match found.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => found.parse(),
    };
    number.map_err(|_| Error::Attribute {
        path: path.to_path_buf(),
        found,
        expected: "a number".into(),
    })
}

/// A number that an address or a length in this process can be.
pub(crate) fn size(path: &Path) -> Result<usize> {
    let number = number(path)?;
    usize::try_from(number).map_err(|_| Error::Attribute {
        path: path.to_path_buf(),
        found: number.to_string(),
        expected: "a size that can be mapped".into(),
    })
}

/// The folders of a class, in the order of their names; none where the class is not there.
pub(crate) fn devices(class: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(class) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(class, "run as root, or check its mode")(error)),
    };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    Ok(folders)
}

/// The last part of a path, for messages and node names.
pub(crate) fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
