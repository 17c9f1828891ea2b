//! NUT, in which ffmpeg hands over frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy::recording::nut::NutReader;
use tincy_fuzz::said;

fuzz_target!(|bytes: &[u8]| {
    let Some(mut reader) = said(NutReader::new(bytes)) else {
        return;
    };
    let mut pixels = Vec::new();
    while let Some(Some(_)) = said(reader.next(&mut pixels)) {}
});
