//! What a camera gives: size, rows, colours, frame intervals.

use super::FourCc;
use std::cmp::Ordering;
use std::fmt;

/// The format that a driver has set, whatever was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Pixel format.
    pub fourcc: FourCc,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from a row to the next; 0 for JPEG.
    pub stride: u32,
    /// Planes of memory that a frame lies in.
    pub planes: u32,
    /// Bytes from a row of the second plane of memory to the next; 0 where there is none.
    pub chroma_stride: u32,
    /// `v4l2_field`: whole pictures or halves.
    pub field: u32,
    /// Luma and chroma by BT.709, not BT.601.
    pub bt709: bool,
    /// Levels from 0 to 255, not 16 to 235.
    pub full_range: bool,
}

impl Format {
    /// Bytes from a row of a plane of memory to the next.
    fn row_step(&self, plane: usize) -> u32 {
        [self.stride, self.chroma_stride][plane.min(1)]
    }

    /// Bytes that a plane of memory has at least.
    pub fn least_bytes(&self, plane: usize) -> u64 {
        let size = [self.width, self.height];
        self.fourcc.least_bytes(plane, size, self.row_step(plane))
    }

    /// Appends a plane of a frame to those before it, all rows a `stride` apart, so that planes that
    /// lie apart in memory become one picture.
    pub fn append_plane(&self, plane: usize, from: &[u8], to: &mut Vec<u8>) {
        let (step, stride) = (self.row_step(plane) as usize, self.stride as usize);
        let row = self.fourcc.row_bytes(self.width).unwrap_or(0) as usize;
        let rows = self.fourcc.rows(plane, self.height) as usize;
        for row in from
            .chunks(step.max(1))
            .take(rows)
            .map(|r| &r[..row.min(r.len())])
        {
            let end = to.len() + stride;
            to.extend_from_slice(row);
            to.resize(end, 0);
        }
    }

    /// Whether each frame holds all rows in order. Halves (top, bottom, one after the other, or in
    /// turn) would be pictures of half the height.
    pub fn is_whole(&self) -> bool {
        const ANY: u32 = 0;
        const NONE: u32 = 1;
        const INTERLACED: [u32; 3] = [4, 8, 9];
        self.field == ANY || self.field == NONE || INTERLACED.contains(&self.field)
    }

    /// Whether YCbCr is of BT.709, from `v4l2_colorspace` and `v4l2_ycbcr_encoding`, by the kernel's
    /// V4L2_MAP_YCBCR_ENC_DEFAULT. BT.2020 and SMPTE 240M are nearer to BT.709 than to BT.601.
    pub fn is_bt709(colorspace: u32, encoding: u32) -> bool {
        const SMPTE240M: u32 = 2;
        const REC709: u32 = 3;
        const BT2020: u32 = 10;
        const DCI_P3: u32 = 12;
        match encoding {
            0 => [SMPTE240M, REC709, BT2020, DCI_P3].contains(&colorspace),
            // 709, xv709, BT.2020 twice, SMPTE 240M
            2 | 4 | 6 | 7 | 8 => true,
            _ => false,
        }
    }

    /// Whether levels are 0 to 255, from `v4l2_colorspace` and `v4l2_quantization`, by the kernel's
    /// V4L2_MAP_QUANTIZATION_DEFAULT.
    pub fn is_full_range(fourcc: FourCc, colorspace: u32, quantization: u32) -> bool {
        const JPEG: u32 = 7;
        match quantization {
            1 => true,
            2 => false,
            _ => fourcc == FourCc::RGB24 || colorspace == JPEG,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{}", self.fourcc, self.width, self.height)
    }
}

/// Seconds from a frame to the next, as a fraction.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl Interval {
    /// A fraction of which no part is 0, or `None`: drivers without rates give 0/0.
    pub fn new(numerator: u32, denominator: u32) -> Option<Interval> {
        (numerator > 0 && denominator > 0).then_some(Interval {
            numerator,
            denominator,
        })
    }

    /// That of a rate, to a thousandth of a frame a second.
    pub fn of_rate(rate: f64) -> Option<Interval> {
        Interval::new(1000, (rate * 1000.0).round() as u32)
    }

    /// Frames a second.
    pub fn rate(self) -> f64 {
        f64::from(self.denominator) / f64::from(self.numerator)
    }
}

impl PartialEq for Interval {
    fn eq(&self, other: &Interval) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Interval {}

impl PartialOrd for Interval {
    fn partial_cmp(&self, other: &Interval) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Interval {
    fn cmp(&self, other: &Interval) -> Ordering {
        let across = |a: &Interval, b: &Interval| u64::from(a.numerator) * u64::from(b.denominator);
        across(self, other).cmp(&across(other, self))
    }
}

/// Sizes that a format comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// One: columns and rows.
    One([u32; 2]),
    /// From the least to the greatest, in steps.
    Steps {
        /// Fewest columns and rows.
        least: [u32; 2],
        /// Most columns and rows.
        most: [u32; 2],
        /// Columns and rows of a step.
        step: [u32; 2],
    },
}

impl Sizes {
    /// The one of them that is nearest to a size, each side by itself.
    pub fn nearest(&self, wanted: [u32; 2]) -> [u32; 2] {
        match *self {
            Sizes::One(size) => size,
            Sizes::Steps { least, most, step } => {
                let side = |i: usize| {
                    let above = wanted[i].clamp(least[i], most[i].max(least[i])) - least[i];
                    let step = step[i].max(1);
                    let up = (above + step / 2) / step * step;
                    let last = most[i].saturating_sub(least[i]) / step * step;
                    least[i] + up.min(last)
                };
                [side(0), side(1)]
            }
        }
    }
}

/// Intervals that a format of a size comes at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intervals {
    /// One.
    One(Interval),
    /// Any, or in steps.
    Steps {
        /// The shortest.
        shortest: Interval,
        /// The longest.
        longest: Interval,
    },
}

impl Intervals {
    /// The one of them that is nearest to a rate, in frames a second.
    pub fn nearest(&self, rate: f64) -> Interval {
        match *self {
            Intervals::One(interval) => interval,
            Intervals::Steps { shortest, longest } => {
                let wanted = Interval::of_rate(rate).unwrap_or(longest);
                wanted.clamp(shortest, longest.max(shortest))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_ordered_by_their_length() {
        let interval = |n, d| Interval::new(n, d).unwrap();
        assert_eq!(interval(1, 30), interval(1000, 30000));
        assert!(interval(1, 30) < interval(1001, 30000));
        assert_eq!(Interval::of_rate(29.97), Some(interval(100, 2997)));
        assert_eq!(Interval::new(0, 0), None);
        assert_eq!(Interval::of_rate(0.0), None);
        let any = Intervals::Steps {
            shortest: interval(1, 60),
            longest: interval(1, 5),
        };
        for (wanted, rate) in [(30.0, 30.0), (100.0, 60.0), (1.0, 5.0)] {
            assert!((any.nearest(wanted).rate() - rate).abs() < 1e-9);
        }
    }

    #[test]
    fn sizes_in_steps_are_met_as_near_as_they_come() {
        let steps = Sizes::Steps {
            least: [16, 16],
            most: [1290, 720],
            step: [8, 2],
        };
        let cases = [
            ([640, 480], [640, 480]),
            ([643, 481], [640, 482]),
            ([645, 480], [648, 480]),
            ([1, 1], [16, 16]),
            ([9000, 9000], [1288, 720]),
        ];
        for (wanted, nearest) in cases {
            assert_eq!(steps.nearest(wanted), nearest);
        }
        let senseless = Sizes::Steps {
            least: [64, 64],
            most: [0, 0],
            step: [0, 0],
        };
        assert_eq!(senseless.nearest([640, 480]), [64, 64]);
    }

    #[test]
    fn planes_of_other_strides_become_one_picture() {
        let format = Format {
            fourcc: FourCc::NV12M,
            width: 3,
            height: 3,
            stride: 5,
            planes: 2,
            chroma_stride: 8,
            field: 1,
            bt709: false,
            full_range: false,
        };
        assert_eq!([0, 1].map(|plane| format.least_bytes(plane)), [14, 12]);
        // Fewer bytes behind the last row than a stride, and more than a frame's.
        let luma: Vec<u8> = (1..=14).collect();
        let chroma: Vec<u8> = (101..=130).collect();
        let mut joined = Vec::new();
        format.append_plane(0, &luma, &mut joined);
        format.append_plane(1, &chroma, &mut joined);
        let rows: Vec<&[u8]> = joined.chunks(5).collect();
        let expected: [&[u8]; 5] = [
            &[1, 2, 3, 4, 0],
            &[6, 7, 8, 9, 0],
            &[11, 12, 13, 14, 0],
            &[101, 102, 103, 104, 0],
            &[109, 110, 111, 112, 0],
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn colours_are_the_kernels_defaults() {
        // Colour space, encoding: 0 is the default of the space.
        for (space, encoding, bt709) in [
            (8, 0, false), // sRGB, what USB cameras say
            (1, 0, false), // SMPTE 170M
            (7, 0, false), // JPEG
            (3, 0, true),  // Rec. 709
            (8, 2, true),
            (3, 1, false),
        ] {
            assert_eq!(
                Format::is_bt709(space, encoding),
                bt709,
                "{space} {encoding}"
            );
        }
        for (fourcc, space, quantization, full) in [
            (FourCc::YUYV, 8, 0, false),
            (FourCc::YUYV, 7, 0, true),
            (FourCc::YUYV, 8, 1, true),
            (FourCc::YUYV, 7, 2, false),
            (FourCc::RGB24, 8, 0, true),
            (FourCc::GREY, 8, 0, false),
        ] {
            let found = Format::is_full_range(fourcc, space, quantization);
            assert_eq!(found, full, "{fourcc} {space} {quantization}");
        }
    }
}
