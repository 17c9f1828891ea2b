//! JPEGs one after another, as many cameras write them, and the decoding of such frames.

use super::reader::{Complaints, DEFAULT_RATE};
use super::{Error, Info, Rational, Reader};
use image::RgbImage;
use image::imageops::{FilterType, resize};
use std::io::Read;
use tincy_dataset::picture::{Limit, jpeg};
use tincy_vision::Frame;

/// The largest JPEG in a recording.
pub const MAX_JPEG_BYTES: usize = 256 << 20;

/// Decodes the frames of one recording to one size.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    limit: Limit,
    size: Option<(usize, usize)>,
    /// What was wrong with frames.
    pub(super) complaints: Complaints,
}

impl FrameDecoder {
    /// A decoder of frames of at most so many pixels.
    pub fn new(limit: Limit) -> FrameDecoder {
        FrameDecoder {
            limit,
            ..FrameDecoder::default()
        }
    }

    /// Decodes a frame; false if nothing of it can be shown. Damage is counted. A frame of another
    /// size than the first is scaled to the first one's.
    pub fn decode(&mut self, bytes: &[u8], number: u64, frame: &mut Frame) -> bool {
        let limit = self.limit;
        if let Err(error) = jpeg::decode(bytes, limit, jpeg::Damage::Refuse, frame) {
            self.complaints.add(|| format!("frame {number}: {error}"));
            if jpeg::decode(bytes, limit, jpeg::Damage::Show, frame).is_err() {
                return false;
            }
        }
        let size = *self.size.get_or_insert((frame.width, frame.height));
        if size != (frame.width, frame.height) {
            if !is_scalable((frame.width, frame.height), size) {
                self.complaints.add(|| {
                    let (width, height) = (frame.width, frame.height);
                    format!(
                        "frame {number} of {width}x{height} is too unlike the first to be scaled"
                    )
                });
                return false;
            }
            self.complaints
                .add(|| format!("frame {number} has another size; it is scaled"));
            scale(frame, size);
        }
        true
    }
}

/// Whether what lies between the two sizes, the columns of one by the rows of the other, is not far
/// more than either.
fn is_scalable(from: (usize, usize), to: (usize, usize)) -> bool {
    let pixels = |(width, height)| width as u64 * height as u64;
    pixels((from.0, to.1)) <= 4 * pixels(from).max(pixels(to))
}

fn scale(frame: &mut Frame, (width, height): (usize, usize)) {
    let pixels = std::mem::take(&mut frame.pixels);
    let from = RgbImage::from_raw(frame.width as u32, frame.height as u32, pixels);
    let to = resize(
        &from.unwrap_or_default(),
        width as u32,
        height as u32,
        FilterType::Triangle,
    );
    frame.pixels = to.into_raw();
    (frame.width, frame.height) = (width, height);
}

/// An open stream of JPEGs. It says nothing about time; 25 frames a second are assumed.
pub struct Mjpeg<R> {
    splitter: Splitter<R>,
    decoder: FrameDecoder,
    info: Info,
    first: Option<Frame>,
    sequence: u64,
}

impl<R: Read + Send> Mjpeg<R> {
    /// Finds the first frame that can be shown.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(stream: R) -> Result<Mjpeg<R>, Error> {
        Mjpeg::with_limit(stream, Limit::default())
    }

    /// [`new`](Mjpeg::new) with another limit of a frame's pixels.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_limit(stream: R, limit: Limit) -> Result<Mjpeg<R>, Error> {
        let mut mjpeg = Mjpeg {
            splitter: Splitter {
                stream,
                buffer: Vec::new(),
                ended: false,
            },
            decoder: FrameDecoder::new(limit),
            info: info(0, 0, DEFAULT_RATE),
            first: None,
            sequence: 0,
        };
        let mut frame = Frame::default();
        if !mjpeg.next(&mut frame)? {
            let complaint = mjpeg.complaints().pop();
            return Err(Error::Damaged(complaint.unwrap_or("no JPEG in it".into())));
        }
        mjpeg.info = info(frame.width, frame.height, DEFAULT_RATE);
        mjpeg.first = Some(frame);
        Ok(mjpeg)
    }
}

/// What a recording of JPEGs is like.
pub(super) fn info(width: usize, height: usize, rate: Rational) -> Info {
    Info {
        width,
        height,
        rate,
        time_base: rate.inverse(),
        pixel_aspect: None,
        frames: None,
        sound: None,
    }
}

impl<R: Read + Send> Reader for Mjpeg<R> {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if let Some(first) = self.first.take() {
            *frame = first;
            return Ok(true);
        }
        while let Some(bytes) = self.splitter.next()? {
            self.sequence += 1;
            if self.decoder.decode(&bytes, self.sequence, frame) {
                frame.time = Some(self.info.time_base.seconds(self.sequence - 1));
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn complaints(&mut self) -> Vec<String> {
        self.decoder.complaints.list()
    }
}

/// Cuts a stream into JPEGs; what lies between them is passed over.
struct Splitter<R> {
    stream: R,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: Read> Splitter<R> {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            match jpeg::find_start_anywhere(&self.buffer) {
                Some(start) => {
                    self.buffer.drain(..start);
                    break;
                }
                None if self.ended => return Ok(None),
                None => {
                    let keep = self.buffer.len().saturating_sub(2);
                    self.buffer.drain(..keep);
                    self.fill()?;
                }
            }
        }
        let mut walk = Walk::default();
        loop {
            if let Some(end) = walk.end(&self.buffer) {
                let rest = self.buffer.split_off(end);
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            if self.ended {
                return Ok(Some(std::mem::take(&mut self.buffer)));
            }
            if self.buffer.len() > MAX_JPEG_BYTES {
                return Err(Error::damaged("a frame is larger than 256 MiB"));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let read = self
            .stream
            .by_ref()
            .take(1 << 16)
            .read_to_end(&mut self.buffer)?;
        self.ended = read == 0;
        Ok(())
    }
}

/// How far the search for a JPEG's end has come. Pictures inside segments (thumbnails) are passed
/// over with their segments.
#[derive(Debug)]
struct Walk {
    at: usize,
    in_scan: bool,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk {
            at: 2,
            in_scan: false,
        }
    }
}

impl Walk {
    /// Where the JPEG ends, once that is within `bytes`; to be called again with more bytes until
    /// then. A start marker out of turn ends it too.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let [first, marker, ..] = *bytes.get(self.at..)? {
            match (first, marker) {
                (0xFF, 0xD9) => return Some(self.at + 2),
                (0xFF, 0xD8) => return Some(self.at),
                (0xFF, 0xFF) => self.at += 1,
                (0xFF, 0x00 | 0x01 | 0xD0..=0xD7) => self.at += 2,
                (0xFF, _) => {
                    let length = bytes.get(self.at + 2..self.at + 4)?;
                    self.at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
                    self.in_scan = marker == 0xDA;
                }
                _ if self.in_scan => {
                    let skipped = bytes[self.at..].iter().position(|byte| *byte == 0xFF);
                    self.at = skipped.map_or(bytes.len(), |skipped| self.at + skipped);
                }
                _ => self.in_scan = true, // damaged: look for the next marker
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_cut_at_the_ends_of_pictures_not_of_thumbnails() {
        let thumbnail = [0xFF, 0xE1, 0, 8, 0xFF, 0xD8, 0xFF, 0xD9, 0, 0];
        let scan = [0xFF, 0xDA, 0, 2, 1, 0xFF, 0, 2, 0xFF, 0xD0, 3, 0xFF, 0xD9];
        let whole = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        let cut = &whole[..whole.len() - 2];
        let stream = [b"--boundary\r\n", &whole[..], b"\r\n", cut, &whole, cut].concat();
        let mut splitter = Splitter {
            stream: &stream[..],
            buffer: Vec::new(),
            ended: false,
        };
        for expected in [&whole[..], cut, &whole, cut] {
            assert_eq!(splitter.next().unwrap().unwrap(), expected);
        }
        assert_eq!(splitter.next().unwrap(), None);
    }
}
