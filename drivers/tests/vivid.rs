//! The kernel's own test camera, the module `vivid`: the real calls on a real device node.
//!
//! Where there is no such camera, and on most machines there is none, this says so and passes. In the
//! board in a box (`scripts/box/boot virt FOLDER`), FOLDER's `run` is
//!
//! ```text
//! modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0
//! ./vivid --test-threads=1 --nocapture
//! ```

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tincy_drivers::camera::{Camera, FourCc, Request, Video4Linux, list};
use tincy_vision::raw::Layout;
use tincy_vision::{Frame, RawFrame};

/// The part of the card's name that all its cameras have.
const VIVID: &str = "vivid";

fn has_vivid() -> bool {
    let there = Path::new("/sys/bus/platform/drivers/vivid/vivid.0").exists();
    if !there {
        eprintln!("skipped: needs the kernel module vivid");
    }
    there
}

fn request(format: FourCc, size: [u32; 2]) -> Request {
    Request {
        device: Some(VIVID.into()),
        format: Some(format),
        size: Some(size),
        rate: Some(30.0),
        ..Request::default()
    }
}

fn never() -> bool {
    false
}

#[test]
fn it_is_listed_with_what_it_offers() {
    if !has_vivid() {
        return;
    }
    let listed = list(&Video4Linux::default(), &Request::default()).unwrap();
    let vivid = listed.iter().find(|listing| {
        let identity = listing.identity.as_ref();
        identity.is_some_and(|identity| identity.driver == VIVID)
    });
    let vivid = vivid.expect("a camera of the driver vivid");
    assert!(vivid.problem.is_none(), "{:?}", vivid.problem);
    let mode = vivid.mode.unwrap();
    println!(
        "{}: {mode} of {} offers",
        vivid.node.display(),
        vivid.offers.len()
    );
    assert_eq!((mode.fourcc, mode.size), (FourCc::YUYV, [640, 480]));
    for format in [
        FourCc::YUYV,
        FourCc::UYVY,
        FourCc::NV12,
        FourCc::RGB24,
        FourCc::GREY,
    ] {
        let sizes = vivid.offers.iter().filter(|offer| offer.fourcc == format);
        assert!(sizes.count() >= 3, "{format}");
    }
}

/// A frame as RGB, by the layout that it came in.
fn rgb(format: FourCc, size: [u32; 2]) -> Frame {
    let mut camera = Camera::open(&request(format, size)).unwrap();
    let given = *camera.format();
    assert_eq!((given.fourcc, [given.width, given.height]), (format, size));
    let layout = match format {
        FourCc::YUYV => Layout::Yuyv,
        FourCc::UYVY => Layout::Uyvy,
        FourCc::NV12 => Layout::Nv12,
        FourCc::RGB24 => Layout::Rgb,
        _ => Layout::Grey,
    };
    let captured = camera.next(&never).unwrap().unwrap();
    let side = (given.width as usize, given.height as usize);
    let raw = RawFrame::new(layout, side, given.stride as usize, captured.bytes()).unwrap();
    assert!(!given.full_range || format == FourCc::RGB24, "{given:?}");
    assert!(!given.bt709, "{given:?}");
    let mut frame = Frame::default();
    raw.to_rgb(&mut frame);
    frame
}

/// The kernel draws colour bars in any format: what we make of YCbCr is what it draws as RGB.
#[test]
fn colours_are_those_that_the_kernel_draws_as_rgb() {
    if !has_vivid() {
        return;
    }
    for size in [[640, 480], [1280, 720]] {
        let exact = rgb(FourCc::RGB24, size);
        for format in [FourCc::YUYV, FourCc::UYVY, FourCc::NV12] {
            let found = rgb(format, size);
            let row = exact.stride() * (exact.height - 20); // below the text
            let mut worst = 0;
            for bar in 0..8 {
                let at = row + 3 * (exact.width * (2 * bar + 1) / 16);
                let pair = exact.pixels[at..at + 3]
                    .iter()
                    .zip(&found.pixels[at..at + 3]);
                let away = pair.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                assert!(away <= 3, "{format} bar {bar}: {away}");
                worst = worst.max(away);
            }
            println!("{format} {size:?}: within {worst} levels of the kernel's RGB");
        }
    }
}

#[test]
fn frames_are_numbered_timed_and_the_newest() {
    if !has_vivid() {
        return;
    }
    let mut camera = Camera::open(&request(FourCc::YUYV, [640, 480])).unwrap();
    let rate = camera.interval().unwrap().rate();
    assert!((rate - 30.0).abs() < 1.0, "{rate}");
    let (mut last, mut time, mut age) = (None, Duration::ZERO, Duration::ZERO);
    for _ in 0..20 {
        let captured = camera.next(&never).unwrap().unwrap();
        assert!(captured.bytes().len() >= 640 * 480 * 2);
        assert!(last.is_none_or(|last| captured.sequence() > last));
        assert!(captured.time() > time);
        (last, time) = (Some(captured.sequence()), captured.time());
        drop(captured);
        age = age.max(camera.now().abs_diff(time));
    }
    // By the same clock; an emulated machine may be seconds late.
    println!("age {age:?} at most");
    assert!(age < Duration::from_secs(5), "{age:?}");
    // Whoever is slow gets what is now: of the frames meanwhile, those in buffers are given back.
    sleep(Duration::from_millis(500));
    let captured = camera.next(&never).unwrap().unwrap();
    let number = captured.sequence();
    drop(captured);
    let counts = camera.counts();
    println!("frame {number}: {counts:?}");
    assert!(counts.late >= 2, "{counts:?}");
    assert_eq!((counts.timeouts, counts.errors, counts.losses), (0, 0, 0));
    assert_eq!(counts.delivered, 21);
}

#[test]
fn a_camera_is_one_programs_at_a_time() {
    if !has_vivid() {
        return;
    }
    let _first = Camera::open(&request(FourCc::YUYV, [640, 480])).unwrap();
    let second = Camera::open(&request(FourCc::YUYV, [640, 480]));
    let text = second.unwrap_err().to_string();
    assert!(text.contains("another program has it"), "{text}");
}

/// The driver is taken from the device and given back, as when a cable is pulled.
#[test]
fn unplugged_and_plugged_in_again_it_goes_on() {
    if !has_vivid() {
        return;
    }
    let mut camera = Camera::open(&request(FourCc::YUYV, [640, 480])).unwrap();
    let before = camera.next(&never).unwrap().unwrap().sequence();
    let write = |file: &str| {
        let path = Path::new("/sys/bus/platform/drivers/vivid").join(file);
        std::fs::write(&path, "vivid.0").unwrap();
    };
    let plug = std::thread::spawn(move || {
        sleep(Duration::from_millis(300));
        write("unbind");
        sleep(Duration::from_millis(700));
        write("bind");
    });
    let start = Instant::now();
    let tired = || start.elapsed() > Duration::from_secs(60);
    let mut number = before;
    while camera.counts().returns == 0 || camera.counts().delivered < 30 {
        let captured = camera
            .next(&tired)
            .unwrap()
            .expect("it comes back in a minute");
        assert!(captured.sequence() > number);
        number = captured.sequence();
    }
    plug.join().unwrap();
    let counts = camera.counts();
    println!(
        "after {:?} at {}: {counts:?}",
        start.elapsed(),
        camera.path().display()
    );
    assert_eq!((counts.losses, counts.returns), (1, 1));
}
