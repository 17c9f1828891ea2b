//! DoReFa-Net's hidden layers: the published `verification.bin` from `input.bin`, and every layer
//! between.

use super::files::{read, shared, unpack};
use super::{assert_codes, run, ways};
use std::path::Path;

fn map(path: &Path, channels: usize, pixel_bytes: usize) -> Vec<u8> {
    unpack(&read(path), 2, channels, pixel_bytes)
}

#[test]
fn every_layer_from_the_published_input() {
    let Some(folder) = shared("dorefanet") else {
        return;
    };
    let network = tincy_import::finn::import(&folder).expect("the published folder is sound");
    let vectors = folder.join("vectors");
    let mut input = map(&vectors.join("input.bin"), 68, 96);
    input.truncate(network.input().shape.elements());
    let last = network.layers().len() - 1;
    let published = map(&vectors.join("verification.bin"), 256, 96);
    for options in ways() {
        let session = run(&network, &options, &input);
        let mut compared = 0;
        for (index, layer) in network.layers().iter().enumerate() {
            let path = vectors
                .join("test")
                .join(layer.name())
                .with_extension("bin");
            if path.exists() {
                let channels = layer.shape().channels;
                let expected = map(&path, channels, channels.div_ceil(4));
                assert_codes(&session, &network, index, &expected);
                compared += 1;
            }
        }
        assert_eq!(compared, 14);
        assert_codes(&session, &network, last, &published);
    }
}
