//! Frames out of a stream.

use super::header::{FrameCode, Stream, main_header, stream_header};
use super::packet::{read_array, read_packet, read_u64, read_v};
use super::{Coding, Error, FILE_ID, MAIN, STREAM, SYNCPOINT, Video, flag};
use crate::recording::mjpeg::MAX_JPEG_BYTES;
use std::io::{BufRead, ErrorKind, Read};
use std::time::Duration;

/// Reads frames.
pub struct NutReader<R> {
    stream: R,
    header: Stream,
    codes: Vec<FrameCode>,
    last_pts: i64,
}

impl<R: BufRead> NutReader<R> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Error::Empty`] if there is not a byte; else if they are not as they should be.
    pub fn new(mut stream: R) -> Result<NutReader<R>, Error> {
        if stream.fill_buf()?.is_empty() {
            return Err(Error::Empty);
        }
        let mut id = [0; FILE_ID.len()];
        stream.read_exact(&mut id)?;
        if id != *FILE_ID {
            return Err(Error::damaged("it does not start as NUT does"));
        }
        let (mut time_bases, mut codes) = (Vec::new(), Vec::new());
        loop {
            let startcode = read_u64(&mut stream)?;
            let packet = read_packet(&mut stream)?;
            match startcode {
                MAIN => (time_bases, codes) = main_header(&mut &packet[..])?,
                STREAM => {
                    let header = stream_header(&mut &packet[..], &time_bases)?;
                    return Ok(NutReader {
                        stream,
                        header,
                        codes,
                        last_pts: 0,
                    });
                }
                _ => {}
            }
        }
    }

    /// The stream's description.
    pub fn video(&self) -> &Video {
        &self.header.video
    }

    /// How its frames are coded.
    pub fn coding(&self) -> Coding {
        self.header.coding
    }

    /// Whether this program made it, as [`NutWriter::recording`](super::NutWriter::recording) does.
    pub fn is_own(&self) -> bool {
        self.header.is_own
    }

    /// Reads the next frame's bytes, and returns its time; `None` at the end.
    ///
    /// # Errors
    /// If the stream ends within a frame or is not as it should be.
    pub fn next(&mut self, pixels: &mut Vec<u8>) -> Result<Option<Duration>, Error> {
        while let Some(&first) = self.stream.fill_buf()?.first() {
            if first == b'N' {
                let startcode = read_u64(&mut self.stream)?;
                let packet = read_packet(&mut self.stream)?;
                if startcode == SYNCPOINT {
                    // The only stream has the only time base.
                    self.last_pts = read_v(&mut &packet[..])? as i64;
                }
                continue;
            }
            self.stream.consume(1);
            let size = self.frame_header(self.codes[usize::from(first)])?;
            self.check(size)?;
            // Memory is taken as the pixels come, not as a header claims.
            pixels.clear();
            let read = (&mut self.stream).take(size).read_to_end(pixels)?;
            if (read as u64) < size {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            let pts = u64::try_from(self.last_pts).unwrap_or(0);
            return Ok(Some(self.header.video.time_base.seconds(pts)));
        }
        Ok(None)
    }

    /// Whether a frame may have so many bytes.
    fn check(&self, size: u64) -> Result<(), Error> {
        let Video { width, height, .. } = self.header.video;
        let fits = match self.header.coding.frame_bytes(width, height) {
            Some(bytes) => size == bytes as u64,
            None => size <= MAX_JPEG_BYTES as u64,
        };
        match fits {
            true => Ok(()),
            false => Err(Error::damaged(
                "a frame has another size than the header says",
            )),
        }
    }

    /// Reads what is between a frame's first byte and its data; returns the data's length.
    fn frame_header(&mut self, code: FrameCode) -> Result<u64, Error> {
        let stream = &mut self.stream;
        let mut flags = code.flags;
        if flags & flag::CODED != 0 {
            flags ^= read_v(stream)?;
        }
        if flags & (flag::INVALID | flag::SIDE_DATA) != 0 {
            return Err(Error::damaged(
                "the NUT stream holds a frame of an unknown kind",
            ));
        }
        let mut read_if = |wanted: u64, otherwise: u64| match flags & wanted {
            0 => Ok(otherwise),
            _ => read_v(stream),
        };
        read_if(flag::STREAM_ID, 0)?;
        let coded_pts = read_if(flag::CODED_PTS, u64::MAX)?;
        let high = read_if(flag::SIZE_MSB, 0)?;
        read_if(flag::MATCH_TIME, 0)?;
        let header_index = read_if(flag::HEADER_INDEX, 0)?;
        let reserved = read_if(flag::RESERVED, code.reserved)?;
        for _ in 0..reserved.min(256) {
            read_v(&mut self.stream)?;
        }
        if flags & flag::CHECKSUM != 0 {
            read_array::<4>(&mut self.stream)?;
        }
        let size = high
            .saturating_mul(code.size_factor)
            .saturating_add(code.size_rest);
        if header_index != 0 && size <= 4096 {
            return Err(Error::damaged("the NUT stream has shortened frames"));
        }
        self.last_pts = match coded_pts {
            u64::MAX => self.last_pts.saturating_add(code.pts_step),
            coded => self.full_pts(coded as i64),
        };
        Ok(size)
    }

    /// A time from its lower bits, near the last one; larger numbers are whole times.
    fn full_pts(&self, coded: i64) -> i64 {
        let range = 1 << self.header.pts_shift;
        if coded >= range {
            return coded - range;
        }
        let low = self.last_pts.saturating_sub((range - 1) / 2);
        (coded.wrapping_sub(low) & (range - 1)).saturating_add(low)
    }
}
