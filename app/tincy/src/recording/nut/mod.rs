//! NUT, the container of frames that go to and come from ffmpeg, and of raw recordings: unlike raw
//! video it carries the size, the pixel's shape, colours and exact times, unlike others it takes any
//! raw pixels, and a file that was cut is whole up to there.
//!
//! After the format's description (nut.txt of the ffmpeg project, version 3); one video stream.
//!
//! | module | subject |
//! | --- | --- |
//! | [`coding`] | how the frames of a stream are coded |
//! | `header` | the packets before the frames |
//! | `read` | frames out of a stream |
//! | `write` | frames into a stream |
//! | `packet` | numbers, packets, checksums |

pub mod coding;
mod header;
mod packet;
mod read;
mod write;

pub use coding::Coding;
pub use read::NutReader;
pub use write::NutWriter;

use super::Error;
use super::reader::Rational;

const FILE_ID: &[u8; 25] = b"nut/multimedia container\0";
const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNCPOINT: u64 = 0x4E4B_E4AD_EECA_4569;

/// What stands in a stream's header, as its codec's own data, where this program made it.
const OWN: &[u8] = b"tincy recording";

/// Whether a file that starts so is NUT.
pub fn is_nut(head: &[u8]) -> bool {
    head.starts_with(FILE_ID)
}

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

#[cfg(test)]
mod tests {
    use super::packet::checksum;
    use super::*;
    use std::time::Duration;

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
