//! Recordings and pictures of a few pixels.

use crate::Seed;
use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use std::time::Duration;
use tincy::recording::Rational;
use tincy::recording::nut::{Coding, NutWriter, Video};

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 40) as u8, (y * 40) as u8, 90])
    })
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("memory can be written to");
    bytes.into_inner()
}

fn y4m(colours: &str, planes: usize) -> Vec<u8> {
    let mut bytes =
        format!("YUV4MPEG2 W5 H3 F30000:1001 Ip A1:1 C{colours} XCOLORRANGE=FULL\n").into_bytes();
    for frame in 0..2u8 {
        bytes.extend(b"FRAME\n");
        bytes.extend((0..planes).map(|i| 20 * frame + i as u8));
    }
    bytes
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [&name[..], &(body.len() as u32).to_le_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

/// Two frames of different sizes, and a chunk of sound.
fn avi() -> Vec<u8> {
    let mut video = b"vidsMJPG".to_vec();
    video.resize(56, 0);
    video[20] = 1;
    video[24] = 25;
    video[32] = 2;
    let mut format = vec![0; 40];
    format[16..20].copy_from_slice(b"MJPG");
    let streams = [
        b"strl".to_vec(),
        chunk(b"strh", &video),
        chunk(b"strf", &format),
        chunk(b"strh", b"auds"),
        chunk(b"strf", &[0x55, 0]),
    ];
    let frames = [
        b"movi".to_vec(),
        chunk(b"00dc", &encoded(&picture(8, 8), ImageFormat::Jpeg)),
        chunk(b"01wb", &[1, 2, 3]),
        chunk(b"00dc", &encoded(&picture(9, 4), ImageFormat::Jpeg)),
    ];
    let lists = [
        b"AVI ".to_vec(),
        chunk(b"LIST", &streams.concat()),
        chunk(b"LIST", &frames.concat()),
    ];
    chunk(b"RIFF", &lists.concat())
}

fn nut() -> Vec<u8> {
    let video = Video {
        width: 3,
        height: 2,
        pixel_aspect: Rational::new(4, 3),
        time_base: Rational {
            numerator: 1,
            denominator: 25,
        },
    };
    let mut bytes = Vec::new();
    let mut writer = NutWriter::new(&mut bytes, &video).expect("memory can be written to");
    for frame in 0..2u8 {
        let time = Duration::from_millis(40 * u64::from(frame));
        writer
            .write(&[frame; 18], time)
            .expect("memory can be written to");
    }
    bytes
}

/// A raw recording of JPEGs.
fn raw(jpeg: &[u8]) -> Vec<u8> {
    let video = Video {
        width: 8,
        height: 8,
        pixel_aspect: None,
        time_base: Rational {
            numerator: 1,
            denominator: 1_000_000_000,
        },
    };
    let mut bytes = Vec::new();
    let writer = NutWriter::recording(&mut bytes, &video, Coding::Jpeg);
    let mut writer = writer.expect("memory can be written to");
    for time in [0, 33] {
        let written = writer.write(jpeg, Duration::from_millis(time));
        written.expect("memory can be written to");
    }
    bytes
}

const DECISIONS: &str = r#"{"recording":1,"source":"a","rate":[30,1],"time_base":[1,30],"model":"m","threshold":0.25}
{"source":"a","frame":0,"time":0.0,"width":8,"height":8,"detections":[{"class":"dog","score":0.5,"box":[1,2,3,4]}]}
{"frame":1,"time":0.033,"dropped":"busy"}
{"source":"a","frame":2,"time":0.066,"width":8,"height":8,"detections":[],"recorded":false}
{"recorded":{"recorded":1,"missed":1,"failure":null},"run":null}
"#;

pub(crate) fn seeds() -> Vec<Seed> {
    let (small, other) = (picture(8, 8), picture(17, 9));
    let jpeg = encoded(&small, ImageFormat::Jpeg);
    let other = encoded(&other, ImageFormat::Jpeg);
    let mut seeds = vec![
        ("y4m", "420", y4m("420jpeg", 15 + 12)),
        ("y4m", "422", y4m("422", 15 + 18)),
        ("y4m", "444alpha", y4m("444alpha", 60)),
        ("y4m", "mono", y4m("mono", 15)),
        (
            "mjpeg",
            "two",
            [&b"--mark\r\n"[..], &jpeg, b"\r\n", &other].concat(),
        ),
        ("avi", "two", avi()),
        ("nut", "two", nut()),
        ("nut", "recording", raw(&jpeg)),
        ("decisions", "all", DECISIONS.into()),
        ("picture", "jpeg", jpeg),
    ];
    let formats = [
        ("png", ImageFormat::Png),
        ("bmp", ImageFormat::Bmp),
        ("gif", ImageFormat::Gif),
        ("webp", ImageFormat::WebP),
        ("pnm", ImageFormat::Pnm),
        ("tiff", ImageFormat::Tiff),
        ("tga", ImageFormat::Tga),
    ];
    seeds.extend(formats.map(|(name, format)| ("picture", name, encoded(&small, format))));
    seeds
}
