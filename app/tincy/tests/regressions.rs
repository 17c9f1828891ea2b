//! A test for every fault that was found: what happened, and what must happen instead.

mod support;

use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use support::{run, tincy};
use tincy::outcome::one_line;
use tincy::recording::mjpeg::Mjpeg;
use tincy::recording::nut::{NutReader, NutWriter, Video};
use tincy::recording::y4m::Y4m;
use tincy::recording::{Rational, Reader};
use tincy_vision::Frame;

/// A missing file was reported as `NAME: REASON: REASON`, since a library's error had its reason in
/// its text and named it as its source too.
#[test]
fn a_reason_is_said_once() {
    let cases = [
        ["detect", "gone.jpg"],
        ["inspect", "gone.tincy"],
        ["replay", "gone.mp4"],
    ];
    for arguments in cases {
        let run = run(tincy().args(arguments));
        let times = run.stderr.matches("No such file").count();
        assert!(times <= 1, "{arguments:?}: {}", run.stderr);
        assert_eq!(
            run.stderr.lines().count(),
            1,
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

/// A header of 40 bytes took 400 MB for a frame that was not there.
#[test]
fn a_frame_that_is_only_claimed_takes_no_memory() {
    let stream = b"YUV4MPEG2 W15360 H8640 C444\nFRAME\nabc";
    let mut reader = Y4m::new(&stream[..]).unwrap();
    let mut frame = Frame::default();
    assert!(!reader.next(&mut frame).unwrap());
    assert_eq!(frame.pixels.capacity(), 0);
    let complaints = reader.complaints();
    assert_eq!(complaints, ["cut short: frame 1 is not whole"]);
}

/// A row was scaled to the size of a column by way of a square: of two small files, 50 GB.
#[test]
fn frames_too_unlike_the_first_are_left_out() {
    let jpeg = |width, height| {
        let mut bytes = Cursor::new(Vec::new());
        let picture = RgbImage::new(width, height);
        picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    };
    let stream = [jpeg(8, 3000), jpeg(3000, 8), jpeg(16, 2000)].concat();
    let mut reader = Mjpeg::new(&stream[..]).unwrap();
    let mut frame = Frame::default();
    let mut sizes = Vec::new();
    while reader.next(&mut frame).unwrap() {
        sizes.push((frame.width, frame.height, frame.pixels.len()));
    }
    assert_eq!(sizes, [(8, 3000, 72_000); 2]);
    let complaints = reader.complaints().concat();
    assert!(
        complaints.starts_with("frame 2 of 3000x8 is too unlike"),
        "{complaints}"
    );
}

/// Times near the smallest and the largest overflowed.
#[test]
fn times_of_any_size_are_read() {
    let video = Video {
        width: 1,
        height: 1,
        pixel_aspect: None,
        time_base: Rational::new(1, 25).unwrap(),
    };
    let mut start = Vec::new();
    NutWriter::new(&mut start, &video).unwrap();
    // The smallest 64-bit number and the largest, in groups of seven bits.
    let smallest = [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0];
    let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for pts in [&smallest[..], &largest] {
        let mut stream = start.clone();
        // A syncpoint with this time, then a frame of three bytes whose time is 0 in its low bits.
        stream.extend(0x4E4B_E4AD_EECA_4569u64.to_be_bytes());
        stream.push(pts.len() as u8);
        stream.extend(pts);
        stream.extend([0, 40, 0, 3, 7, 8, 9]);
        let mut reader = NutReader::new(&stream[..]).unwrap();
        let mut pixels = Vec::new();
        assert!(reader.next(&mut pixels).unwrap().is_some());
        assert_eq!(pixels, [7, 8, 9]);
    }
}

/// A name in a file could hold what a terminal obeys, and came out with the message.
#[test]
fn messages_hold_nothing_that_a_terminal_obeys() {
    let error = anyhow::anyhow!("node `a\x1b[2J\r\nb`");
    assert_eq!(one_line(&error), "node `a [2J  b`");
}
