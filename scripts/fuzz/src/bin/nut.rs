//! NUT, in which ffmpeg hands over frames and raw recordings are kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy::recording::nut::NutReader;
use tincy::recording::raw::Raw;
use tincy_fuzz::{LIMIT, play, said};

fuzz_target!(|bytes: &[u8]| {
    if let Some(frames) = said(NutReader::new(bytes)) {
        play(Ok(Raw::with_limit(frames, None, LIMIT)));
    }
});
