//! Pixel formats by their four letters.

use std::fmt;
use std::str::FromStr;

/// A pixel format's four-character code, as the kernel's `videodev2.h` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// Y0 Cb Y1 Cr.
    pub const YUYV: FourCc = FourCc(*b"YUYV");
    /// Cb Y0 Cr Y1.
    pub const UYVY: FourCc = FourCc(*b"UYVY");
    /// A plane of Y, then one of Cb Cr for two by two pixels.
    pub const NV12: FourCc = FourCc(*b"NV12");
    /// The same, each plane in memory of its own.
    pub const NV12M: FourCc = FourCc(*b"NM12");
    /// Red, green, blue.
    pub const RGB24: FourCc = FourCc(*b"RGB3");
    /// Y alone.
    pub const GREY: FourCc = FourCc(*b"GREY");
    /// A JPEG a frame.
    pub const MJPEG: FourCc = FourCc(*b"MJPG");
    /// The same by its other code.
    pub const JPEG: FourCc = FourCc(*b"JPEG");

    /// Those that can be used, the best first: cheap to convert before compressed, colour before
    /// grey.
    pub const USABLE: [FourCc; 8] = [
        FourCc::YUYV,
        FourCc::UYVY,
        FourCc::NV12,
        FourCc::NV12M,
        FourCc::RGB24,
        FourCc::MJPEG,
        FourCc::JPEG,
        FourCc::GREY,
    ];

    /// Its place among the usable ones.
    pub fn preference(self) -> Option<usize> {
        FourCc::USABLE.iter().position(|usable| *usable == self)
    }

    /// Whether each frame is a JPEG.
    pub fn is_jpeg(self) -> bool {
        matches!(self, FourCc::MJPEG | FourCc::JPEG)
    }

    /// Bytes of a row of so many pixels; `None` where rows are compressed or not known.
    pub fn row_bytes(self, width: u32) -> Option<u64> {
        let width = u64::from(width);
        match self {
            FourCc::YUYV | FourCc::UYVY => Some(4 * width.div_ceil(2)),
            FourCc::NV12 | FourCc::NV12M => Some(width.next_multiple_of(2)),
            FourCc::RGB24 => Some(3 * width),
            FourCc::GREY => Some(width),
            _ => None,
        }
    }

    /// Planes of memory that a frame lies in, 1 or 2.
    pub fn planes(self) -> usize {
        match self {
            FourCc::NV12M => 2,
            _ => 1,
        }
    }

    /// Rows of a plane of memory.
    pub fn rows(self, plane: usize, height: u32) -> u64 {
        let height = u64::from(height);
        match (self, plane) {
            (FourCc::NV12, 0) => height + height.div_ceil(2),
            (FourCc::NV12M, 1) => height.div_ceil(2),
            _ => height,
        }
    }

    /// Bytes that a plane of memory has at least, the rest of its last row's stride left out.
    pub fn least_bytes(self, plane: usize, [width, height]: [u32; 2], stride: u32) -> u64 {
        let Some(row) = self.row_bytes(width) else {
            return LEAST_JPEG;
        };
        u64::from(stride) * self.rows(plane, height).saturating_sub(1) + row
    }
}

/// Fewer bytes are no JPEG: start, a frame, a scan and end.
const LEAST_JPEG: u64 = 64;

impl From<u32> for FourCc {
    fn from(code: u32) -> FourCc {
        FourCc(code.to_le_bytes())
    }
}

impl From<FourCc> for u32 {
    fn from(code: FourCc) -> u32 {
        u32::from_le_bytes(code.0)
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The highest bit says big-endian, and letters may be anything.
        for byte in self.0 {
            match byte & 0x7f {
                letter @ 0x21..=0x7e => write!(f, "{}", char::from(letter))?,
                b' ' => {}
                other => write!(f, "\\{other:02x}")?,
            }
        }
        if self.0[3] & 0x80 != 0 {
            write!(f, "-BE")?;
        }
        Ok(())
    }
}

impl FromStr for FourCc {
    type Err = String;

    /// A usable format by its letters or by the name that people know.
    fn from_str(text: &str) -> Result<FourCc, String> {
        let upper = text.to_ascii_uppercase();
        let known = match upper.as_str() {
            "RGB24" | "RGB" => Some(FourCc::RGB24),
            "MJPEG" => Some(FourCc::MJPEG),
            "GRAY" => Some(FourCc::GREY),
            "YUY2" => Some(FourCc::YUYV),
            "NV12M" => Some(FourCc::NV12M),
            letters => FourCc::USABLE
                .into_iter()
                .find(|code| code.0 == letters.as_bytes()),
        };
        known.ok_or_else(|| {
            let names: Vec<_> = FourCc::USABLE.iter().map(FourCc::to_string).collect();
            format!("known are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_and_read() {
        assert_eq!(u32::from(FourCc::YUYV), 0x5659_5559);
        assert_eq!(FourCc::from(0x5659_5559), FourCc::YUYV);
        for code in FourCc::USABLE {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
        assert_eq!("mjpeg".parse(), Ok(FourCc::MJPEG));
        assert_eq!("rgb24".parse(), Ok(FourCc::RGB24));
        assert_eq!("nv12m".parse(), Ok(FourCc::NV12M));
        assert!("H264".parse::<FourCc>().is_err());
        assert_eq!(FourCc(*b"Y16 ").to_string(), "Y16");
        assert_eq!(
            FourCc([b'Y', b'1', b'6', b' ' | 0x80]).to_string(),
            "Y16-BE"
        );
        assert_eq!(FourCc([0, 1, b'a', b'b']).to_string(), "\\00\\01ab");
    }

    #[test]
    fn a_frame_ends_with_its_last_row() {
        let cases = [
            (FourCc::YUYV, 0, [640, 480], 1280, 614_400),
            (FourCc::YUYV, 0, [640, 480], 1344, 1344 * 479 + 1280),
            (FourCc::YUYV, 0, [5, 2], 12, 24),
            (FourCc::NV12, 0, [640, 480], 640, 460_800),
            (FourCc::NV12, 0, [5, 3], 8, 8 * 4 + 6),
            (FourCc::NV12M, 0, [640, 480], 640, 307_200),
            (FourCc::NV12M, 1, [640, 480], 640, 153_600),
            (FourCc::NV12M, 1, [5, 3], 8, 8 + 6),
            (FourCc::RGB24, 0, [7, 2], 24, 45),
            (FourCc::GREY, 0, [7, 2], 7, 14),
            (FourCc::MJPEG, 0, [640, 480], 0, 64),
        ];
        for (code, plane, size, stride, bytes) in cases {
            assert_eq!(code.least_bytes(plane, size, stride), bytes, "{code}");
        }
    }
}
