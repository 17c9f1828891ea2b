//! The one place that maps a file into memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

/// Maps a whole file, read-only.
pub(super) fn map(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to this process and never written. Rust's view of it is sound as
    // long as nobody changes the file while it is open. Model files are replaced by renaming (as
    // `file::write` does), not rewritten in place; someone who truncates one under a running
    // program gets SIGBUS, which is the documented contract of a mapped model.
    unsafe { memmap2::MmapOptions::new().map(file) }
}
