//! Descriptions of devices, as users write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy_bitstreams::{device, points};
use tincy_fuzz::{put, said};

fuzz_target!(|bytes: &[u8]| {
    let path = put("fuzz.json", bytes);
    said(device::from_file(&path));
    said(points::read(&path));
});
