//! JPEG: decoding, and what damaged or terse files lack.

use super::{Error, Limit};
use image::metadata::Orientation;
use std::borrow::Cow;
use tincy_vision::Frame;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

/// Bytes at the start of a file in which a JPEG's start is looked for.
const GARBAGE_BYTES: usize = 4096;

/// The most pixels that a byte can stand for, in a file of which only an eighth is left: in a whole
/// one, a block of 64 takes a bit at least.
const PIXELS_A_BYTE: u64 = 8 * 8 * 64;

/// Pixels that any file may claim.
const FEW: u64 = 1 << 20;

/// What to do about damaged data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Show what can be shown.
    Show,
    /// An error.
    Refuse,
}

/// Decodes a JPEG into `frame`, whose memory is used again, as RGB and as it is stored: the EXIF
/// orientation is returned, not applied.
///
/// # Errors
/// If it is damaged or its size is above the limit; `frame` then holds anything.
pub fn decode(
    bytes: &[u8],
    limit: Limit,
    damage: Damage,
    frame: &mut Frame,
) -> Result<Orientation, Error> {
    let bytes = with_huffman_tables(bytes);
    let options = DecoderOptions::default()
        .set_strict_mode(damage == Damage::Refuse)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info();
    let (width, height) = info.map_or((0, 0), |i| (usize::from(i.width), usize::from(i.height)));
    limit.check(width, height)?;
    check_claim(bytes.len(), width, height)?;
    let exif = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif));
    (frame.width, frame.height) = (width, height);
    frame.pixels.resize(3 * width * height, 0);
    decoder.decode_into(&mut frame.pixels).map_err(damaged)?;
    Ok(exif.unwrap_or(Orientation::NoTransforms))
}

/// Refuses a size that the file cannot hold, so that a stream of tiny files does not cost a large
/// picture each.
fn check_claim(bytes: usize, width: usize, height: usize) -> Result<(), Error> {
    let most = (bytes as u64).saturating_mul(PIXELS_A_BYTE).max(FEW);
    if width as u64 * height as u64 <= most {
        return Ok(());
    }
    let what = format!("{bytes} bytes cannot hold {width}x{height} pixels");
    Err(Error::Damaged(what))
}

fn damaged(error: DecodeErrors) -> Error {
    Error::damaged(&error.to_string())
}

/// Where a JPEG starts in a file that starts with something else, such as a multipart boundary.
pub fn find_start(bytes: &[u8]) -> Option<usize> {
    find_start_anywhere(&bytes[..bytes.len().min(GARBAGE_BYTES)])
}

/// Where the first JPEG in a stream starts.
pub fn find_start_anywhere(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(3)
        .position(|signs| signs == [0xFF, 0xD8, 0xFF])
}

/// Whether the end marker is there.
pub fn is_complete(bytes: &[u8]) -> bool {
    let scan = scan_start(bytes).map_or(&[][..], |start| &bytes[start..]);
    scan.windows(2).any(|signs| signs == [0xFF, 0xD9])
}

/// Where the segment that starts the first scan begins, at its 0xFF.
pub fn scan_start(bytes: &[u8]) -> Option<usize> {
    Segments::new(bytes)
        .find(|segment| segment.marker == SOS)
        .map(|segment| segment.at)
}

/// Start of scan.
const SOS: u8 = 0xDA;
/// Define Huffman tables.
const DHT: u8 = 0xC4;
/// Baseline frame.
const SOF0: u8 = 0xC0;

/// A marker segment.
struct Segment {
    marker: u8,
    at: usize,
}

/// Walks the segments after the start marker, up to and with the first scan's.
struct Segments<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl<'a> Segments<'a> {
    fn new(bytes: &'a [u8]) -> Segments<'a> {
        Segments { bytes, next: 2 }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        // Any number of fill bytes may stand before a marker.
        let rest = self.bytes.get(self.next..)?;
        let ones = rest.iter().take_while(|byte| **byte == 0xFF).count();
        let at = self.next + ones.saturating_sub(1);
        let [0xFF, marker, high, low, ..] = self.bytes[at..] else {
            return None;
        };
        self.next = match marker {
            SOS => self.bytes.len(),
            _ => at + 2 + usize::from(u16::from_be_bytes([high, low])),
        };
        Some(Segment { marker, at })
    }
}

/// The same JPEG, with the standard Huffman tables put in where it has none, as USB cameras and
/// AVI files leave them out.
pub fn with_huffman_tables(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut baseline = false;
    for segment in Segments::new(bytes) {
        match segment.marker {
            DHT => break,
            SOF0 => baseline = true,
            SOS if baseline => {
                let (before, after) = bytes.split_at(segment.at);
                return Cow::Owned([before, &standard_tables(), after].concat());
            }
            _ => {}
        }
    }
    Cow::Borrowed(bytes)
}

/// The tables of ITU-T T.81, K.3.3, as one DHT segment: for luma and chroma the class and number,
/// how many codes there are of each length from 1 to 16, and their values.
fn standard_tables() -> Vec<u8> {
    let tables: [(u8, [u8; 16], &[u8]); 4] = [
        (0x00, DC_LUMA, &DC_VALUES),
        (0x10, AC_LUMA, &AC_LUMA_VALUES),
        (0x01, DC_CHROMA, &DC_VALUES),
        (0x11, AC_CHROMA, &AC_CHROMA_VALUES),
    ];
    let mut segment = vec![0xFF, DHT, 0x01, 0xA2];
    for (number, counts, values) in tables {
        segment.push(number);
        segment.extend(counts);
        segment.extend(values);
    }
    segment
}

const DC_LUMA: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const AC_LUMA: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D];
const AC_CHROMA: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];

#[rustfmt::skip]
const AC_LUMA_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
    0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
    0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];

#[rustfmt::skip]
const AC_CHROMA_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
    0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
    0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
    0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];
