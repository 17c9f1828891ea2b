//! Planar YUV to RGB.
//!
//! The conversion is ITU-R BT.601 in fixed point; chroma samples are repeated, not smoothed, which
//! is what ffmpeg's swscale does for 8-bit RGB by default.

use crate::lanes::Lanes;
use crate::{Error, Frame};

/// How many chroma samples a picture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// One for 2 x 2 pixels.
    C420,
    /// One for two pixels of a row.
    C422,
    /// One for each pixel.
    C444,
    /// None.
    Grey,
}

impl Sampling {
    /// Columns and rows of a chroma plane; odd sides are rounded up.
    pub fn chroma(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Sampling::C420 => (width.div_ceil(2), height.div_ceil(2)),
            Sampling::C422 => (width.div_ceil(2), height),
            Sampling::C444 => (width, height),
            Sampling::Grey => (0, 0),
        }
    }

    /// Bytes of a picture: the luma plane, then both chroma planes.
    pub fn bytes(self, width: usize, height: usize) -> usize {
        let (columns, rows) = self.chroma(width, height);
        width * height + 2 * columns * rows
    }

    fn name(self) -> &'static str {
        match self {
            Sampling::C420 => "4:2:0",
            Sampling::C422 => "4:2:2",
            Sampling::C444 => "4:4:4",
            Sampling::Grey => "grey",
        }
    }
}

/// Which levels luma and chroma take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Luma 16 to 235, chroma 16 to 240: video.
    Limited,
    /// 0 to 255: JPEG.
    Full,
}

/// How much red, green and blue there is in luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ITU-R BT.601: nearly all cameras and JPEG.
    Bt601,
    /// ITU-R BT.709: high-definition video.
    Bt709,
}

/// Coefficients in units of 2^-14.
pub(crate) struct Matrix {
    pub(crate) black: i32,
    pub(crate) luma: i32,
    pub(crate) red_v: i32,
    pub(crate) green_u: i32,
    pub(crate) green_v: i32,
    pub(crate) blue_u: i32,
}

pub(crate) const SHIFT: u32 = 14;

impl Matrix {
    /// The module [`raw`](crate::raw) tells where they come from.
    pub(crate) fn new(encoding: Encoding, range: Range) -> Matrix {
        let [red_v, green_u, green_v, blue_u] = match (encoding, range) {
            (Encoding::Bt601, Range::Limited) => [26149, 6419, 13320, 33050],
            (Encoding::Bt601, Range::Full) => [22970, 5638, 11700, 29032],
            (Encoding::Bt709, Range::Limited) => [29372, 3494, 8731, 34610],
            (Encoding::Bt709, Range::Full) => [25802, 3069, 7670, 30402],
        };
        let (black, luma) = match range {
            Range::Limited => (16, 19077),
            Range::Full => (0, 16384),
        };
        Matrix {
            black,
            luma,
            red_v,
            green_u,
            green_v,
            blue_u,
        }
    }
}

/// Converts planes that follow each other without gaps (Y, then U and V) into `frame`, whose size
/// is set and whose memory is used again.
///
/// # Errors
/// If `planes` has not exactly the bytes that the size and sampling ask for.
pub fn to_rgb(
    planes: &[u8],
    sampling: Sampling,
    range: Range,
    (width, height): (usize, usize),
    frame: &mut Frame,
) -> Result<(), Error> {
    let expected = sampling.bytes(width, height);
    if planes.len() != expected {
        return Err(Error::Planes {
            format: sampling.name(),
            width,
            height,
            expected,
            found: planes.len(),
        });
    }
    frame.width = width;
    frame.height = height;
    frame.pixels.resize(3 * width * height, 0);
    if expected == 0 {
        return Ok(());
    }
    let (luma, chroma) = planes.split_at(width * height);
    let (u, v) = chroma.split_at(chroma.len() / 2);
    let matrix = Matrix::new(Encoding::Bt601, range);
    let lanes = Lanes::best();
    let (columns, rows) = sampling.chroma(width, height);
    let step = if columns == width { 1 } else { 2 };
    let halved = if rows == height { 1 } else { 2 };
    let neutral = vec![128; if rows == 0 { width } else { 0 }];
    let lines = luma
        .chunks_exact(width)
        .zip(frame.pixels.chunks_exact_mut(3 * width));
    for (y, (luma, line)) in lines.enumerate() {
        let (u, v, step) = if rows == 0 {
            (&neutral[..], &neutral[..], 1)
        } else {
            let row = y / halved * columns..(y / halved + 1) * columns;
            (&u[row.clone()], &v[row], step)
        };
        lanes.colours(&matrix, [luma, u, v], step, line);
    }
    Ok(())
}

/// Pixels that are converted at once; a multiple of every chroma step.
pub(crate) const BLOCK: usize = 32;

impl Matrix {
    /// A row; each chroma sample belongs to `step` pixels.
    #[inline(always)]
    pub(crate) fn line(&self, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
        match step {
            1 => self.blocks::<1>(planes, line, Matrix::block::<1>),
            _ => self.blocks::<2>(planes, line, Matrix::block::<2>),
        }
    }

    /// A row, block by block; the last may be a part of one.
    #[inline(always)]
    pub(crate) fn blocks<const STEP: usize>(
        &self,
        [luma, u, v]: [&[u8]; 3],
        line: &mut [u8],
        block: impl Fn(&Matrix, &[u8], &[u8], &[u8], &mut [u8]),
    ) {
        let mut whole = luma.chunks_exact(BLOCK);
        let mut pixels = line.chunks_exact_mut(3 * BLOCK);
        let chroma = u
            .chunks_exact(BLOCK / STEP)
            .zip(v.chunks_exact(BLOCK / STEP));
        for ((luma, (u, v)), pixels) in whole.by_ref().zip(chroma).zip(pixels.by_ref()) {
            block(self, luma, u, v, pixels);
        }
        let (luma, pixels) = (whole.remainder(), pixels.into_remainder());
        let rest = luma.len().div_ceil(STEP);
        let (mut y, mut cb, mut cr) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
        y[..luma.len()].copy_from_slice(luma);
        cb[..rest].copy_from_slice(&u[u.len() - rest..]);
        cr[..rest].copy_from_slice(&v[v.len() - rest..]);
        let mut last = [0; 3 * BLOCK];
        block(
            self,
            &y,
            &cb[..BLOCK / STEP],
            &cr[..BLOCK / STEP],
            &mut last,
        );
        pixels.copy_from_slice(&last[..pixels.len()]);
    }

    /// [`BLOCK`] pixels.
    #[inline(always)]
    fn block<const STEP: usize>(&self, luma: &[u8], u: &[u8], v: &[u8], pixels: &mut [u8]) {
        // A word a pixel, so that each is stored at once; the next one covers its fourth byte.
        let mut words = [0u32; BLOCK];
        for i in 0..BLOCK {
            let grey = self.luma * (i32::from(luma[i]) - self.black) + (1 << (SHIFT - 1));
            let (u, v) = (i32::from(u[i / STEP]) - 128, i32::from(v[i / STEP]) - 128);
            let level = |sum: i32| (sum >> SHIFT).clamp(0, 255) as u32;
            let red = level(grey + self.red_v * v);
            let green = level(grey - self.green_u * u - self.green_v * v);
            let blue = level(grey + self.blue_u * u);
            words[i] = red | green << 8 | blue << 16;
        }
        let Some(pixels) = pixels.first_chunk_mut::<{ 3 * BLOCK }>() else {
            return;
        };
        for i in 0..BLOCK - 1 {
            pixels[3 * i..3 * i + 4].copy_from_slice(&words[i].to_le_bytes());
        }
        pixels[3 * BLOCK - 3..].copy_from_slice(&words[BLOCK - 1].to_le_bytes()[..3]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sampling: Sampling, range: Range, yuv: &[u8]) -> [u8; 3] {
        let mut frame = Frame::default();
        to_rgb(yuv, sampling, range, (1, 1), &mut frame).unwrap();
        frame.pixels[..].try_into().unwrap()
    }

    #[test]
    fn colours_of_bt_601() {
        // Black, white and the primaries of 75 % colour bars.
        let limited = [
            ([16, 128, 128], [0, 0, 0]),
            ([235, 128, 128], [255, 255, 255]),
            ([65, 100, 212], [191, 0, 0]),
            ([112, 72, 58], [0, 191, 0]),
            ([35, 212, 114], [0, 0, 191]),
            ([255, 255, 255], [255, 125, 255]),
        ];
        for (yuv, expected) in limited {
            let found = one(Sampling::C444, Range::Limited, &yuv);
            for (a, b) in found.iter().zip(expected) {
                assert!(a.abs_diff(b) <= 1, "{yuv:?} {found:?}");
            }
        }
        assert_eq!(
            one(Sampling::C420, Range::Full, &[76, 85, 255]),
            [254, 0, 0]
        );
        assert_eq!(one(Sampling::Grey, Range::Full, &[77]), [77; 3]);
    }

    /// By definition in f64, with chroma found by its place.
    #[test]
    fn within_one_level_of_the_definition() {
        for (width, height) in [(5, 3), (1, 1), (2, 2), (33, 5)] {
            for sampling in [Sampling::C420, Sampling::C422, Sampling::C444] {
                let bytes = sampling.bytes(width, height);
                let planes: Vec<u8> = (0..bytes).map(|i| (i * 89 + i * i * 7) as u8).collect();
                let mut frame = Frame::default();
                to_rgb(
                    &planes,
                    sampling,
                    Range::Limited,
                    (width, height),
                    &mut frame,
                )
                .unwrap();
                let (columns, rows) = sampling.chroma(width, height);
                for (i, pixel) in frame.pixels.chunks_exact(3).enumerate() {
                    let x = if columns == width {
                        i % width
                    } else {
                        i % width / 2
                    };
                    let y = if rows == height {
                        i / width
                    } else {
                        i / width / 2
                    };
                    let at = width * height + y * columns + x;
                    let [u, v] = [at, at + columns * rows].map(|at| f64::from(planes[at]) - 128.0);
                    let luma = (f64::from(planes[i]) - 16.0) * 255.0 / 219.0;
                    let (u, v) = (u * 255.0 / 224.0, v * 255.0 / 224.0);
                    let green = luma - 0.344_136 * u - 0.714_136 * v;
                    for (found, exact) in
                        pixel
                            .iter()
                            .zip([luma + 1.402 * v, green, luma + 1.772 * u])
                    {
                        let exact = exact.clamp(0.0, 255.0);
                        assert!((f64::from(*found) - exact).abs() < 0.51, "{exact} {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_are_named() {
        let mut frame = Frame::default();
        let error = to_rgb(&[0; 8], Sampling::C420, Range::Full, (3, 2), &mut frame);
        let text = error.unwrap_err().to_string();
        assert_eq!(text, "a 4:2:0 picture of 3x2 has 10 bytes, found 8");
    }
}
