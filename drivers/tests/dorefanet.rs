//! DoReFa-Net's passes on the emulated W1A2 core, held to the published vectors.
//!
//! Cutting and joining its halves is the CPU's business; each chain between them is a program.

mod shared;

use shared::{emulated, read, shared, unpack};
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::accelerator::qnn_mo::weights::Layout;
use tincy_drivers::accelerator::qnn_mo::{Polling, Program};
use tincy_network::Shape;

/// Chains, by their first and last layer; the map that each begins with, and its first channel.
const CHAINS: [(&str, &str, &str, usize); 5] = [
    ("conv1-0", "pool1-0", "", 0),
    ("conv1-1", "pool1-1", "", 34),
    ("conv2", "pool2", "merge1", 0),
    ("conv3-0", "pool4-0", "pool2", 0),
    ("conv3-1", "pool4-1", "pool2", 136),
];

/// `count` channels from `start` on of a map of `all`.
fn slice(map: &[u8], all: usize, start: usize, count: usize) -> Vec<u8> {
    let pixels = map.chunks_exact(all);
    pixels
        .flat_map(|pixel| pixel[start..][..count].to_vec())
        .collect()
}

/// The channels of two maps, pixel by pixel.
fn join(a: &[u8], b: &[u8], channels: usize) -> Vec<u8> {
    let pixels = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    pixels.flat_map(|(a, b)| [a, b].concat()).collect()
}

#[test]
fn every_chain_gives_its_golden_map() {
    let Some(folder) = shared("dorefanet") else {
        return;
    };
    let network = tincy_import::finn::import(&folder).expect("the published folder is sound");
    let [_, overlay] = Overlay::published();
    assert_eq!(
        [3, 5].map(|k| Layout::new(&overlay, k).bytes()),
        [84_480, 231_936]
    );
    let vectors = folder.join("vectors");
    let golden = |name: &str, channels: usize| {
        let path = vectors.join("test").join(name).with_extension("bin");
        unpack(&read(&path), 2, channels, channels.div_ceil(4))
    };
    let mut first = unpack(&read(&vectors.join("input.bin")), 2, 68, 96);
    first.truncate(Shape::new(54, 54, 68).elements());
    let mut ends = Vec::new();
    for (begin, end, source, start) in CHAINS {
        let number = |name| network.find(name).expect("a layer of this name");
        let layers = number(begin)..number(end) + 1;
        let program = Program::new(&network, layers, &overlay).expect("the core runs them");
        let (whole, all) = match source {
            "" => (first.clone(), 68),
            "merge1" => (
                join(&golden("pool1-0", 90), &golden("pool1-1", 90), 90),
                180,
            ),
            _ => (golden(source, 272), 272),
        };
        let input = slice(&whole, all, start, program.input().channels);
        let channels = program.output().channels;
        let mut output = vec![0xee; program.output().elements()];
        let (mut driver, core) = emulated(&overlay, program, Polling::default());
        driver
            .run(&input, &mut output)
            .expect("a core without faults");
        assert_eq!(core.complaints(), Vec::<String>::new());
        assert!(output == golden(end, channels), "{end}: codes differ");
        ends.push(output);
    }
    let [.., a, b] = &ends[..] else {
        unreachable!()
    };
    let published = unpack(&read(&vectors.join("verification.bin")), 2, 256, 96);
    assert!(
        join(a, b, 128) == published,
        "verification.bin: codes differ"
    );
}
