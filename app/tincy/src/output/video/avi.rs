//! AVI with JPEG frames: plays almost anywhere, needs no ffmpeg.
//!
//! Its rate is constant. Where a frame is later than its turn, empty chunks keep the place, which
//! players show as the frame before.

use super::VideoWriter;
use crate::output::picture::jpeg;
use crate::recording::{Info, Rational};
use anyhow::{Result, bail};
use std::io::{Seek, SeekFrom, Write};
use tincy_vision::Frame;

/// Lengths in it have 32 bits.
const MAX_BYTES: u64 = u32::MAX as u64 - (1 << 20);

/// The longest gap that is filled, in frames.
const MAX_GAP: u64 = 10_000;

/// Writes AVI.
pub struct AviWriter<W> {
    stream: W,
    rate: Rational,
    width: u32,
    height: u32,
    /// Offset and length of each frame, as the index has them.
    index: Vec<[u32; 2]>,
    /// Bytes in the list of frames, from its type on.
    bytes: u64,
    largest: u32,
}

/// Bytes before the type of the list of frames.
const HEADER_BYTES: u64 = 220;

impl<W: Write + Seek + Send> AviWriter<W> {
    /// Writes a header that is completed at the end.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(stream: W, info: &Info) -> Result<AviWriter<W>> {
        let mut writer = AviWriter {
            stream,
            rate: info.rate,
            width: info.width as u32,
            height: info.height as u32,
            index: Vec::new(),
            bytes: 4,
            largest: 0,
        };
        let header = writer.header();
        writer.stream.write_all(&header)?;
        Ok(writer)
    }

    fn chunk(&mut self, content: &[u8]) -> Result<()> {
        if self.bytes + content.len() as u64 > MAX_BYTES {
            bail!("an AVI ends at 4 GiB; choose .mkv");
        }
        let length = content.len() as u32;
        self.index.push([self.bytes as u32, length]);
        self.stream.write_all(b"00dc")?;
        self.stream.write_all(&length.to_le_bytes())?;
        self.stream.write_all(content)?;
        self.stream.write_all(&[0][..content.len() % 2])?;
        self.bytes += 8 + u64::from(length) + u64::from(length % 2);
        self.largest = self.largest.max(length);
        Ok(())
    }

    /// RIFF, the list of headers (main, stream, format), and the start of the list of frames.
    fn header(&self) -> Vec<u8> {
        let count = self.index.len() as u32;
        let period = (1e6 / self.rate.value()).round() as u32;
        let riff = HEADER_BYTES as u32 - 8 + self.bytes as u32 + 8 + 16 * count;
        let (width, height) = (self.width, self.height);
        let mut header = Bytes::default();
        header.text("RIFF").number(riff).text("AVI ");
        header.text("LIST").number(192).text("hdrl");
        let flags = 0x10; // has an index
        header
            .text("avih")
            .numbers(&[56, period, 0, 0, flags, count, 0, 1, self.largest]);
        header.numbers(&[width, height, 0, 0, 0, 0]);
        header.text("LIST").number(116).text("strl");
        header
            .text("strh")
            .number(56)
            .text("vids")
            .text("MJPG")
            .numbers(&[0, 0, 0]);
        header.numbers(&[
            self.rate.denominator,
            self.rate.numerator,
            0,
            count,
            self.largest,
        ]);
        header.numbers(&[u32::MAX, 0, 0, width & 0xFFFF | height << 16]);
        header
            .text("strf")
            .numbers(&[40, 40, width, height, 1 | 24 << 16])
            .text("MJPG");
        header.numbers(&[3 * width.wrapping_mul(height), 0, 0, 0, 0]);
        header.text("LIST").number(self.bytes as u32).text("movi");
        header.bytes
    }
}

impl<W: Write + Seek + Send> VideoWriter for AviWriter<W> {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        let turn = frame.time.map_or(0, |time| self.rate.inverse().count(time));
        let gap = turn.saturating_sub(self.index.len() as u64);
        for _ in 0..gap.min(MAX_GAP) {
            self.chunk(&[])?;
        }
        self.chunk(&jpeg(frame)?)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let mut index = Bytes::default();
        index.text("idx1").number(16 * self.index.len() as u32);
        for [offset, length] in &self.index {
            let key = 0x10;
            index.text("00dc").numbers(&[key, *offset, *length]);
        }
        self.stream.write_all(&index.bytes)?;
        self.stream.seek(SeekFrom::Start(0))?;
        let header = self.header();
        self.stream.write_all(&header)?;
        Ok(self.stream.flush()?)
    }
}

#[derive(Default)]
struct Bytes {
    bytes: Vec<u8>,
}

impl Bytes {
    fn text(&mut self, text: &str) -> &mut Bytes {
        self.bytes.extend(text.as_bytes());
        self
    }

    fn number(&mut self, number: u32) -> &mut Bytes {
        self.bytes.extend(number.to_le_bytes());
        self
    }

    fn numbers(&mut self, numbers: &[u32]) -> &mut Bytes {
        for number in numbers {
            self.number(*number);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::avi::Avi;
    use crate::recording::{Reader, reader::DEFAULT_RATE};
    use std::io::Cursor;

    #[test]
    fn what_is_written_is_read_gaps_included() {
        let info = Info {
            width: 20,
            height: 10,
            rate: DEFAULT_RATE,
            time_base: DEFAULT_RATE.inverse(),
            pixel_aspect: None,
            frames: None,
            sound: None,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = Box::new(AviWriter::new(&mut file, &info).unwrap());
        assert_eq!(writer.header().len() as u64, HEADER_BYTES + 4);
        let times = [0, 1, 4].map(|turn| Some(info.time_base.seconds(turn)));
        for time in times {
            let frame = Frame {
                width: 20,
                height: 10,
                pixels: vec![90; 600],
                time,
                sequence: 0,
            };
            writer.write(&frame).unwrap();
        }
        writer.finish().unwrap();
        let bytes = file.into_inner();
        let riff = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
        assert_eq!(riff as usize + 8, bytes.len());
        let mut reader = Avi::new(&bytes[..]).unwrap().unwrap();
        assert_eq!(reader.info().frames, Some(5));
        let mut frame = Frame::default();
        for time in times {
            assert!(reader.next(&mut frame).unwrap());
            assert_eq!((frame.width, frame.height, frame.time), (20, 10, time));
        }
        assert!(!reader.next(&mut frame).unwrap());
        assert!(reader.complaints().is_empty());
    }
}
