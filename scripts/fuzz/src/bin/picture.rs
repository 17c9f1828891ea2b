//! Picture files of every format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tincy_dataset::picture;
use tincy_fuzz::{LIMIT, said};

fuzz_target!(|bytes: &[u8]| {
    // By its name, what is nothing else is TGA.
    let decoded = picture::decode(bytes, Path::new("fuzz.tga"), LIMIT, &mut |_| ());
    if let Some(frame) = said(decoded) {
        assert_eq!(frame.pixels.len(), 3 * frame.width * frame.height);
    }
});
