//! Tinier-YOLO's ten passes on the emulated W1A3 core, held to the published vectors and to the
//! engine, bit for bit.
//!
//! The published network looks at the transposed picture. Imported, it looks at the picture; so the
//! maps are transposed here, and the driver's weights are other ones than those in the files.

mod shared;

use shared::{emulated, read, shared, transpose, unpack};
use std::path::Path;
use tincy_bitstreams::overlay::Overlay;

use tincy_drivers::accelerator::qnn_mo::{Polling, Program};
use tincy_network::Network;

/// Convolutions, each with the layer that ends its stage, and its passes.
const STAGES: [(&str, &str, usize); 7] = [
    ("conv1", "pool1", 1),
    ("conv2", "pool2", 1),
    ("conv3", "pool3", 1),
    ("conv4", "pool4", 1),
    ("conv5", "pool5", 2),
    ("conv6", "conv6", 2),
    ("conv7", "conv7", 2),
];

fn overlay() -> Overlay {
    let [w1a3, _] = Overlay::published();
    w1a3
}

fn network() -> Option<Network> {
    let folder = shared("tinier-yolo")?;
    Some(tincy_import::finn::import(&folder).expect("the published folder is sound"))
}

fn map(path: &Path, channels: usize, pixel_bytes: usize) -> Vec<u8> {
    transpose(&unpack(&read(path), 3, channels, pixel_bytes), channels)
}

/// The layers from `first` to `last` by name.
fn program(network: &Network, first: &str, last: &str) -> Program {
    let number = |name| network.find(name).expect("a layer of this name");
    Program::new(network, number(first)..number(last) + 1, &overlay()).expect("the core runs them")
}

/// What the driver makes of a map.
fn run(program: Program, input: &[u8]) -> Vec<u8> {
    let mut output = vec![0xee; program.output().elements()];
    let (mut driver, core) = emulated(&overlay(), program, Polling::default());
    driver
        .run(input, &mut output)
        .expect("a core without faults");
    assert_eq!(core.complaints(), Vec::<String>::new());
    output
}

/// Panics if maps differ.
fn assert_same(what: &str, found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let wrong = found.iter().zip(expected).filter(|(a, b)| a != b).count();
    assert_eq!(wrong, 0, "{what}: codes that differ");
}

#[test]
fn each_stage_gives_its_golden_map() {
    let (Some(network), Some(folder)) = (network(), shared("tinier-yolo/vectors")) else {
        return;
    };
    let mut input = map(&folder.join("input.bin"), 16, 8);
    for (first, last, passes) in STAGES {
        let program = program(&network, first, last);
        assert_eq!(program.passes(), passes);
        let channels = program.output().channels;
        let path = folder.join("test").join(last).with_extension("bin");
        let expected = map(&path, channels, channels * 3 / 8);
        assert_same(last, &run(program, &input), &expected);
        input = expected;
    }
    assert_same(
        "verification.bin",
        &input,
        &map(&folder.join("verification.bin"), 512, 192),
    );
}

#[test]
fn all_ten_passes_in_a_row_give_the_published_verification() {
    let (Some(network), Some(folder)) = (network(), shared("tinier-yolo/vectors")) else {
        return;
    };
    let program = program(&network, "conv1", "conv7");
    assert_eq!(program.passes(), 10);
    // What the notes say is enough: one large map, two small ones, the weights of ten passes.
    assert!(program.bytes() < 12_500_000, "{}", program.bytes());
    let output = run(program, &map(&folder.join("input.bin"), 16, 8));
    assert_same(
        "conv7",
        &output,
        &map(&folder.join("verification.bin"), 512, 192),
    );
}
