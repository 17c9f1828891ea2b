//! The W1A3 Tinier-YOLO network: the published `verification.bin` from `input.bin`, and every
//! layer between against `vectors/test` and `vectors/dog`.

use super::files::{read, read_floats, shared, transpose, unpack};
use super::{assert_codes, assert_floats, from_layer, run, ways};
use std::path::Path;
use tincy_network::{Network, Shape, Source};

/// The layers after conv0, which start from its codes.
fn hidden() -> Option<Network> {
    let folder = shared("tinier-yolo")?;
    let network = tincy_import::finn::import(&folder).expect("the published folder is sound");
    Some(from_layer(&network, 1, Shape::new(208, 208, 16)))
}

fn map(path: &Path, channels: usize, pixel_bytes: usize) -> Vec<u8> {
    transpose(&unpack(&read(path), 3, channels, pixel_bytes), channels)
}

fn compare(input: &[u8], folder: &Path) {
    let Some(network) = hidden() else { return };
    let last = network.layers().len() - 1;
    let golden: Vec<Option<Vec<u8>>> = network.layers()[..last]
        .iter()
        .map(|layer| {
            let path = folder.join(layer.name()).with_extension("bin");
            let channels = layer.shape().channels;
            path.exists()
                .then(|| map(&path, channels, channels * 3 / 8))
        })
        .collect();
    assert!(golden.iter().flatten().count() >= 9);
    for options in ways() {
        let session = run(&network, &options, input);
        for (layer, codes) in golden.iter().enumerate() {
            if let Some(codes) = codes {
                assert_codes(&session, &network, layer, codes);
            }
        }
        let end = read_floats(&folder.join("conv8.bin"));
        assert_floats(&session, Source::Layer(last), &end, 1e-4);
    }
}

#[test]
fn published_input_gives_published_verification() {
    let (Some(folder), Some(network)) = (shared("tinier-yolo/vectors"), hidden()) else {
        return;
    };
    let input = map(&folder.join("input.bin"), 16, 8);
    let conv7 = network.find("conv7").unwrap();
    let expected = map(&folder.join("verification.bin"), 512, 192);
    for options in ways() {
        assert_codes(&run(&network, &options, &input), &network, conv7, &expected);
    }
}

#[test]
fn every_layer_from_the_published_input() {
    let Some(folder) = shared("tinier-yolo/vectors") else {
        return;
    };
    compare(&map(&folder.join("input.bin"), 16, 8), &folder.join("test"));
}

#[test]
fn every_layer_from_dogs_codes() {
    let Some(folder) = shared("tinier-yolo/vectors/dog") else {
        return;
    };
    compare(&map(&folder.join("conv0.bin"), 16, 6), &folder);
}
