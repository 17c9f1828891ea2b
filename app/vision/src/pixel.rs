//! Planar YUV to RGB.
//!
//! The conversion is ITU-R BT.601 in fixed point; chroma samples are repeated, not smoothed, which
//! is what ffmpeg's swscale does for 8-bit RGB by default.

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

/// Coefficients in units of 2^-14.
struct Matrix {
    black: i32,
    luma: i32,
    red_v: i32,
    green_u: i32,
    green_v: i32,
    blue_u: i32,
}

const SHIFT: u32 = 14;

impl Range {
    fn matrix(self) -> Matrix {
        match self {
            Range::Limited => Matrix {
                black: 16,
                luma: 19077,
                red_v: 26149,
                green_u: 6419,
                green_v: 13320,
                blue_u: 33050,
            },
            Range::Full => Matrix {
                black: 0,
                luma: 16384,
                red_v: 22970,
                green_u: 5638,
                green_v: 11700,
                blue_u: 29032,
            },
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
    let matrix = range.matrix();
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
        matrix.line(luma, u, v, step, line);
    }
    Ok(())
}

impl Matrix {
    /// A row; each chroma sample belongs to `step` pixels.
    fn line(&self, luma: &[u8], u: &[u8], v: &[u8], step: usize, line: &mut [u8]) {
        let groups = luma.chunks(step).zip(line.chunks_mut(3 * step));
        for ((luma, pixels), (&u, &v)) in groups.zip(u.iter().zip(v)) {
            let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
            let colour = [
                self.red_v * v,
                -self.green_u * u - self.green_v * v,
                self.blue_u * u,
            ];
            for (&luma, pixel) in luma.iter().zip(pixels.chunks_exact_mut(3)) {
                let grey = self.luma * (i32::from(luma) - self.black) + (1 << (SHIFT - 1));
                for (sample, colour) in pixel.iter_mut().zip(colour) {
                    *sample = ((grey + colour) >> SHIFT).clamp(0, 255) as u8;
                }
            }
        }
    }
}
