//! Darknet weights, of a network with each kind of layer that has some.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tincy_fuzz::said;
use tincy_import::darknet;

const CFG: &str = include_str!("../../seeds/cfg/small.cfg");

fuzz_target!(|bytes: &[u8]| {
    for name in ["fuzz.weights", "fuzz.conv.2"] {
        let cfg = (Path::new("fuzz.cfg"), CFG);
        let weights = (Path::new(name), bytes.to_vec());
        said(darknet::read(cfg, weights, None, Default::default()));
    }
});
