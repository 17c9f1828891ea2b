//! Model files of our own, byte by byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy_fuzz::said;
use tincy_network::file;

fuzz_target!(|bytes: &[u8]| {
    if let Some(network) = said(file::read(bytes, "fuzz.tincy")) {
        let again = file::to_bytes(&network);
        file::read(&again, "again.tincy").expect("what was read can be written and read");
    }
});
