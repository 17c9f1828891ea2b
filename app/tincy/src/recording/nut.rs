//! NUT, the container in which frames go to and come from ffmpeg: unlike raw video it carries the
//! size, the pixel's shape and exact times, unlike others it takes RGB.
//!
//! After the format's description (nut.txt of the ffmpeg project, version 3); one video stream.

use super::reader::Rational;
use super::{Error, reader::MAX_FRAME_BYTES};
use std::io::{BufRead, ErrorKind, Read, Write};
use std::time::Duration;

const FILE_ID: &[u8; 25] = b"nut/multimedia container\0";
const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNCPOINT: u64 = 0x4E4B_E4AD_EECA_4569;

/// How `rawvideo` calls packed RGB.
const RGB: &[u8] = b"RGB\x18";

/// The largest packet that is no frame.
const MAX_PACKET: u64 = 1 << 16;

mod flag {
    pub(super) const KEY: u64 = 1;
    pub(super) const CODED_PTS: u64 = 8;
    pub(super) const STREAM_ID: u64 = 16;
    pub(super) const SIZE_MSB: u64 = 32;
    pub(super) const CHECKSUM: u64 = 64;
    pub(super) const RESERVED: u64 = 128;
    pub(super) const SIDE_DATA: u64 = 256;
    pub(super) const HEADER_INDEX: u64 = 1024;
    pub(super) const MATCH_TIME: u64 = 2048;
    pub(super) const CODED: u64 = 4096;
    pub(super) const INVALID: u64 = 8192;
}

/// What a frame's first byte stands for.
#[derive(Clone, Copy, Debug, Default)]
struct FrameCode {
    flags: u64,
    size_factor: u64,
    size_rest: u64,
    pts_step: i64,
    reserved: u64,
}

/// A stream's description.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Width of a pixel to its height, if known.
    pub pixel_aspect: Option<Rational>,
    /// Seconds that times are multiples of.
    pub time_base: Rational,
}

/// Reads frames of packed RGB.
pub struct NutReader<R> {
    stream: R,
    video: Video,
    codes: Vec<FrameCode>,
    pts_shift: u32,
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
            return Err(Error::damaged("ffmpeg's output does not start as NUT does"));
        }
        let (mut time_bases, mut codes) = (Vec::new(), Vec::new());
        loop {
            let startcode = read_u64(&mut stream)?;
            let packet = read_packet(&mut stream)?;
            match startcode {
                MAIN => (time_bases, codes) = main_header(&mut &packet[..])?,
                STREAM => {
                    let (video, pts_shift) = stream_header(&mut &packet[..], &time_bases)?;
                    return Ok(NutReader {
                        stream,
                        video,
                        codes,
                        pts_shift,
                        last_pts: 0,
                    });
                }
                _ => {}
            }
        }
    }

    /// The stream's description.
    pub fn video(&self) -> &Video {
        &self.video
    }

    /// Reads the next frame's pixels, and returns its time; `None` at the end.
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
            let expected = 3 * self.video.width * self.video.height;
            if size != expected as u64 {
                return Err(Error::damaged(
                    "a frame from ffmpeg has another size than the first",
                ));
            }
            // Memory is taken as the pixels come, not as a header claims.
            pixels.clear();
            let read = (&mut self.stream).take(size).read_to_end(pixels)?;
            if read < expected {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            let pts = u64::try_from(self.last_pts).unwrap_or(0);
            return Ok(Some(self.video.time_base.seconds(pts)));
        }
        Ok(None)
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
                "ffmpeg's output holds a frame of an unknown kind",
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
            return Err(Error::damaged("ffmpeg's output has shortened frames"));
        }
        self.last_pts = match coded_pts {
            u64::MAX => self.last_pts.saturating_add(code.pts_step),
            coded => self.full_pts(coded as i64),
        };
        Ok(size)
    }

    /// A time from its lower bits, near the last one; larger numbers are whole times.
    fn full_pts(&self, coded: i64) -> i64 {
        let range = 1 << self.pts_shift;
        if coded >= range {
            return coded - range;
        }
        let low = self.last_pts.saturating_sub((range - 1) / 2);
        (coded.wrapping_sub(low) & (range - 1)).saturating_add(low)
    }
}

fn main_header(packet: &mut &[u8]) -> Result<(Vec<Rational>, Vec<FrameCode>), Error> {
    let version = read_v(packet)?;
    if version != 3 {
        return Err(Error::damaged(format!(
            "ffmpeg's output is NUT version {version}, not 3"
        )));
    }
    read_v(packet)?; // streams
    read_v(packet)?; // largest distance of syncpoints
    let count = read_v(packet)?;
    let mut time_bases = Vec::new();
    for _ in 0..count.min(MAX_PACKET) {
        let (numerator, denominator) = (read_u32(packet)?, read_u32(packet)?);
        let base = Rational::new(numerator, denominator);
        time_bases.push(base.ok_or_else(|| Error::damaged("ffmpeg's output has no clock"))?);
    }
    Ok((time_bases, frame_codes(packet)?))
}

fn frame_codes(packet: &mut &[u8]) -> Result<Vec<FrameCode>, Error> {
    let mut codes = Vec::with_capacity(256);
    let mut code = FrameCode {
        size_factor: 1,
        ..FrameCode::default()
    };
    while codes.len() < 256 {
        code.flags = read_v(packet)?;
        let fields = read_v(packet)?;
        let mut field = |number: u64, otherwise: u64| match fields > number {
            true => read_v(packet),
            false => Ok(otherwise),
        };
        let step = field(0, u64::MAX)?;
        if step != u64::MAX {
            code.pts_step = signed(step);
        }
        code.size_factor = field(1, code.size_factor)?;
        field(2, 0)?; // stream
        code.size_rest = field(3, 0)?;
        code.reserved = field(4, 0)?;
        let count = field(5, code.size_factor.saturating_sub(code.size_rest))?;
        for number in 6..fields.min(MAX_PACKET) {
            field(number, 0)?;
        }
        let mut added = 0;
        while added < count && codes.len() < 256 {
            if codes.len() == usize::from(b'N') {
                codes.push(FrameCode {
                    flags: flag::INVALID,
                    ..FrameCode::default()
                });
                continue;
            }
            codes.push(code);
            code.size_rest = code.size_rest.saturating_add(1);
            added += 1;
        }
    }
    Ok(codes)
}

fn stream_header(packet: &mut &[u8], time_bases: &[Rational]) -> Result<(Video, u32), Error> {
    read_v(packet)?; // number
    let class = read_v(packet)?;
    let codec = read_bytes(packet)?;
    if class != 0 || codec != RGB {
        return Err(Error::damaged("ffmpeg's output is no RGB video"));
    }
    let base = time_bases.get(read_v(packet)? as usize).copied();
    let pts_shift = read_v(packet)?;
    read_v(packet)?; // largest distance of times
    read_v(packet)?; // decoding delay
    read_v(packet)?; // flags
    read_bytes(packet)?; // codec's own data
    let (width, height) = (read_v(packet)?, read_v(packet)?);
    let pixel_aspect = Rational::new(read_u32(packet)?, read_u32(packet)?);
    let bytes = width.checked_mul(height).and_then(|n| n.checked_mul(3));
    let fits = bytes.is_some_and(|bytes| (1..=MAX_FRAME_BYTES).contains(&bytes));
    match base {
        Some(time_base) if fits && pts_shift < 16 => {
            let (width, height) = (width as usize, height as usize);
            Ok((
                Video {
                    width,
                    height,
                    pixel_aspect,
                    time_base,
                },
                pts_shift as u32,
            ))
        }
        _ => Err(Error::damaged(format!(
            "frames of {width}x{height}, above the limit of 16K"
        ))),
    }
}

/// A packet's content with its checksum, after the startcode.
fn read_packet(stream: &mut impl Read) -> Result<Vec<u8>, Error> {
    let length = read_v(stream)?;
    if length > MAX_PACKET {
        return Err(Error::damaged("ffmpeg's output holds an endless header"));
    }
    if length > 4096 {
        read_array::<4>(stream)?;
    }
    let mut packet = vec![0; length as usize];
    stream.read_exact(&mut packet)?;
    Ok(packet)
}

fn read_array<const N: usize>(stream: &mut impl Read) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_u64(stream: &mut impl Read) -> Result<u64, Error> {
    Ok(u64::from_be_bytes(read_array(stream)?))
}

/// A number in groups of seven bits, the highest first; bit 7 says that more follow.
fn read_v(stream: &mut impl Read) -> Result<u64, Error> {
    let mut value = 0u64;
    for _ in 0..10 {
        let [byte] = read_array(stream)?;
        value = value << 7 | u64::from(byte & 127);
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(Error::damaged("ffmpeg's output holds an endless number"))
}

fn read_u32(stream: &mut impl Read) -> Result<u32, Error> {
    u32::try_from(read_v(stream)?).map_err(|_| Error::damaged("a number above 32 bits"))
}

fn read_bytes(packet: &mut &[u8]) -> Result<Vec<u8>, Error> {
    let length = read_v(packet)?;
    let mut bytes = Vec::new();
    packet.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// 0, 1, -1, 2, -2, ...
fn signed(value: u64) -> i64 {
    let value = (value as i64).wrapping_add(1);
    if value & 1 == 1 {
        (value >> 1).wrapping_neg()
    } else {
        value >> 1
    }
}

/// Writes frames of packed RGB.
#[derive(Debug)]
pub struct NutWriter<W> {
    stream: W,
    time_base: Rational,
}

/// Low bits of a time; all times are written whole, above them.
const PTS_SHIFT: u32 = 7;

impl<W: Write> NutWriter<W> {
    /// Writes the headers.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(mut stream: W, video: &Video) -> std::io::Result<NutWriter<W>> {
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
        let mut header = Vec::new();
        [0, 0, RGB.len() as u64]
            .iter()
            .for_each(|number| push_v(&mut header, *number));
        header.extend(RGB);
        let aspect = video
            .pixel_aspect
            .map_or([0; 2], |a| [a.numerator, a.denominator]);
        // Time base, bits of a time, distance of times, delay, flags, own data; then the picture.
        let numbers = [0, PTS_SHIFT.into(), 1 << 24, 0, 0, 0];
        let picture = [
            video.width as u64,
            video.height as u64,
            aspect[0].into(),
            aspect[1].into(),
            0,
        ];
        numbers
            .iter()
            .chain(&picture)
            .for_each(|number| push_v(&mut header, *number));
        write_packet(&mut stream, STREAM, header)?;
        Ok(NutWriter {
            stream,
            time_base: base,
        })
    }

    /// Writes a frame, with a syncpoint before it since frames are large.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&mut self, pixels: &[u8], time: Duration) -> std::io::Result<()> {
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
        push_v(&mut header, pixels.len() as u64);
        let sum = checksum(&header);
        header.extend(sum.to_be_bytes());
        self.stream.write_all(&header)?;
        self.stream.write_all(pixels)
    }

    /// Writes what is still on its way, and closes the stream.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

fn write_packet(stream: &mut impl Write, startcode: u64, mut body: Vec<u8>) -> std::io::Result<()> {
    let mut start = startcode.to_be_bytes().to_vec();
    push_v(&mut start, body.len() as u64 + 4);
    let sum = checksum(&body);
    body.extend(sum.to_be_bytes());
    stream.write_all(&start)?;
    stream.write_all(&body)
}

fn push_v(bytes: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group > 0 { 128 } else { 0 };
        bytes.push((value >> (7 * group)) as u8 & 127 | more);
    }
}

/// CRC-32 with the generator 0x04C11DB7, high bits first, from 0.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |mut sum: u32, byte| {
        sum ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            let carry = sum >> 31;
            sum = (sum << 1) ^ (carry * 0x04C1_1DB7);
        }
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let time_base = Rational {
            numerator: 1499,
            denominator: 45000,
        };
        let pixel_aspect = Rational::new(4, 3);
        let video = Video {
            width: 5,
            height: 3,
            pixel_aspect,
            time_base,
        };
        let mut bytes = Vec::new();
        let mut writer = NutWriter::new(&mut bytes, &video).unwrap();
        let frames = [0u64, 1, 5, 300, 1_000_000].map(|pts| (pts as u8, time_base.seconds(pts)));
        for (colour, time) in frames {
            writer.write(&[colour; 45], time).unwrap();
        }
        let mut reader = NutReader::new(&bytes[..]).unwrap();
        assert_eq!(reader.video(), &video);
        let mut pixels = Vec::new();
        for (colour, time) in frames {
            assert_eq!(reader.next(&mut pixels).unwrap(), Some(time));
            assert_eq!(pixels, [colour; 45]);
        }
        assert_eq!(reader.next(&mut pixels).unwrap(), None);
    }

    #[test]
    fn damaged_streams_end_in_errors() {
        let time_base = Rational {
            numerator: 1,
            denominator: 25,
        };
        let video = Video {
            width: 2,
            height: 2,
            pixel_aspect: None,
            time_base,
        };
        let mut bytes = Vec::new();
        let mut writer = NutWriter::new(&mut bytes, &video).unwrap();
        writer.write(&[7; 12], Duration::ZERO).unwrap();
        for length in 0..bytes.len() {
            let read = NutReader::new(&bytes[..length]);
            let Ok(mut reader) = read else { continue };
            let mut pixels = Vec::new();
            assert!(!matches!(reader.next(&mut pixels), Ok(Some(_))), "{length}");
        }
    }

    #[test]
    fn checksum_of_the_known_string() {
        // CRC-32/MPEG-2 differs from this one in its start value only; this value was computed by
        // polynomial division apart from this code.
        assert_eq!(checksum(b"123456789"), 0x89A1_897F);
    }
}
