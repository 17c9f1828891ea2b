//! The right reader for a file.

use super::avi::Avi;
use super::decisions::Decisions;
use super::ffmpeg::Decoded;
use super::mjpeg::Mjpeg;
use super::nut::{NutReader, is_nut};
use super::raw::Raw;
use super::y4m::Y4m;
use super::{Error, Reader};
use crate::inputs::{Input, Kind, kind::HEAD_BYTES};
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// Opens a recording; its content decides how.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn open(input: &Input) -> Result<Box<dyn Reader>, Error> {
    match input.is_stdin() {
        true => open_stream(),
        false => open_file(&input.path),
    }
}

fn open_file(path: &Path) -> Result<Box<dyn Reader>, Error> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(Error::damaged("a folder"));
    }
    let head = read_head(&mut file)?;
    let stream = || File::open(path).map(|file| BufReader::with_capacity(1 << 16, file));
    match Kind::of(&head, path) {
        Kind::Y4m => Ok(Box::new(Y4m::new(stream()?)?)),
        Kind::Jpeg => Ok(Box::new(Mjpeg::new(stream()?)?)),
        Kind::Avi => match Avi::new(stream()?)? {
            Some(avi) => Ok(Box::new(avi)),
            None => Ok(Box::new(Decoded::file(path)?)),
        },
        Kind::Picture if !head.starts_with(b"GIF8") => Err(Error::Picture),
        Kind::Recording if is_nut(&head) => match NutReader::new(stream()?) {
            Ok(frames) if frames.is_own() => {
                Ok(Box::new(Raw::new(frames, Decisions::beside(path)?)))
            }
            _ => Ok(Box::new(Decoded::file(path)?)),
        },
        _ => Ok(Box::new(Decoded::file(path)?)),
    }
}

fn open_stream() -> Result<Box<dyn Reader>, Error> {
    let mut stdin = std::io::stdin();
    let head = read_head(&mut stdin)?;
    let kind = Kind::of(&head, Path::new("-"));
    if is_nut(&head) {
        return open_nut(head, stdin);
    }
    let stream = Cursor::new(head).chain(stdin);
    match kind {
        Kind::Y4m => Ok(Box::new(Y4m::new(BufReader::with_capacity(
            1 << 16,
            stream,
        ))?)),
        Kind::Jpeg => Ok(Box::new(Mjpeg::new(stream)?)),
        Kind::Picture => Err(Error::Picture),
        _ => Ok(Box::new(Decoded::stream(stream)?)),
    }
}

/// NUT from a pipe: its headers are short, and frames follow.
fn open_nut(
    mut head: Vec<u8>,
    stream: impl Read + Send + 'static,
) -> Result<Box<dyn Reader>, Error> {
    const HEADERS: u64 = 4096;
    let mut stream = stream;
    stream.by_ref().take(HEADERS).read_to_end(&mut head)?;
    let is_own = NutReader::new(&head[..]).is_ok_and(|headers| headers.is_own());
    let stream = Cursor::new(head).chain(stream);
    if !is_own {
        return Ok(Box::new(Decoded::stream(stream)?));
    }
    let frames = NutReader::new(BufReader::with_capacity(1 << 16, stream))?;
    Ok(Box::new(Raw::new(frames, None)))
}

fn read_head(stream: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    stream.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    match head.is_empty() {
        true => Err(Error::Empty),
        false => Ok(head),
    }
}
