//! The kernel's own test camera, the module `vivid`: the real calls on real device nodes.
//!
//! Where there is no such camera, and on most machines there is none, this says so and passes. In the
//! board in a box (`scripts/box/boot virt FOLDER`), FOLDER's `run` is
//!
//! ```text
//! modprobe box_heap
//! modprobe vivid n_devs=3 node_types=0x1,0x1,0x1 num_inputs=1,1,1 input_types=0,0,0 \
//!     multiplanar=1,2,2 allocators=0,0,1
//! ./vivid --test-threads=1 --nocapture
//! ```
//!
//! The first camera has the single-planar interface, the others the multi-planar one; the buffers of the
//! third are in one piece of physical memory, as those of hardware without an IOMMU are.

mod alike;
mod heaps;

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tincy_drivers::camera::{Camera, Format, FourCc, Memory, Request, Video4Linux, list};
use tincy_vision::raw::Layout;
use tincy_vision::{Frame, RawFrame};

/// Vivid's cameras, by the part of their bus that tells them apart.
const SINGLE: &str = "vivid-000";
const MULTI: &str = "vivid-001";
const CONTIGUOUS: &str = "vivid-002";

fn has(device: &str) -> bool {
    let loaded = std::fs::read_to_string("/sys/module/vivid/parameters/n_devs");
    let loaded: u32 = loaded.map_or(0, |number| number.trim().parse().unwrap());
    let number: u32 = device.rsplit('-').next().unwrap().parse().unwrap();
    if number >= loaded {
        eprintln!("skipped: needs the kernel module vivid with {device}");
    }
    number < loaded
}

/// Those that there are.
fn those(devices: &[&'static str]) -> Vec<&'static str> {
    devices
        .iter()
        .copied()
        .filter(|device| has(device))
        .collect()
}

/// Takes the driver from all devices, as when their hub is pulled, or gives it back.
fn driver(act: &str) {
    let file = Path::new("/sys/bus/platform/drivers/vivid").join(act);
    std::fs::write(file, "vivid.0").unwrap();
}

fn request(device: &str, format: FourCc, size: [u32; 2]) -> Request {
    Request {
        device: Some(device.into()),
        format: Some(format),
        size: Some(size),
        rate: Some(30.0),
        ..Request::default()
    }
}

fn never() -> bool {
    false
}

/// A frame's bytes and how to read them; planes that lie apart are joined.
fn frame(request: &Request) -> (Format, Vec<u8>) {
    let mut camera = Camera::open(request).unwrap();
    let captured = camera.next(&never).unwrap().unwrap();
    let mut bytes = Vec::new();
    captured.copy_to(&mut bytes);
    (*captured.format(), bytes)
}

#[test]
fn they_are_listed_with_what_they_offer() {
    for device in those(&[SINGLE, MULTI]) {
        let listed = list(&Video4Linux::default(), &Request::default()).unwrap();
        let vivid = listed.iter().find(|listing| {
            let identity = listing.identity.as_ref();
            identity.is_some_and(|identity| identity.bus.ends_with(device))
        });
        let vivid = vivid.expect("a camera of the driver vivid");
        assert!(vivid.problem.is_none(), "{:?}", vivid.problem);
        let mode = vivid.mode.unwrap();
        let offers = vivid.offers.len();
        println!("{}: {mode} of {offers} offers", vivid.node.display());
        assert_eq!((mode.fourcc, mode.size), (FourCc::YUYV, [640, 480]));
        let sizes = |format| {
            let offers = vivid.offers.iter().filter(|offer| offer.fourcc == format);
            offers.count()
        };
        for format in alike::FORMATS {
            assert!(sizes(format) >= 3, "{format}");
        }
        assert_eq!(sizes(FourCc::NV12M) >= 3, device == MULTI);
    }
}

/// A frame as RGB, by the layout that it came in.
fn rgb(format: FourCc, size: [u32; 2]) -> Frame {
    let (given, bytes) = frame(&request(SINGLE, format, size));
    assert_eq!((given.fourcc, [given.width, given.height]), (format, size));
    let layout = match format {
        FourCc::YUYV => Layout::Yuyv,
        FourCc::UYVY => Layout::Uyvy,
        FourCc::NV12 => Layout::Nv12,
        FourCc::RGB24 => Layout::Rgb,
        _ => Layout::Grey,
    };
    let side = (given.width as usize, given.height as usize);
    let raw = RawFrame::new(layout, side, given.stride as usize, &bytes).unwrap();
    assert!(!given.full_range || format == FourCc::RGB24, "{given:?}");
    assert!(!given.bt709, "{given:?}");
    let mut frame = Frame::default();
    raw.to_rgb(&mut frame);
    frame
}

/// The kernel draws colour bars in any format: what we make of YCbCr is what it draws as RGB.
#[test]
fn colours_are_those_that_the_kernel_draws_as_rgb() {
    if !has(SINGLE) {
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
    for device in those(&[SINGLE, MULTI]) {
        let mut camera = Camera::open(&request(device, FourCc::YUYV, [640, 480])).unwrap();
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
        println!("{device}: age {age:?} at most");
        assert!(age < Duration::from_secs(5), "{age:?}");
        // Whoever is slow gets what is now: of the frames meanwhile, those in buffers are given back.
        sleep(Duration::from_millis(500));
        let captured = camera.next(&never).unwrap().unwrap();
        let number = captured.sequence();
        drop(captured);
        let counts = camera.counts();
        println!("{device}: frame {number}: {counts:?}");
        assert!(counts.late >= 2, "{counts:?}");
        assert_eq!((counts.timeouts, counts.errors, counts.losses), (0, 0, 0));
        assert_eq!(counts.delivered, 21);
    }
}

#[test]
fn a_camera_is_one_programs_at_a_time() {
    for device in those(&[SINGLE, MULTI]) {
        let request = request(device, FourCc::YUYV, [640, 480]);
        let _first = Camera::open(&request).unwrap();
        let text = Camera::open(&request).unwrap_err().to_string();
        assert!(text.contains("another program has it"), "{text}");
    }
}

#[test]
fn unplugged_and_plugged_in_again_they_go_on() {
    for device in those(&[SINGLE, MULTI]) {
        let mut wanted = request(device, FourCc::YUYV, [640, 480]);
        if device == MULTI && heaps::are_there() {
            wanted.memory = Memory::Heap(None);
        }
        unplug(device, &wanted);
    }
}

/// Unplugs a camera while it streams, and plugs it in again.
fn unplug(device: &str, request: &Request) {
    let mut camera = Camera::open(request).unwrap();
    let place = camera.path().to_path_buf();
    let before = camera.next(&never).unwrap().unwrap().sequence();
    let plug = std::thread::spawn(move || {
        sleep(Duration::from_millis(300));
        driver("unbind");
        sleep(Duration::from_millis(700));
        driver("bind");
    });
    let start = Instant::now();
    let tired = || start.elapsed() > Duration::from_secs(60);
    let mut number = before;
    while camera.counts().returns == 0 || camera.counts().delivered < 30 {
        let captured = camera.next(&tired).unwrap();
        let captured = captured.expect("it comes back in a minute");
        assert!(captured.sequence() > number);
        number = captured.sequence();
    }
    plug.join().unwrap();
    let (counts, after) = (camera.counts(), start.elapsed());
    println!(
        "{device}: after {after:?} at {}: {counts:?}",
        camera.path().display()
    );
    assert_eq!((counts.losses, counts.returns), (1, 1));
    // Not one that is alike and was there first.
    assert_eq!(camera.path(), place);
}
