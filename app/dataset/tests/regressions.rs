//! A test for every fault that was found: what happened, and what must happen instead.

use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use tincy_dataset::picture::{Limit, jpeg};
use tincy_vision::Frame;

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbImage::new(width, height);
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Each fill byte before a marker took a frame of the stack.
#[test]
fn any_number_of_fill_bytes_is_passed_over() {
    let whole = jpeg(8, 8);
    let mut filled = whole[..2].to_vec();
    filled.resize(10 << 20, 0xFF);
    filled.extend(&whole[2..]);
    assert!(jpeg::is_complete(&filled));
    let scan = jpeg::scan_start(&whole).unwrap();
    let behind = (10 << 20) - 2;
    assert_eq!(jpeg::scan_start(&filled), Some(scan + behind));
    filled.truncate(10 << 20);
    assert_eq!(jpeg::scan_start(&filled), None);
}

/// A stream of files of some hundred bytes cost a hundred megapixels each.
#[test]
fn a_size_that_the_file_cannot_hold_is_refused() {
    let mut bytes = jpeg(8, 8);
    let frame = bytes.windows(2).position(|signs| signs == [0xFF, 0xC0]);
    let sides = frame.unwrap() + 5;
    bytes[sides..sides + 4].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    let mut frame = Frame::default();
    let decoded = jpeg::decode(&bytes, Limit::default(), jpeg::Damage::Show, &mut frame);
    let error = decoded.unwrap_err().to_string();
    assert!(
        error.contains("bytes cannot hold 10000x10000 pixels"),
        "{error}"
    );
    assert!(frame.pixels.is_empty());
    // The emptiest picture that an encoder makes is far from that.
    let flat = jpeg(4000, 3000);
    jpeg::decode(&flat, Limit::default(), jpeg::Damage::Refuse, &mut frame).unwrap();
    assert_eq!((frame.width, frame.height), (4000, 3000));
    // An eighth of it is still shown.
    let part = &flat[..flat.len() / 8];
    jpeg::decode(part, Limit::default(), jpeg::Damage::Show, &mut frame).unwrap();
}
