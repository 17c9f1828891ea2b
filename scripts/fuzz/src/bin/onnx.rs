//! ONNX files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tincy_fuzz::said;

fuzz_target!(|bytes: &[u8]| {
    said(tincy_import::onnx::read(
        bytes,
        Path::new("fuzz.onnx"),
        Default::default(),
    ));
});
