//! Pictures as cameras give them, their rows made RGB one at a time.
//!
//! A row is converted when it is asked for, so that a fitting reads the camera's bytes once, converts
//! only the rows it needs and never has the whole picture as RGB.
//!
//! Chroma that belongs to two pixels (or to two by two) is repeated, not smoothed. With
//! `y = Y - black`, `u = Cb - 128`, `v = Cr - 128`, all in units of 2^-14, each level cut to 0 to 255:
//!
//! ```text
//! red   = (a y + b v       + 8192) >> 14
//! green = (a y - c u - d v + 8192) >> 14
//! blue  = (a y + e u       + 8192) >> 14
//!
//! encoding  range    black      a      b     c      d      e
//! BT.601    limited     16  19077  26149  6419  13320  33050
//! BT.601    full         0  16384  22970  5638  11700  29032
//! BT.709    limited     16  19077  29372  3494   8731  34610
//! BT.709    full         0  16384  25802  3069   7670  30402
//! ```
//!
//! These are the inverses of ITU-R BT.601-7 section 2.5 and BT.709-6 section 3 with their 8-bit
//! levels, and of JFIF 1.02 for the full range, as the kernel's documentation gives them
//! ("Colorspaces", "Detailed Colorspace Descriptions"). Grey is taken as `Y` with `u = v = 0`.

use crate::lanes::Lanes;
use crate::pixel::{Encoding, Matrix, Range};
use crate::resample::Rows;
use crate::{Error, Frame};
use std::borrow::Cow;

/// How a camera's bytes are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Y0 Cb Y1 Cr: four bytes for two pixels.
    Yuyv,
    /// Cb Y0 Cr Y1.
    Uyvy,
    /// A plane of Y, then one of Cb Cr for two by two pixels; rows of both have the same stride.
    Nv12,
    /// Red, green, blue.
    Rgb,
    /// Y alone.
    Grey,
}

impl Layout {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Yuyv => "YUYV",
            Layout::Uyvy => "UYVY",
            Layout::Nv12 => "NV12",
            Layout::Rgb => "RGB",
            Layout::Grey => "grey",
        }
    }

    /// Bytes of a row; an odd width has its last pixel's chroma in full.
    pub fn row_bytes(self, width: usize) -> usize {
        match self {
            Layout::Yuyv | Layout::Uyvy => 4 * width.div_ceil(2),
            Layout::Nv12 => width.next_multiple_of(2),
            Layout::Rgb => 3 * width,
            Layout::Grey => width,
        }
    }

    /// Bytes of a picture whose rows follow each other without gaps.
    pub fn frame_bytes(self, width: usize, height: usize) -> usize {
        self.row_bytes(width) * self.rows(height)
    }

    /// Rows of `stride` bytes that a picture has.
    fn rows(self, height: usize) -> usize {
        match self {
            Layout::Nv12 => height + height.div_ceil(2),
            _ => height,
        }
    }
}

/// A camera's picture: borrowed bytes and how to read them.
#[derive(Clone, Copy, Debug)]
pub struct RawFrame<'a> {
    layout: Layout,
    encoding: Encoding,
    range: Range,
    width: usize,
    height: usize,
    stride: usize,
    data: &'a [u8],
}

impl<'a> RawFrame<'a> {
    /// A picture of `width` x `height` pixels, of which each row starts `stride` bytes after the last
    /// one. BT.601 of limited range, until [`coded`](RawFrame::coded) says otherwise.
    ///
    /// # Errors
    /// If such a picture cannot be, a row is longer than the stride, or `data` ends before the last
    /// row does. Bytes behind it are allowed: cameras round up.
    pub fn new(
        layout: Layout,
        (width, height): (usize, usize),
        stride: usize,
        data: &'a [u8],
    ) -> Result<RawFrame<'a>, Error> {
        let counted = |side: usize| (1..=MAX_SIDE).contains(&side);
        if !counted(width) || !counted(height) || stride > MAX_STRIDE {
            return Err(Error::Size { width, height });
        }
        let row = layout.row_bytes(width);
        if stride < row {
            return Err(Error::Stride {
                format: layout.name(),
                width,
                expected: row,
                found: stride,
            });
        }
        let expected = stride * (layout.rows(height) - 1) + row;
        if data.len() < expected {
            return Err(Error::Planes {
                format: layout.name(),
                width,
                height,
                expected,
                found: data.len(),
            });
        }
        Ok(RawFrame {
            layout,
            encoding: Encoding::Bt601,
            range: Range::Limited,
            width,
            height,
            stride,
            data,
        })
    }

    /// The same bytes, read as this encoding and range; RGB is never changed.
    #[must_use]
    pub fn coded(self, encoding: Encoding, range: Range) -> RawFrame<'a> {
        RawFrame {
            encoding,
            range,
            ..self
        }
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// How its bytes are ordered.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How much red, green and blue its luma holds.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Which of its levels are black and white.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Its bytes, rows without gaps; copied only where there are gaps.
    pub fn packed(&self) -> Cow<'a, [u8]> {
        let row = self.layout.row_bytes(self.width);
        let rows = self.layout.rows(self.height);
        if self.stride == row {
            return Cow::Borrowed(&self.data[..row * rows]);
        }
        Cow::Owned((0..rows).flat_map(|y| self.row(y)).copied().collect())
    }

    /// Converts the whole picture into `frame`, whose size is set and whose memory is used again.
    pub fn to_rgb(&self, frame: &mut Frame) {
        frame.width = self.width;
        frame.height = self.height;
        frame.pixels.resize(3 * self.width * self.height, 0);
        let mut scratch = Scratch::default();
        let mut lines = self.lines(Lanes::best(), &mut scratch);
        let rows = frame.pixels.chunks_exact_mut(3 * self.width);
        rows.enumerate().for_each(|(y, row)| lines.write(y, row));
    }

    /// Its rows, made RGB in `scratch`.
    pub(crate) fn lines<'s>(&'s self, lanes: Lanes, scratch: &'s mut Scratch) -> Lines<'s> {
        scratch.prepare(self.width);
        Lines {
            raw: self,
            lanes,
            matrix: Matrix::new(self.encoding, self.range),
            scratch,
        }
    }

    fn row(&self, index: usize) -> &'a [u8] {
        &self.data[index * self.stride..][..self.layout.row_bytes(self.width)]
    }
}

/// Memory for a row in parts, and as RGB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    luma: Vec<u8>,
    chroma: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
    rgb: Vec<u8>,
}

impl Scratch {
    /// For rows of so many pixels. Chroma is grey until something else is known.
    fn prepare(&mut self, width: usize) {
        let even = width.next_multiple_of(2);
        self.luma.resize(even, 0);
        self.chroma.resize(even, 0);
        for plane in [&mut self.u, &mut self.v] {
            plane.clear();
            plane.resize(even / 2, 128);
        }
        self.rgb.resize(3 * width, 0);
    }
}

/// The rows of a camera's picture as RGB.
pub(crate) struct Lines<'s> {
    raw: &'s RawFrame<'s>,
    lanes: Lanes,
    matrix: Matrix,
    scratch: &'s mut Scratch,
}

impl Lines<'_> {
    /// Writes a row as RGB.
    fn write(&mut self, y: usize, out: &mut [u8]) {
        let (raw, lanes) = (self.raw, self.lanes);
        let row = raw.row(y);
        let Scratch {
            luma, chroma, u, v, ..
        } = &mut *self.scratch;
        let luma = match raw.layout {
            Layout::Rgb => return out.copy_from_slice(row),
            Layout::Grey => row,
            Layout::Nv12 => {
                lanes.split(raw.row(raw.height + y / 2), u, v);
                &row[..raw.width]
            }
            Layout::Yuyv | Layout::Uyvy => {
                match raw.layout {
                    Layout::Yuyv => lanes.split(row, luma, chroma),
                    _ => lanes.split(row, chroma, luma),
                }
                lanes.split(chroma, u, v);
                &luma[..raw.width]
            }
        };
        lanes.colours(&self.matrix, [luma, u, v], 2, out);
    }
}

impl Rows for Lines<'_> {
    fn row(&mut self, y: usize) -> &[u8] {
        if self.raw.layout == Layout::Rgb {
            return self.raw.row(y);
        }
        let mut rgb = std::mem::take(&mut self.scratch.rgb);
        self.write(y, &mut rgb);
        self.scratch.rgb = rgb;
        &self.scratch.rgb
    }
}

/// The longest side, far beyond what a camera gives.
const MAX_SIDE: usize = 1 << 16;

/// The longest row.
const MAX_STRIDE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAYOUTS: [Layout; 5] = [
        Layout::Yuyv,
        Layout::Uyvy,
        Layout::Nv12,
        Layout::Rgb,
        Layout::Grey,
    ];

    /// Where a pixel's Y, Cb and Cr are, by the layouts' definitions.
    fn places(raw: &RawFrame, x: usize, y: usize) -> [usize; 3] {
        let row = y * raw.stride;
        let pair = row + x / 2 * 4;
        let chroma = (raw.height + y / 2) * raw.stride + x / 2 * 2;
        match raw.layout {
            Layout::Yuyv => [row + 2 * x, pair + 1, pair + 3],
            Layout::Uyvy => [row + 2 * x + 1, pair, pair + 2],
            Layout::Nv12 => [row + x, chroma, chroma + 1],
            _ => [row + x; 3],
        }
    }

    /// The formulas of the module's documentation, a pixel at a time.
    fn by_formula(raw: &RawFrame, x: usize, y: usize) -> [u8; 3] {
        if raw.layout == Layout::Rgb {
            let at = y * raw.stride + 3 * x;
            return [raw.data[at], raw.data[at + 1], raw.data[at + 2]];
        }
        let [luma, cb, cr] = places(raw, x, y).map(|at| i32::from(raw.data[at]));
        let (u, v) = match raw.layout {
            Layout::Grey => (0, 0),
            _ => (cb - 128, cr - 128),
        };
        let (black, a, b, c, d, e) = match (raw.encoding, raw.range) {
            (Encoding::Bt601, Range::Limited) => (16, 19077, 26149, 6419, 13320, 33050),
            (Encoding::Bt601, Range::Full) => (0, 16384, 22970, 5638, 11700, 29032),
            (Encoding::Bt709, Range::Limited) => (16, 19077, 29372, 3494, 8731, 34610),
            (Encoding::Bt709, Range::Full) => (0, 16384, 25802, 3069, 7670, 30402),
        };
        let luma = a * (luma - black);
        [luma + b * v, luma - c * u - d * v, luma + e * u]
            .map(|sum| ((sum + 8192) >> 14).clamp(0, 255) as u8)
    }

    /// By the standards: from the weights of red and blue, in floats.
    fn by_standard(raw: &RawFrame, x: usize, y: usize) -> [f64; 3] {
        let [luma, cb, cr] = places(raw, x, y).map(|at| f64::from(raw.data[at]));
        let (luma, unit) = match raw.range {
            Range::Limited => ((luma - 16.0) / 219.0, 224.0),
            Range::Full => (luma / 255.0, 255.0),
        };
        let [cb, cr] = match raw.layout {
            Layout::Grey => [0.0; 2],
            _ => [cb, cr].map(|chroma| (chroma - 128.0) / unit),
        };
        let (red, blue) = match raw.encoding {
            Encoding::Bt601 => (0.299, 0.114),
            Encoding::Bt709 => (0.2126, 0.0722),
        };
        let r = luma + 2.0 * (1.0 - red) * cr;
        let b = luma + 2.0 * (1.0 - blue) * cb;
        let g = (luma - red * r - blue * b) / (1.0 - red - blue);
        [r, g, b].map(|level| (255.0 * level).clamp(0.0, 255.0))
    }

    fn lines(raw: &RawFrame, lanes: Lanes) -> Vec<u8> {
        let mut scratch = Scratch::default();
        let mut lines = raw.lines(lanes, &mut scratch);
        let rows = (0..raw.height).map(|y| lines.row(y).to_vec());
        rows.collect::<Vec<_>>().concat()
    }

    proptest! {
        #[test]
        fn every_layout_on_every_road_is_the_formula_and_the_formula_the_standard(
            layout in 0..LAYOUTS.len(),
            (width, height) in (1usize..140, 1usize..6),
            (extra, tail) in (0usize..40, 0usize..5),
            (hd, full) in any::<(bool, bool)>(),
            seed in any::<u64>(),
        ) {
            let layout = LAYOUTS[layout];
            let stride = layout.row_bytes(width) + extra;
            let bytes = stride * layout.rows(height) - extra + tail;
            let mut state = seed | 1;
            let data: Vec<u8> = (0..bytes)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (state >> 56) as u8
                })
                .collect();
            let encoding = if hd { Encoding::Bt709 } else { Encoding::Bt601 };
            let range = if full { Range::Full } else { Range::Limited };
            let raw = RawFrame::new(layout, (width, height), stride, &data).unwrap();
            let raw = raw.coded(encoding, range);
            let mut frame = Frame::default();
            raw.to_rgb(&mut frame);
            prop_assert_eq!(lines(&raw, Lanes::Baseline), &frame.pixels[..]);
            let bytes = raw.packed();
            prop_assert_eq!(bytes.len(), layout.frame_bytes(width, height));
            let packed = RawFrame::new(layout, (width, height), layout.row_bytes(width), &bytes);
            let packed = packed.unwrap().coded(encoding, range);
            prop_assert_eq!(lines(&packed, Lanes::best()), &frame.pixels[..]);
            prop_assert_eq!(lines(&raw, Lanes::best()), &frame.pixels[..]);
            for (i, pixel) in frame.pixels.chunks_exact(3).enumerate() {
                let (x, y) = (i % width, i / width);
                prop_assert_eq!(pixel, by_formula(&raw, x, y), "{:?} at {}, {}", layout, x, y);
                if layout == Layout::Rgb {
                    continue;
                }
                for (found, exact) in pixel.iter().zip(by_standard(&raw, x, y)) {
                    prop_assert!((f64::from(*found) - exact).abs() < 0.52, "{} {}", found, exact);
                }
            }
        }
    }

    #[test]
    fn short_data_and_short_rows_are_refused_to_the_byte() {
        // Layout, width, height, stride, bytes that just suffice.
        let cases = [
            (Layout::Yuyv, 5, 3, 12, 36),
            (Layout::Yuyv, 5, 3, 16, 44),
            (Layout::Uyvy, 1, 1, 4, 4),
            (Layout::Nv12, 4, 2, 4, 12),
            (Layout::Nv12, 5, 3, 8, 8 * 4 + 6),
            (Layout::Rgb, 7, 2, 21, 42),
            (Layout::Grey, 7, 2, 9, 16),
        ];
        for (layout, width, height, stride, bytes) in cases {
            let data = vec![0; bytes];
            let new = |stride, data| RawFrame::new(layout, (width, height), stride, data);
            assert!(new(stride, &data).is_ok(), "{layout:?}");
            let short = new(stride, &data[1..]);
            assert!(matches!(short, Err(Error::Planes { expected, .. }) if expected == bytes));
            let row = layout.row_bytes(width);
            let narrow = new(row - 1, &data);
            assert!(matches!(narrow, Err(Error::Stride { expected, .. }) if expected == row));
        }
        for size in [(0, 4), (4, 0), (usize::MAX, 1), (1, usize::MAX)] {
            let refused = RawFrame::new(Layout::Grey, size, 4, &[0; 16]);
            assert!(matches!(refused, Err(Error::Size { .. })), "{size:?}");
        }
        let refused = RawFrame::new(Layout::Grey, (4, 4), usize::MAX, &[0; 16]);
        assert!(matches!(refused, Err(Error::Size { .. })));
        let text = RawFrame::new(Layout::Yuyv, (5, 3), 10, &[0; 30]).unwrap_err();
        assert_eq!(
            text.to_string(),
            "a row of a YUYV picture 5 pixels wide has 12 bytes, rows of 10 are too short"
        );
    }
}
