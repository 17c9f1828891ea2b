//! AVI with JPEG frames: the container's list of frames is walked, its index is not needed.
//!
//! RIFF: chunks of a four-letter name, a length (little-endian, 32 bits) and that many bytes,
//! padded to even; `RIFF` and `LIST` chunks hold a four-letter type and chunks.

use super::mjpeg::{self, FrameDecoder, MAX_JPEG_BYTES};
use super::reader::{DEFAULT_RATE, Rational};
use super::{Error, Info, Reader};
use std::io::Read;
use tincy_dataset::picture::Limit;
use tincy_vision::Frame;

/// An open AVI.
pub struct Avi<R> {
    stream: R,
    header: Header,
    info: Info,
    decoder: FrameDecoder,
    first: Option<Frame>,
    sequence: u64,
}

/// What the stream headers say.
#[derive(Debug, Default)]
struct Header {
    streams: usize,
    video: Option<usize>,
    sound: Option<String>,
    compression: [u8; 4],
    rate: Option<Rational>,
    frames: u64,
    /// Type of the stream header read last.
    kind: [u8; 4],
}

impl<R: Read + Send> Avi<R> {
    /// Reads the headers and the first frame; `None` if the frames are not JPEGs.
    ///
    /// # Errors
    /// If it is no AVI, or no frame can be shown.
    pub fn new(stream: R) -> Result<Option<Avi<R>>, Error> {
        Avi::with_limit(stream, Limit::default())
    }

    /// [`new`](Avi::new) with another limit of a frame's pixels.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_limit(mut stream: R, limit: Limit) -> Result<Option<Avi<R>>, Error> {
        let header = Header::read(&mut stream)?;
        let codec = header.compression.to_ascii_uppercase();
        if header.video.is_none() || !matches!(&codec[..], b"MJPG" | b"JPEG") {
            return Ok(None);
        }
        let rate = header.rate.unwrap_or(DEFAULT_RATE);
        let mut avi = Avi {
            stream,
            header,
            info: mjpeg::info(0, 0, rate),
            decoder: FrameDecoder::new(limit),
            first: None,
            sequence: 0,
        };
        let mut frame = Frame::default();
        if !avi.next(&mut frame)? {
            let complaint = avi.complaints().pop();
            return Err(Error::Damaged(complaint.unwrap_or("no frame in it".into())));
        }
        (avi.info.width, avi.info.height) = (frame.width, frame.height);
        avi.info.frames = Some(avi.header.frames).filter(|frames| *frames > 0);
        avi.info.sound = avi.header.sound.take();
        avi.first = Some(frame);
        Ok(Some(avi))
    }

    /// The bytes of the next frame, none for a frame that was dropped; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while let Some(chunk) = Chunk::read(&mut self.stream)? {
            if !chunk.is_frame_of(self.header.video) {
                chunk.skip(&mut self.stream)?;
                continue;
            }
            let (bytes, whole) = chunk.content(&mut self.stream)?;
            if !whole {
                let number = self.sequence + 1;
                let complaints = &mut self.decoder.complaints;
                complaints.add(|| format!("cut short: frame {number} is not whole"));
            }
            return Ok(Some(bytes));
        }
        Ok(None)
    }
}

impl<R: Read + Send> Reader for Avi<R> {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if let Some(first) = self.first.take() {
            *frame = first;
            return Ok(true);
        }
        while let Some(bytes) = self.next_chunk()? {
            self.sequence += 1;
            if !bytes.is_empty() && self.decoder.decode(&bytes, self.sequence, frame) {
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

impl Header {
    /// Reads up to the start of the frames.
    fn read(stream: &mut impl Read) -> Result<Header, Error> {
        let mut header = Header::default();
        while let Some(chunk) = Chunk::read(stream)? {
            match &chunk.name {
                b"LIST" if &chunk.kind == b"movi" => return Ok(header),
                b"strh" => header.stream(&chunk.small(stream)?),
                b"strf" => header.format(&chunk.small(stream)?),
                _ => chunk.skip(stream)?,
            }
        }
        Err(Error::damaged("an AVI without frames: it ends before them"))
    }

    /// A stream header: type, handler, flags, ..., scale at 20, rate at 24, length at 32.
    fn stream(&mut self, bytes: &[u8]) {
        let number = |at: usize| {
            let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map_or(0, u32::from_le_bytes)
        };
        self.kind = bytes
            .get(..4)
            .and_then(|four| four.try_into().ok())
            .unwrap_or_default();
        if &self.kind == b"vids" && self.video.is_none() {
            self.video = Some(self.streams);
            self.rate = Rational::new(number(24), number(20));
            self.frames = u64::from(number(32));
        }
        self.streams += 1;
    }

    /// A stream's format: of video the compression at 16, of sound a number at 0.
    fn format(&mut self, bytes: &[u8]) {
        match &self.kind {
            b"vids" if self.video == Some(self.streams - 1) => {
                let compression = bytes.get(16..20).and_then(|four| four.try_into().ok());
                self.compression = compression.unwrap_or_default();
            }
            b"auds" if self.sound.is_none() => {
                let name = match bytes {
                    [0x55, 0, ..] => "mp3",
                    [0xFF, 0, ..] => "aac",
                    [0x00, 0x20, ..] => "ac3",
                    _ => "pcm",
                };
                self.sound = Some(name.into());
            }
            _ => {}
        }
    }
}

/// A chunk's start. Of lists the type is read too, so that what follows is their first chunk.
struct Chunk {
    name: [u8; 4],
    kind: [u8; 4],
    length: u64,
}

impl Chunk {
    /// `None` at the end of the file, also if that is within a chunk's start.
    fn read(stream: &mut impl Read) -> Result<Option<Chunk>, Error> {
        let mut start = Vec::new();
        stream.take(8).read_to_end(&mut start)?;
        let [a, b, c, d, e, f, g, h] = start[..] else {
            return Ok(None);
        };
        let name = [a, b, c, d];
        let length = u64::from(u32::from_le_bytes([e, f, g, h]));
        let mut chunk = Chunk {
            name,
            kind: [0; 4],
            length,
        };
        if matches!(&name, b"RIFF" | b"LIST") {
            let mut kind = Vec::new();
            stream.take(4).read_to_end(&mut kind)?;
            let Ok(kind) = kind.try_into() else {
                return Ok(None);
            };
            (chunk.kind, chunk.length) = (kind, 0);
        }
        Ok(Some(chunk))
    }

    /// Whether it is a frame of stream `video`: its number in two digits, then `dc` or `db`.
    fn is_frame_of(&self, video: Option<usize>) -> bool {
        let [tens, ones, b'd', b'c' | b'b'] = self.name else {
            return false;
        };
        let digit = |byte: u8| char::from(byte).to_digit(10).map(|digit| digit as usize);
        let number = digit(tens)
            .zip(digit(ones))
            .map(|(tens, ones)| 10 * tens + ones);
        number.is_some() && number == video
    }

    fn skip(self, stream: &mut impl Read) -> Result<(), Error> {
        let length = self.length + self.length % 2;
        std::io::copy(&mut stream.take(length), &mut std::io::sink())?;
        Ok(())
    }

    /// What it holds, and whether that is all of it.
    fn content(self, stream: &mut impl Read) -> Result<(Vec<u8>, bool), Error> {
        if self.length > MAX_JPEG_BYTES as u64 {
            return Err(Error::damaged("a frame claims more than 256 MiB"));
        }
        let mut bytes = Vec::new();
        stream.take(self.length).read_to_end(&mut bytes)?;
        let whole = bytes.len() as u64 == self.length;
        std::io::copy(&mut stream.take(self.length % 2), &mut std::io::sink())?;
        Ok((bytes, whole))
    }

    /// What a header chunk holds.
    fn small(self, stream: &mut impl Read) -> Result<Vec<u8>, Error> {
        if self.length > 1 << 16 {
            return Err(Error::damaged("an AVI header claims more than 64 KiB"));
        }
        Ok(self.content(stream)?.0)
    }
}
