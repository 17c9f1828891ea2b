//! How the frames of a stream are coded: four letters, and what colours mean.

use tincy_vision::pixel::{Encoding, Range};
use tincy_vision::raw::{Layout, RawFrame};

/// How frames are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Pixels as they are, rows without gaps.
    Raw {
        /// Their order.
        layout: Layout,
        /// What luma and chroma mean.
        encoding: Encoding,
        /// Which levels are black and white.
        range: Range,
    },
    /// A JPEG a frame.
    Jpeg,
}

/// Packed RGB.
pub const RGB: Coding = Coding::Raw {
    layout: Layout::Rgb,
    encoding: Encoding::Bt601,
    range: Range::Limited,
};

/// Names of ffmpeg's `rawvideo` (nut.c and raw.c there) and of JPEG.
const NAMES: [(&[u8; 4], Option<Layout>); 6] = [
    (b"RGB\x18", Some(Layout::Rgb)),
    (b"YUY2", Some(Layout::Yuyv)),
    (b"UYVY", Some(Layout::Uyvy)),
    (b"NV12", Some(Layout::Nv12)),
    (b"Y800", Some(Layout::Grey)),
    (b"MJPG", None),
];

/// `colorspace_type` of the stream's header.
const COLOURS: [(u64, Encoding, Range); 4] = [
    (1, Encoding::Bt601, Range::Limited),
    (2, Encoding::Bt709, Range::Limited),
    (17, Encoding::Bt601, Range::Full),
    (18, Encoding::Bt709, Range::Full),
];

impl Coding {
    /// That of a camera's picture.
    pub fn of(raw: &RawFrame) -> Coding {
        match raw.layout() {
            Layout::Rgb => RGB,
            layout => Coding::Raw {
                layout,
                encoding: raw.encoding(),
                range: raw.range(),
            },
        }
    }

    /// From its name and the number of its colours; those that are not known are BT.601's, limited.
    pub(super) fn parse(name: &[u8], colours: u64) -> Option<Coding> {
        let (_, layout) = NAMES.iter().find(|(known, _)| name == *known)?;
        let of_number = COLOURS.iter().find(|(number, ..)| *number == colours);
        let (_, encoding, range) = *of_number.unwrap_or(&COLOURS[0]);
        Some(match layout {
            None => Coding::Jpeg,
            Some(Layout::Rgb) => RGB,
            Some(layout) => Coding::Raw {
                layout: *layout,
                encoding,
                range,
            },
        })
    }

    /// Its name.
    pub(super) fn name(self) -> &'static [u8; 4] {
        let own = match self {
            Coding::Raw { layout, .. } => Some(layout),
            Coding::Jpeg => None,
        };
        let known = NAMES.iter().find(|(_, layout)| *layout == own);
        known.map_or(b"MJPG", |(name, _)| name)
    }

    /// The number of its colours; 0 where that says nothing.
    pub(super) fn colours(self) -> u64 {
        let Coding::Raw {
            encoding, range, ..
        } = self
        else {
            return 0;
        };
        let known = |(_, e, r): &&(u64, Encoding, Range)| (*e, *r) == (encoding, range);
        match self == RGB {
            true => 0,
            false => COLOURS.iter().find(known).map_or(0, |(number, ..)| *number),
        }
    }

    /// Bytes of a frame; `None` where each has its own number.
    pub fn frame_bytes(self, width: usize, height: usize) -> Option<usize> {
        match self {
            Coding::Raw { layout, .. } => Some(layout.frame_bytes(width, height)),
            Coding::Jpeg => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_is_read_as_it_is_named() {
        for (_, layout) in NAMES {
            for (_, encoding, range) in COLOURS {
                let coding = match layout {
                    None => Coding::Jpeg,
                    Some(Layout::Rgb) => RGB,
                    Some(layout) => Coding::Raw {
                        layout,
                        encoding,
                        range,
                    },
                };
                let read = Coding::parse(coding.name(), coding.colours());
                assert_eq!(read, Some(coding));
            }
        }
        assert_eq!(Coding::parse(b"H264", 0), None);
        assert_eq!(RGB.frame_bytes(5, 3), Some(45));
        let nv12 = Coding::parse(b"NV12", 2).unwrap();
        assert_eq!(nv12.frame_bytes(5, 3), Some(6 * 5));
        assert_eq!(Coding::Jpeg.frame_bytes(5, 3), None);
    }
}
