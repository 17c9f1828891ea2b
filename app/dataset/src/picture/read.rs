//! Any picture file to a frame.
//!
//! The content decides the format. The frame is upright as EXIF says. Transparent pixels are put
//! on white. Of 16-bit samples the upper 8 bits count, of moving pictures the first.

use super::{Kind, Limit, jpeg};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use tincy_vision::Frame;

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Why a picture cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// There is nothing in it.
    #[error("the file is empty")]
    NoBytes,
    /// The file is beyond any picture.
    #[error("the file has more than 1 GiB, too large for a picture")]
    LargeFile,
    /// No known signature.
    #[error("not a picture (known are JPEG, PNG, BMP, WebP, GIF, PNM, TIFF and TGA)")]
    Unknown,
    /// A recording.
    #[error("a recording, not a picture; use `tincy replay`")]
    Recording,
    /// No pixels.
    #[error("it claims a size of {width}x{height}")]
    Empty {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// More pixels than the limit.
    #[error("{width}x{height} is above the limit of {limit} pixels (see --max-pixels)")]
    Large {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Pixels allowed.
        limit: u64,
    },
    /// The decoder gave up.
    #[error("damaged or unsupported: {0}")]
    Damaged(String),
}

/// Reads a picture file; `note` is told of what is wrong with one that can be shown all the same.
///
/// # Errors
/// If it cannot be read, is no picture, damaged or too large.
pub fn read(path: &Path, limit: Limit, note: &mut dyn FnMut(&str)) -> Result<Frame, Error> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if let Ok(metadata) = file.metadata() {
        bytes.reserve_exact(metadata.len().min(MAX_FILE_BYTES) as usize + 1);
    }
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    decode(&bytes, path, limit, note)
}

/// Decodes a picture; `name` is its file name, by which TGA is known.
///
/// # Errors
/// If it is no picture, damaged or too large.
pub fn decode(
    bytes: &[u8],
    name: &Path,
    limit: Limit,
    note: &mut dyn FnMut(&str),
) -> Result<Frame, Error> {
    if bytes.is_empty() {
        return Err(Error::NoBytes);
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::LargeFile);
    }
    match Kind::of(bytes, name) {
        Kind::Jpeg => decode_jpeg(bytes, limit, note),
        Kind::Picture => decode_other(bytes, name, limit),
        Kind::Unknown => match jpeg::find_start(bytes) {
            Some(start) => {
                note(&format!("{start} bytes before the JPEG are passed over"));
                decode_jpeg(&bytes[start..], limit, note)
            }
            None => Err(Error::Unknown),
        },
        _ => Err(Error::Recording),
    }
}

fn decode_jpeg(bytes: &[u8], limit: Limit, note: &mut dyn FnMut(&str)) -> Result<Frame, Error> {
    let mut frame = Frame::default();
    let orientation = jpeg::decode(bytes, limit, jpeg::Damage::Show, &mut frame)?;
    if !jpeg::is_complete(bytes) {
        note("cut short: the lower part may be missing");
    }
    match orientation {
        image::metadata::Orientation::NoTransforms => Ok(frame),
        turn => {
            let (width, height) = (frame.width as u32, frame.height as u32);
            let rgb = RgbImage::from_raw(width, height, frame.pixels).unwrap_or_default();
            let mut picture = DynamicImage::ImageRgb8(rgb);
            picture.apply_orientation(turn);
            Ok(to_frame(picture))
        }
    }
}

fn decode_other(bytes: &[u8], name: &Path, limit: Limit) -> Result<Frame, Error> {
    let damaged = |error: image::ImageError| Error::damaged(&error.to_string());
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if reader.format().is_none() {
        reader.set_format(image::ImageFormat::from_path(name).map_err(damaged)?);
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(limit.bytes());
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    limit.check(width as usize, height as usize)?;
    limits.reserve(decoder.total_bytes()).map_err(damaged)?;
    decoder.set_limits(limits).map_err(damaged)?;
    let turn = decoder.orientation().map_err(damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(turn);
    Ok(to_frame(picture))
}

impl Error {
    /// A decoder's message in one line, without its insides.
    pub(super) fn damaged(message: &str) -> Error {
        let words: Vec<_> = message.split_whitespace().collect();
        let text = words.join(" ");
        let text = text
            .split(" while decoding ChunkType")
            .next()
            .unwrap_or_default();
        Error::Damaged(text.trim_matches('"').into())
    }
}

fn to_frame(picture: DynamicImage) -> Frame {
    let rgb = match picture {
        picture if picture.color().has_alpha() => on_white(picture),
        picture => picture.into_rgb8(),
    };
    Frame {
        width: rgb.width() as usize,
        height: rgb.height() as usize,
        pixels: rgb.into_raw(),
        ..Frame::default()
    }
}

fn on_white(picture: DynamicImage) -> RgbImage {
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    let mut pixels = Vec::with_capacity(3 * rgba.len() / 4);
    for pixel in rgba.as_raw().chunks_exact(4) {
        let alpha = u32::from(pixel[3]);
        let blend = |sample: u8| (u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255;
        pixels.extend(pixel[..3].iter().map(|sample| blend(*sample) as u8));
    }
    RgbImage::from_raw(width, height, pixels).unwrap_or_default()
}
