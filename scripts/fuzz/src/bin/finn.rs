//! FINN parameter folders: files of one folder, one after the other with a mark between.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincy_fuzz::{cut, folder, put, said};
use tincy_import::finn;

/// The files of a detector of QNN-MO with one hidden layer.
const FILES: [&str; 10] = [
    "n-layers.json",
    "n-overlay.json",
    "n.cfg",
    "n.names",
    "binparam/0-0-weights.bin",
    "binparam/0-0-thres.bin",
    "n-conv0-W.npy",
    "n-conv0-bias.npy",
    "n-conv2-W.npy",
    "n-conv2-bias.npy",
];

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    for file in FILES {
        let (content, after) = cut(rest, b"\n==\n");
        put(file, content);
        rest = after;
    }
    said(finn::import(folder()));
});
