//! JPEGs one after another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy::recording::mjpeg::Mjpeg;
use tincy_fuzz::LIMIT;

fuzz_target!(|bytes: &[u8]| tincy_fuzz::play(Mjpeg::with_limit(bytes, LIMIT)));
