//! Frames are the same bytes by either of the kernel's interfaces.

use super::{CONTIGUOUS, MULTI, SINGLE, frame, has, request};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tincy_drivers::camera::kernel::{Identity, Node, Part, System};
use tincy_drivers::camera::{Format, FourCc, Request, Video4Linux, list};
use v4l::control::{Control, Value};

/// Formats in one plane of memory.
pub(crate) const FORMATS: [FourCc; 5] = [
    FourCc::YUYV,
    FourCc::UYVY,
    FourCc::NV12,
    FourCc::RGB24,
    FourCc::GREY,
];

/// The node of a camera.
pub(crate) fn node(device: &str) -> PathBuf {
    let listed = list(&Video4Linux::default(), &Request::default()).unwrap();
    let is_it = |identity: &Identity| identity.bus.ends_with(device);
    let found = listed
        .into_iter()
        .find(|listing| listing.identity.as_ref().is_some_and(is_it));
    found.unwrap().node
}

/// Takes the running text off the picture, which is then always the same.
pub(crate) fn still(node: &Path) {
    let device = v4l::Device::with_path(node).unwrap();
    let controls = device.query_controls().unwrap();
    let text = controls
        .iter()
        .find(|control| control.name == "OSD Text Mode");
    let off = Control {
        id: text.unwrap().id,
        value: Value::Integer(2),
    };
    device.set_control(off).unwrap();
}

#[test]
fn pictures_are_the_same_by_either_interface() {
    if ![SINGLE, MULTI, CONTIGUOUS].into_iter().all(has) {
        return;
    }
    for device in [SINGLE, MULTI, CONTIGUOUS] {
        still(&node(device));
    }
    for format in FORMATS {
        let single = picture(SINGLE, format, [640, 480]);
        assert!(picture(MULTI, format, [640, 480]) == single, "{format}");
        println!("{format}: {} bytes alike", single.1.len());
    }
    // One plane of memory or two, mapped from pages or from one piece.
    let size = [320, 180];
    let single = picture(SINGLE, FourCc::NV12, size);
    for device in [MULTI, CONTIGUOUS] {
        assert!(picture(device, FourCc::NV12, size) == single, "{device}");
        let (format, bytes) = picture(device, FourCc::NV12M, size);
        assert_eq!((format.planes, format.chroma_stride), (2, size[0]));
        assert!(bytes == single.1, "NV12M of {device}");
    }
}

/// A picture of bars, as one piece of bytes.
fn picture(device: &str, format: FourCc, size: [u32; 2]) -> (Format, Vec<u8>) {
    let (given, bytes) = frame(&request(device, format, size));
    assert_eq!((given.fourcc, [given.width, given.height]), (format, size));
    let luma = given.least_bytes(0) as usize;
    assert!(bytes.len() >= luma);
    let levels: BTreeSet<_> = bytes[..luma].iter().collect();
    assert!(levels.len() > 1, "{format}: a picture of colour bars");
    (given, bytes)
}

/// What the driver says of each plane is read: vivid puts 128 bytes before the first plane of NV16M, a
/// format that is not used otherwise, and counts them as used.
#[test]
fn data_begins_where_the_driver_says() {
    if !has(MULTI) {
        return;
    }
    let mut node = Video4Linux::default().open(&node(MULTI)).unwrap();
    let format = node.set_format(FourCc(*b"NM16"), [640, 480]).unwrap();
    assert_eq!(format.planes, 2);
    let buffers = node.request_buffers(2, None).unwrap();
    for index in 0..buffers {
        node.map(index).unwrap();
        node.queue(index).unwrap();
    }
    node.start().unwrap();
    while !node.wait(Duration::from_secs(5)).unwrap() {}
    let filled = node.dequeue().unwrap().unwrap();
    let part = |start, end| Part { start, end };
    let picture = 640 * 480;
    assert_eq!(filled.parts, [part(128, 128 + picture), part(0, picture)]);
    for (plane, part) in filled.parts.iter().enumerate() {
        assert!(node.memory(filled.index, plane).len() >= part.end as usize);
    }
    // Not the program's: queued, or not there.
    let queued = (0..buffers).find(|index| *index != filled.index).unwrap();
    assert!(node.memory(queued, 0).is_empty());
    assert!(node.memory(filled.index, 2).is_empty());
}
