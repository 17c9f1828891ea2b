//! What the targets share. Each target is a file in `src/bin`, named for what it reads.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tincy::recording::{Error, Reader};
use tincy_dataset::picture::Limit;
use tincy_vision::Frame;

/// Pictures and frames of a megapixel, so that a run is fast; the decoders' memory grows with it.
pub const LIMIT: Limit = Limit { pixels: 1 << 20 };

/// Has a failure say what is wrong.
pub fn said<T, E: Display>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty(), "an error without a text");
            None
        }
    }
}

/// Reads a recording to its end.
pub fn play(reader: Result<impl Reader, Error>) {
    let Some(mut reader) = said(reader) else {
        return;
    };
    let mut frame = Frame::default();
    while let Some(true) = said(reader.next(&mut frame)) {
        assert_eq!(frame.pixels.len(), 3 * frame.width * frame.height);
        assert_eq!((frame.width, frame.height), {
            let info = reader.info();
            (info.width, info.height)
        });
    }
    reader.complaints();
}

/// The two sides of the first `mark`; all on the left where there is none.
pub fn cut<'a>(bytes: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = bytes.windows(mark.len()).position(|here| here == mark);
    match at {
        Some(at) => (&bytes[..at], &bytes[at + mark.len()..]),
        None => (bytes, &[]),
    }
}

/// This process's own folder, for what is read by path only.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("tincy-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written to");
        folder
    })
}

/// Writes a file of [`folder`].
pub fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).expect("a folder can be made");
    }
    std::fs::write(&path, bytes).expect("the temporary folder can be written to");
    path
}
