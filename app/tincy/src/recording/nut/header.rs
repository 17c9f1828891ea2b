//! The packets before the frames.

use super::packet::{MAX_PACKET, read_bytes, read_u32, read_v, signed};
use super::{Coding, Error, OWN, Rational, Video, flag};
use crate::recording::reader::MAX_FRAME_BYTES;

/// What a frame's first byte stands for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameCode {
    pub(super) flags: u64,
    pub(super) size_factor: u64,
    pub(super) size_rest: u64,
    pub(super) pts_step: i64,
    pub(super) reserved: u64,
}

pub(super) fn main_header(packet: &mut &[u8]) -> Result<(Vec<Rational>, Vec<FrameCode>), Error> {
    let version = read_v(packet)?;
    if version != 3 {
        return Err(Error::damaged(format!(
            "it is NUT version {version}, not 3"
        )));
    }
    read_v(packet)?; // streams
    read_v(packet)?; // largest distance of syncpoints
    let count = read_v(packet)?;
    let mut time_bases = Vec::new();
    for _ in 0..count.min(MAX_PACKET) {
        let (numerator, denominator) = (read_u32(packet)?, read_u32(packet)?);
        let base = Rational::new(numerator, denominator);
        time_bases.push(base.ok_or_else(|| Error::damaged("the NUT stream has no clock"))?);
    }
    Ok((time_bases, frame_codes(packet)?))
}

pub(super) fn frame_codes(packet: &mut &[u8]) -> Result<Vec<FrameCode>, Error> {
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

/// A stream's header.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) video: Video,
    pub(super) coding: Coding,
    pub(super) pts_shift: u32,
    /// Whether this program made it.
    pub(super) is_own: bool,
}

pub(super) fn stream_header(packet: &mut &[u8], time_bases: &[Rational]) -> Result<Stream, Error> {
    read_v(packet)?; // number
    let class = read_v(packet)?;
    let codec = read_bytes(packet)?;
    let base = time_bases.get(read_v(packet)? as usize).copied();
    let pts_shift = read_v(packet)?;
    read_v(packet)?; // largest distance of times
    read_v(packet)?; // decoding delay
    read_v(packet)?; // flags
    let own = read_bytes(packet)?;
    let (width, height) = (read_v(packet)?, read_v(packet)?);
    let pixel_aspect = Rational::new(read_u32(packet)?, read_u32(packet)?);
    // The last number of the header may be missing.
    let coding = Coding::parse(&codec, read_v(packet).unwrap_or(0)).filter(|_| class == 0);
    let coding = coding
        .ok_or_else(|| Error::damaged("the NUT stream is no video of a kind that is known"))?;
    let bytes = width.checked_mul(height).and_then(|n| n.checked_mul(3));
    let fits = bytes.is_some_and(|bytes| (1..=MAX_FRAME_BYTES).contains(&bytes));
    let Some(time_base) = base.filter(|_| fits && pts_shift < 16) else {
        return Err(Error::damaged(format!(
            "frames of {width}x{height}, above the limit of 16K"
        )));
    };
    Ok(Stream {
        video: Video {
            width: width as usize,
            height: height as usize,
            pixel_aspect,
            time_base,
        },
        coding,
        pts_shift: pts_shift as u32,
        is_own: own == OWN,
    })
}
