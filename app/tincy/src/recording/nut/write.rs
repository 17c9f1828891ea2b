//! Frames into a stream.

use super::coding::{self, Coding};
use super::packet::{checksum, push_v, write_packet};
use super::{FILE_ID, MAIN, OWN, Rational, STREAM, SYNCPOINT, Video, flag};
use std::io::Write;
use std::time::Duration;

/// Writes frames.
#[derive(Debug)]
pub struct NutWriter<W> {
    stream: W,
    time_base: Rational,
}

/// Low bits of a time; all times are written whole, above them.
const PTS_SHIFT: u32 = 7;

impl<W: Write> NutWriter<W> {
    /// Writes the headers of a stream of packed RGB.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(stream: W, video: &Video) -> std::io::Result<NutWriter<W>> {
        NutWriter::start(stream, video, coding::RGB, b"")
    }

    /// Writes the headers of a raw recording.
    ///
    /// # Errors
    /// If writing fails.
    pub fn recording(stream: W, video: &Video, coding: Coding) -> std::io::Result<NutWriter<W>> {
        NutWriter::start(stream, video, coding, OWN)
    }

    fn start(
        mut stream: W,
        video: &Video,
        coding: Coding,
        own: &[u8],
    ) -> std::io::Result<NutWriter<W>> {
        let base = video.time_base;
        stream.write_all(FILE_ID)?;
        let mut main = Vec::new();
        // Version, streams, distance, time bases; then one entry for all 255 frame codes: flags,
        // fields, time step, size factor, stream, size, reserved, count; no shortened frames.
        let numbers = [
            3,
            1,
            65536,
            1,
            base.numerator.into(),
            base.denominator.into(),
        ];
        let codes = [flag::CODED, 6, 0, 1, 0, 0, 0, 255, 0];
        numbers
            .iter()
            .chain(&codes)
            .for_each(|number| push_v(&mut main, *number));
        write_packet(&mut stream, MAIN, main)?;
        write_packet(&mut stream, STREAM, stream_header(video, coding, own))?;
        Ok(NutWriter {
            stream,
            time_base: base,
        })
    }

    /// Writes a frame, with a syncpoint before it since frames are large.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&mut self, bytes: &[u8], time: Duration) -> std::io::Result<()> {
        let pts = self.time_base.count(time);
        let mut syncpoint = Vec::new();
        push_v(&mut syncpoint, pts);
        push_v(&mut syncpoint, 0);
        write_packet(&mut self.stream, SYNCPOINT, syncpoint)?;
        let mut header = vec![0];
        push_v(
            &mut header,
            flag::KEY | flag::CODED_PTS | flag::SIZE_MSB | flag::CHECKSUM,
        );
        push_v(&mut header, pts + (1 << PTS_SHIFT));
        push_v(&mut header, bytes.len() as u64);
        let sum = checksum(&header);
        header.extend(sum.to_be_bytes());
        self.stream.write_all(&header)?;
        self.stream.write_all(bytes)
    }

    /// The stream behind it, for what it needs beside frames.
    pub fn stream(&mut self) -> &mut W {
        &mut self.stream
    }

    /// The stream behind it, as it is.
    pub fn into_stream(self) -> W {
        self.stream
    }

    /// Writes what is still on its way, and closes the stream.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

fn stream_header(video: &Video, coding: Coding, own: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    let mut add = |numbers: &[u64], bytes: &[u8]| {
        numbers
            .iter()
            .for_each(|number| push_v(&mut header, *number));
        header.extend(bytes);
    };
    let name = coding.name();
    // Number of the stream, its class.
    add(&[0, 0, name.len() as u64], name);
    // Time base, bits of a time, distance of times, delay, flags; own data; then the picture.
    let numbers = [0, PTS_SHIFT.into(), 1 << 24, 0, 0, own.len() as u64];
    add(&numbers, own);
    let aspect = video
        .pixel_aspect
        .map_or([0; 2], |a| [a.numerator, a.denominator]);
    let (width, height) = (video.width as u64, video.height as u64);
    let picture = [
        width,
        height,
        aspect[0].into(),
        aspect[1].into(),
        coding.colours(),
    ];
    add(&picture, b"");
    header
}
