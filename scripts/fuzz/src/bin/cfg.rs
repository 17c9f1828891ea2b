//! Darknet cfgs, with weights of zeros that are as long as the cfg wants them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tincy_fuzz::said;
use tincy_import::{Error, darknet};
use tincy_network::Network;

/// Floats that a cfg may ask for.
const MOST: usize = 1 << 12;

/// What follows the header is zero, which is a number.
fn import(text: &str, bytes: usize) -> Result<Network, Error> {
    let cfg = (Path::new("fuzz.cfg"), text);
    let weights = (Path::new("fuzz.weights"), vec![0; bytes]);
    darknet::read(cfg, weights, None, Default::default())
}

/// The length that the message on surplus weights wants.
fn expected(error: &str) -> Option<usize> {
    let (_, rest) = error.split_once("after the last layer: ")?;
    rest.split_once(' ')?.0.parse().ok()
}

fuzz_target!(|text: &str| {
    let first = import(text, 16 + 4 * MOST);
    if let Err(error) = &first
        && let Some(length) = expected(&error.to_string())
    {
        said(import(text, length));
    }
    said(first);
});
