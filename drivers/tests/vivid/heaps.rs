//! Buffers of a dma-heap, which the camera's driver is given.

use super::alike::{node, still};
use super::{CONTIGUOUS, MULTI, SINGLE, frame, has, never, request, those};
use std::path::Path;
use tincy_drivers::camera::{Camera, FourCc, Memory, Request};

pub(crate) fn are_there() -> bool {
    let there = Path::new("/dev/dma_heap/system").exists();
    if !there {
        eprintln!("skipped: needs /dev/dma_heap/system");
    }
    there
}

fn of_heap(request: Request, name: Option<&str>) -> Request {
    Request {
        memory: Memory::Heap(name.map(String::from)),
        ..request
    }
}

#[test]
fn pictures_are_the_same_in_memory_of_a_heap() {
    if !are_there() {
        return;
    }
    for device in those(&[SINGLE, MULTI]) {
        still(&node(device));
        for format in [FourCc::YUYV, FourCc::NV12, FourCc::NV12M] {
            if format == FourCc::NV12M && device == SINGLE {
                continue;
            }
            let request = request(device, format, [640, 480]);
            let own = frame(&request);
            let heaps = frame(&of_heap(request, Some("system")));
            assert!(own == heaps, "{format} of {device} differs");
            println!("{device} {format}: {} bytes alike", own.1.len());
        }
    }
}

/// A buffer is filled again and again, by another frame each time.
#[test]
fn buffers_of_a_heap_go_round() {
    if !are_there() {
        return;
    }
    for device in those(&[SINGLE, MULTI]) {
        let format = match device {
            MULTI => FourCc::NV12M,
            _ => FourCc::YUYV,
        };
        let request = of_heap(request(device, format, [640, 480]), None);
        let mut camera = Camera::open(&request).unwrap();
        for _ in 0..15 {
            let captured = camera.next(&never).unwrap().unwrap();
            assert!(captured.bytes().len() as u64 >= captured.format().least_bytes(0));
        }
        let counts = camera.counts();
        println!("{device}: {counts:?}");
        assert_eq!(
            (counts.delivered, counts.errors, counts.restarts),
            (15, 0, 0)
        );
    }
}

#[test]
fn a_heap_that_does_not_serve_is_named() {
    if !are_there() || !has(SINGLE) {
        return;
    }
    let request = |device| request(device, FourCc::YUYV, [1920, 1080]);
    let absent = Camera::open(&of_heap(request(SINGLE), Some("fast")));
    let text = absent.unwrap_err().to_string();
    assert_eq!(
        text,
        "no dma-heap named fast: there are system; name one of them"
    );
    if !has(CONTIGUOUS) {
        return;
    }
    // Memory in one piece is wanted, the heap gives what there is.
    match Camera::open(&of_heap(request(CONTIGUOUS), Some("system"))) {
        Ok(_) => println!("{CONTIGUOUS}: the heap's memory happens to be in one piece"),
        Err(error) => {
            let text = error.to_string();
            println!("{text}");
            assert!(
                text.contains("it does not start on buffers of the heap system: Bad address")
                    && text.ends_with("or leave --buffers out"),
                "{text}"
            );
        }
    }
}
