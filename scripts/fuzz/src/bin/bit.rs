//! Bitstreams, and the overlays that name them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tincy_bitstreams::device;
use tincy_drivers::Roots;
use tincy_drivers::fpga::Bitstream;
use tincy_drivers::fpga::overlay::Design;
use tincy_fuzz::{folder, put, said};

fuzz_target!(|bytes: &[u8]| {
    if let Some(bitstream) = said(Bitstream::parse(Path::new("fuzz.bit"), bytes)) {
        for device in device::known() {
            said(bitstream.check(&device));
        }
        assert_eq!(bitstream.swapped().len(), bitstream.bytes());
    }
    // The magic number of device trees.
    if bytes.starts_with(&[0xd0, 0x0d, 0xfe, 0xed]) {
        said(Design::read(
            &put("fuzz.dtbo", bytes),
            &Roots::under(folder()),
        ));
    }
});
