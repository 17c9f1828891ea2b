//! A frame to a picture file.

use anyhow::{Context, Result};
use image::ImageFormat;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use std::path::Path;
use tincy_vision::Frame;

/// Quality of JPEG files, 1 to 100: boxes and text stay clean.
const QUALITY: u8 = 92;

/// The format that a file's name asks for.
///
/// # Errors
/// If the extension is not that of a format that is written.
pub fn format(path: &Path) -> Result<ImageFormat> {
    let found = ImageFormat::from_path(path).ok();
    // Of the PNM formats only PPM has colours.
    let grey = path.extension().is_some_and(|extension| {
        ["pgm", "pbm", "pam"]
            .iter()
            .any(|grey| extension.eq_ignore_ascii_case(grey))
    });
    let found = found.filter(|_| !grey);
    let known = found.filter(|format| {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Tga, Tiff, WebP};
        matches!(format, Jpeg | Png | Bmp | Pnm | Gif | WebP | Tiff | Tga)
    });
    known.with_context(|| {
        let path = path.display();
        format!(
            "{path}: pictures are written as .jpg, .png, .bmp, .ppm, .webp, .tiff, .tga or .gif"
        )
    })
}

/// Bytes of a JPEG.
///
/// # Errors
/// If the frame is beyond 65535 pixels a side.
pub fn jpeg(frame: &Frame) -> Result<Vec<u8>> {
    let side = |side: usize| u16::try_from(side).context("JPEG has at most 65535 pixels a side");
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    let (width, height) = (side(frame.width)?, side(frame.height)?);
    encoder.encode(&frame.pixels, width, height, ColorType::Rgb)?;
    Ok(bytes)
}

/// Writes a frame in the format that the file's name asks for, making its folder if need be.
///
/// # Errors
/// If it cannot be written.
pub fn write(frame: &Frame, path: &Path) -> Result<()> {
    let context = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    match format(path)? {
        ImageFormat::Jpeg => std::fs::write(path, jpeg(frame)?).with_context(context),
        format => {
            let (width, height) = (frame.width as u32, frame.height as u32);
            let colour = image::ExtendedColorType::Rgb8;
            image::save_buffer_with_format(path, &frame.pixels, width, height, colour, format)
                .with_context(context)
        }
    }
}
