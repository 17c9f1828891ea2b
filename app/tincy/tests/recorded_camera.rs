//! A camera's frames through a recording: the detector gets the same pixels back.

#[path = "../../../drivers/tests/fake_camera/mod.rs"]
mod fake_camera;
mod support;

use fake_camera::{Fake, FakeSystem, Shot, Step, format};
use std::path::Path;
use std::time::Duration;
use tincy::detector::{Detector, Model};
use tincy::inputs::Input;
use tincy::live::Item;
use tincy::live::record::{Recorded, Recorder};
use tincy::model::{FitArg, ModelArgs};
use tincy::recording::decisions::Header;
use tincy::recording::{self, Rational};
use tincy_drivers::camera::{Camera, Format, FourCc, Request};
use tincy_vision::{Filter, Frame};

const SIZE: [u32; 2] = [64, 48];

/// Bytes of a frame: noise, or a JPEG of it.
fn bytes(fourcc: FourCc, least: u64, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut noise = |count: u64| -> Vec<u8> {
        let mut next = |_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(seed);
            (state >> 56) as u8
        };
        (0..count).map(&mut next).collect()
    };
    if !fourcc.is_jpeg() {
        return noise(least);
    }
    let pixels = noise(3 * 64 * 48);
    // Coarse, as a fake's buffers are small.
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 10);
    encoder
        .encode(&pixels, 64, 48, image::ExtendedColorType::Rgb8)
        .unwrap();
    jpeg.into_inner()
}

/// What a camera's format gives: numbers, times and detections when it came, and from the recording.
fn there_and_back(model: &Model, given: Format, to: &Path) -> Recorded {
    let mut fake = Fake::new("/dev/video0", "Webcam", "usb-1");
    fake.formats = vec![(given.fourcc, vec![SIZE], vec![30])];
    fake.gives = Some(given);
    let shot = |sequence: u32| Shot {
        bytes: bytes(
            given.fourcc,
            given.least_bytes(0),
            17 + 2 * u64::from(sequence),
        ),
        ..Shot::whole(sequence)
    };
    let one = |sequence| Step::Frames(vec![shot(sequence)]);
    let end = Step::Silence(Duration::from_millis(100));
    // Frame 3 is missing.
    let script = [0, 1, 2, 4, 5].map(one).into_iter().chain([end]).collect();
    let system = FakeSystem::new(vec![fake], script);
    let mut camera = Camera::open_on(system.clone(), &Request::default()).unwrap();

    let filter = Filter {
        threshold: 0.02,
        ..Filter::default()
    };
    let mut detector = Detector::new(model, filter);
    let rate = Rational::new(30, 1).unwrap();
    let header = Header::new("/dev/video0".into(), rate, rate.inverse());
    let mut recorder = Recorder::start(to.into(), &header, || {}).unwrap();
    let (mut item, mut live) = (Item::default(), Vec::new());
    while let Some(captured) = camera.next(&|| system.is_over()).unwrap() {
        item.picture.take(&captured);
        item.jpeg.clear();
        if given.fourcc.is_jpeg() {
            item.jpeg.extend(captured.bytes());
        }
        (item.sequence, item.time) = (captured.sequence(), captured.time());
        item.size = (64, 48);
        drop(captured);
        let found = match item.picture.raw().unwrap() {
            Some(raw) => detector.detect_raw(&raw),
            None => {
                item.picture.to_rgb(&mut item.shot.frame).unwrap();
                detector.detect(&item.shot.frame)
            }
        };
        live.push((item.sequence, item.time, found.unwrap()));
        let (frame, time) = (item.sequence, item.time.as_secs_f64());
        let line = format!("{{\"frame\":{frame},\"time\":{time},\"detections\":[]}}");
        recorder.add(&mut item, line);
    }
    let recorded = recorder.finish(&()).unwrap();
    assert_eq!(
        live.iter().map(|frame| frame.0).collect::<Vec<_>>(),
        [0, 1, 2, 4, 5]
    );
    assert!(
        live.iter().any(|frame| !frame.2.is_empty()),
        "something is found"
    );

    let mut reader = recording::open(&Input::file(to)).unwrap();
    assert_eq!(reader.source(), Some("/dev/video0"));
    let (mut frame, mut read) = (Frame::default(), Vec::new());
    while reader.next(&mut frame).unwrap() {
        let found = detector.detect(&frame).unwrap();
        read.push((frame.sequence, frame.time.unwrap(), found));
    }
    assert_eq!(reader.complaints(), Vec::<String>::new());
    assert_eq!(read, live, "{given}");
    recorded
}

#[test]
fn every_format_of_a_camera_is_detected_in_again_as_it_was() {
    let Some(path) = support::small_model() else {
        return;
    };
    let network = ModelArgs {
        model: Some(path),
        names: None,
        fit: FitArg::Model,
    };
    let model = Model::new(network.open().unwrap(), &Default::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a.nut");
    let own = |fourcc| format(fourcc, SIZE);
    let formats = [
        own(FourCc::YUYV),
        own(FourCc::UYVY),
        own(FourCc::NV12),
        own(FourCc::RGB24),
        own(FourCc::GREY),
        own(FourCc::MJPEG),
        // Rows with gaps, and other colours.
        Format {
            stride: 160,
            bt709: true,
            ..own(FourCc::YUYV)
        },
        Format {
            stride: 80,
            full_range: true,
            ..own(FourCc::NV12)
        },
    ];
    for given in formats {
        let recorded = there_and_back(&model, given, &to);
        let expected = Recorded {
            recorded: 5,
            ..Recorded::default()
        };
        assert_eq!(recorded, expected, "{given}");
        if support::has_ffmpeg() {
            assert_eq!(
                support::count_frames(&to),
                5,
                "{given}: players read it too"
            );
        }
    }
}
