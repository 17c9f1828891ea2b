//! Odd and damaged pictures: what comes out of each, and what is said.

mod support;

use std::path::Path;
use support::{run, shared, tincy};
use tincy_dataset::picture::{Limit, read};
use tincy_vision::Frame;

/// A picture of this size comes out without a word.
const fn good(width: usize, height: usize) -> Expected {
    Expected {
        size: Some((width, height)),
        says: "",
    }
}

/// A picture of this size comes out, and this is said.
const fn noted(width: usize, height: usize, says: &'static str) -> Expected {
    Expected {
        size: Some((width, height)),
        says,
    }
}

/// It is refused with these words.
const fn refused(says: &'static str) -> Expected {
    Expected { size: None, says }
}

struct Expected {
    size: Option<(usize, usize)>,
    says: &'static str,
}

#[rustfmt::skip]
const PICTURES: [(&str, Expected); 76] = [
    ("1000x1.jpg", good(1000, 1)),
    ("1x1.jpg", good(1, 1)),
    ("1x1.png", good(1, 1)),
    ("1x64.png", good(1, 64)),
    ("animated.gif", good(96, 72)),
    ("animated.png", good(96, 72)),
    ("animated.webp", good(96, 72)),
    ("arithmetic-coded.jpg", refused("DAC")),
    ("bad-crc-idat.png", refused("CRC")),
    ("bad-crc-ihdr.png", refused("CRC")),
    ("baseline-411.jpg", good(160, 120)),
    ("baseline-420.jpg", good(320, 240)),
    ("baseline-422.jpg", good(320, 240)),
    ("baseline-444.jpg", good(320, 240)),
    ("binary.pgm", good(64, 48)),
    ("binary.ppm", good(64, 48)),
    ("bomb-30000x30000-1bit.png", refused("30000x30000 is above the limit")),
    ("bomb-text-chunk.png", good(64, 48)),
    ("claims-0x0.jpg", refused("zero")),
    ("claims-0x0.png", refused("dimensions")),
    ("claims-65535x65535.jpg", refused("65535x65535 is above the limit")),
    ("cmyk.jpg", good(320, 240)),
    ("corrupt-middle.jpg", good(320, 240)),
    ("empty.jpg", refused("empty")),
    ("exif-orientation-1.jpg", good(160, 120)),
    ("exif-orientation-2.jpg", good(160, 120)),
    ("exif-orientation-3.jpg", good(160, 120)),
    ("exif-orientation-4.jpg", good(160, 120)),
    ("exif-orientation-5.jpg", good(160, 120)),
    ("exif-orientation-6.jpg", good(160, 120)),
    ("exif-orientation-7.jpg", good(160, 120)),
    ("exif-orientation-8.jpg", good(160, 120)),
    ("grey-16.png", good(160, 120)),
    ("grey-8.png", good(160, 120)),
    ("grey-alpha.png", good(160, 120)),
    ("grey.jpg", good(320, 240)),
    ("icc-profile.jpg", good(160, 120)),
    ("interlaced-adam7.png", good(64, 48)),
    ("jpeg-named.png", good(320, 240)),
    ("large-5000x3000.png", good(5000, 3000)),
    ("leading-garbage.jpg", noted(320, 240, "14 bytes before the JPEG")),
    ("lossless.webp", good(64, 48)),
    ("lossy-alpha.webp", good(160, 120)),
    ("lossy.webp", good(160, 120)),
    ("lzw.tiff", good(64, 48)),
    ("no-eoi.jpg", noted(320, 240, "cut short")),
    ("no-iend.png", refused("end of file")),
    ("odd-157x113-420.jpg", good(157, 113)),
    ("one-bit.bmp", good(64, 48)),
    ("one-bit.png", good(160, 120)),
    ("palette-4bit.png", good(160, 120)),
    ("palette-8.bmp", good(64, 48)),
    ("palette-transparent.png", good(160, 120)),
    ("plain-with-comment.ppm", good(8, 6)),
    ("png-named.jpg", good(160, 120)),
    ("progressive.jpg", good(320, 240)),
    ("restart-markers.jpg", good(160, 120)),
    ("rgb-16.png", good(64, 48)),
    ("rgb-24.bmp", good(160, 120)),
    ("rgb-565.bmp", good(64, 48)),
    ("rgb-colour-space.jpg", good(160, 120)),
    ("rgba-32.bmp", good(64, 48)),
    ("rgba.png", good(160, 120)),
    ("rle8.bmp", good(64, 48)),
    ("still.gif", good(160, 120)),
    ("text.png", refused("not a picture")),
    ("too-little-data.png", refused("enough data")),
    ("top-down.bmp", good(64, 48)),
    ("trailing-garbage.jpg", good(320, 240)),
    ("transparent.gif", good(160, 120)),
    ("truncated-60-percent.jpg", noted(320, 240, "cut short")),
    ("truncated-header.jpg", refused("Not enough bytes")),
    ("truncated-progressive.jpg", noted(320, 240, "cut short")),
    ("truncated.png", refused("end of file")),
    ("uncompressed.tga", good(64, 48)),
    ("zip-named.jpg", refused("not a picture")),
];

/// A picture and what was said about it.
fn open(path: &Path) -> (Result<Frame, String>, String) {
    let mut notes = String::new();
    let frame = read(path, Limit::default(), &mut |note| notes.push_str(note));
    (frame.map_err(|error| error.to_string()), notes)
}

#[test]
fn odd_pictures_come_out_or_are_refused_by_name() {
    let Some(folder) = shared("pictures-odd") else {
        return;
    };
    for (name, expected) in PICTURES {
        let (frame, notes) = open(&folder.join(name));
        let size = frame.as_ref().ok().map(|frame| (frame.width, frame.height));
        assert_eq!(
            size,
            expected.size,
            "{name}: {frame:?}",
            frame = frame.as_ref().err()
        );
        let said = frame.as_ref().err().unwrap_or(&notes);
        assert!(
            said.contains(expected.says) && !said.contains('\n'),
            "{name}: {said}"
        );
        assert_eq!(said.is_empty(), expected.says.is_empty(), "{name}: {said}");
        if let Ok(frame) = frame {
            assert_eq!(frame.pixels.len(), 3 * frame.width * frame.height, "{name}");
        }
    }
    let others = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().into_string().unwrap();
            !name.ends_with(".md") && !PICTURES.iter().any(|(known, _)| *known == name)
        });
    assert_eq!(others.count(), 0, "pictures that this table does not know");
}

/// Mean absolute difference of samples.
fn difference(a: &Frame, b: &Frame) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let sum: u64 = a
        .pixels
        .iter()
        .zip(&b.pixels)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.pixels.len() as f64
}

#[test]
fn colours_and_orientation_are_right() {
    let Some(folder) = shared("pictures-odd") else {
        return;
    };
    let open = |name: &str| open(&folder.join(name)).0.unwrap();
    // The largest difference of each, measured with another decoder, and a little air.
    let cases = [
        ("baseline-444.jpg", "cmyk.jpg", 3.2),
        ("baseline-444.jpg", "progressive.jpg", 3.5),
        ("baseline-444.jpg", "baseline-422.jpg", 2.7),
        ("rgb-24.bmp", "rgb-colour-space.jpg", 3.0),
        ("lossless.webp", "top-down.bmp", 0.0),
        ("lossless.webp", "lzw.tiff", 0.0),
        ("lossless.webp", "uncompressed.tga", 0.0),
        ("lossless.webp", "interlaced-adam7.png", 0.0),
        ("lossless.webp", "rgb-16.png", 0.0),
        ("lossless.webp", "rgba-32.bmp", 0.0),
        ("lossless.webp", "binary.ppm", 0.0),
        ("lossless.webp", "rgb-565.bmp", 2.2),
        ("exif-orientation-1.jpg", "exif-orientation-2.jpg", 4.0),
        ("exif-orientation-1.jpg", "exif-orientation-3.jpg", 4.0),
        ("exif-orientation-1.jpg", "exif-orientation-4.jpg", 4.0),
        ("exif-orientation-1.jpg", "exif-orientation-5.jpg", 4.0),
        ("exif-orientation-1.jpg", "exif-orientation-6.jpg", 4.0),
        ("exif-orientation-1.jpg", "exif-orientation-7.jpg", 4.0),
        ("exif-orientation-1.jpg", "exif-orientation-8.jpg", 4.0),
    ];
    for (one, other, largest) in cases {
        let found = difference(&open(one), &open(other));
        assert!(found <= largest, "{other}: {found}");
    }
}

#[test]
fn a_folder_of_odd_pictures_names_each_bad_one_once_and_does_the_rest() {
    let Some(folder) = shared("pictures-odd") else {
        return;
    };
    let run = run(tincy().arg("detect").arg(&folder).arg("--threshold=1"));
    assert_eq!(run.code, 1, "{}", run.stderr);
    for (name, expected) in PICTURES {
        let line_of = |text: &str| text.lines().filter(|line| line.contains(name)).count();
        let good = usize::from(expected.size.is_some());
        let said = usize::from(!expected.says.is_empty());
        // Some names are the end of another.
        assert!(
            line_of(&run.stdout) >= good && line_of(&run.stderr) >= said,
            "{name}"
        );
    }
    let good = PICTURES
        .iter()
        .filter(|(_, expected)| expected.size.is_some())
        .count();
    assert_eq!(run.stdout.lines().count(), good);
    let said = PICTURES
        .iter()
        .filter(|(_, expected)| !expected.says.is_empty())
        .count();
    assert_eq!(
        run.stderr.lines().count(),
        said + 1,
        "one line each and the summary"
    );
}

#[test]
fn the_limit_of_pixels_can_be_set() {
    let Some(folder) = shared("pictures-odd") else {
        return;
    };
    let path = folder.join("baseline-444.jpg");
    let run = run(tincy().args(["detect", "--max-pixels=76799"]).arg(path));
    assert_eq!(run.code, 3);
    assert!(
        run.stderr.contains("320x240 is above the limit of 76799"),
        "{}",
        run.stderr
    );
}
