//! Uncompressed recordings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy::recording::y4m::Y4m;

fuzz_target!(|bytes: &[u8]| tincy_fuzz::play(Y4m::new(bytes)));
