//! Tinier-YOLO's ten passes on the emulated W1A3 core, held to the published vectors and to the
//! engine, bit for bit.
//!
//! The published network looks at the transposed picture. Imported, it looks at the picture; so the
//! maps are transposed here, and the driver's weights are other ones than those in the files.

mod shared;

use shared::{emulated, read, shared, transpose, unpack};
use std::path::Path;
use tincy_bitstreams::overlay::Overlay;

use tincy_drivers::accelerator::qnn_mo::weights::{self, Layout};
use tincy_drivers::accelerator::qnn_mo::{Polling, Program};
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Options, Plan, Session};
use tincy_network::{Builder, Input, Network, Source};

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
fn the_longest_chain_is_that_of_the_hidden_layers() {
    let Some(network) = network() else { return };
    let number = |name| network.find(name).expect("a layer of this name");
    let hidden = number("conv1")..number("conv7") + 1;
    let [w1a3, w1a2] = Overlay::published();
    assert_eq!(Program::longest(&network, &w1a3), Some(hidden));
    assert_eq!(Program::longest(&network, &w1a2), None);
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

/// The hidden layers as a network of their own, on the codes of conv0.
fn hidden(network: &Network) -> Network {
    let first = network.find("conv1").expect("a layer of this name");
    let last = network.find("conv7").expect("a layer of this name");
    let (shape, number) = network.tensor(Source::Layer(first - 1));
    let input = Input {
        shape,
        number,
        picture: None,
    };
    let mut hidden = Builder::new("hidden", input).unwrap();
    let mut source = Source::Input;
    for layer in &network.layers()[first..=last] {
        source = hidden
            .layer(layer.name(), layer.op().clone(), &[source])
            .unwrap();
    }
    hidden.build().unwrap()
}

#[test]
fn driver_and_engine_agree_on_every_stage_from_dogs_codes() {
    let (Some(network), Some(folder)) = (network(), shared("tinier-yolo/vectors/dog")) else {
        return;
    };
    let hidden = hidden(&network);
    let input = map(&folder.join("conv0.bin"), 16, 6);
    let options = Options {
        keep_all: true,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(&hidden, &options).unwrap());
    match session.input_mut() {
        TensorMut::U8(codes) => codes.copy_from_slice(&input),
        other => panic!("the network reads {other:?}"),
    }
    session.run();
    let mut codes = input;
    for (first, last, _) in STAGES {
        let found = run(program(&network, first, last), &codes);
        let source = Source::Layer(hidden.find(last).expect("a layer of this name"));
        let engine = session
            .output(source)
            .expect("all maps are kept")
            .unsigned();
        assert_same(last, &found, engine);
        codes = found;
    }
}

/// A published file of parameters as words.
fn words(folder: &Path, set: usize, element: usize, kind: &str) -> Vec<u64> {
    let path = folder.join(format!(
        "binparam-tinier-yolo-nopool/{set}-{element}-{kind}.bin"
    ));
    let bytes = read(&path);
    let words = bytes.chunks_exact(8);
    words
        .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// One element's part of the buffers that the driver packs, cut to what its files hold.
fn packed<'a>(buffers: &'a [Vec<u64>], layout: &Layout, element: usize) -> (&'a [u64], &'a [u64]) {
    let half = layout.elements_a_port();
    let buffer = &buffers[element / half];
    let steps = layout.rows * layout.threshold_words;
    let weights = &buffer[element % half * layout.weight_words..][..layout.weight_words];
    let thresholds = &buffer[half * layout.weight_words + element % half * steps..][..steps];
    (weights, thresholds)
}

#[test]
fn packed_buffers_are_the_published_files_transposed() {
    let (Some(network), Some(folder)) = (network(), shared("tinier-yolo")) else {
        return;
    };
    let layout = Layout::new(&overlay(), 3);
    assert_eq!(layout.bytes(), 75_776);
    let mut set = 1;
    for (first, _, passes) in STAGES {
        let layer = &network.layers()[network.find(first).unwrap()];
        let convolution = layer.convolution().unwrap();
        let inputs = network.tensor(layer.inputs()[0]).0.channels;
        let blocks = inputs.div_ceil(64);
        let most = convolution.out_channels / passes;
        for start in (0..convolution.out_channels).step_by(most) {
            let buffers = weights::pack(convolution, inputs, start..start + most, &layout);
            for element in 0..32 {
                let (weights, thresholds) = packed(&buffers, &layout, element);
                let published = words(&folder, set, element, "weights");
                for (index, word) in published.iter().enumerate() {
                    let (block, position) = (index % blocks, index / blocks % 9);
                    let turned = position % 3 * 3 + position / 3;
                    let row = index / (9 * blocks);
                    assert_eq!(weights[(row * 9 + turned) * blocks + block], *word);
                }
                assert!(weights[published.len()..].iter().all(|word| *word == 0));
                let published = words(&folder, set, element, "thres");
                assert_eq!(thresholds[..published.len()], published);
            }
            set += 1;
        }
    }
    assert_eq!(set, 11);
}
