//! AVI files of JPEGs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy::recording::avi::Avi;
use tincy_fuzz::{LIMIT, play, said};

fuzz_target!(|bytes: &[u8]| {
    if let Some(Some(avi)) = said(Avi::with_limit(bytes, LIMIT)) {
        play(Ok(avi));
    }
});
