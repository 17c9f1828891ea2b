//! The W1A4 Tiny-YOLO network, low-bit from the first layer to the last.

use super::files::{read, shared, unpack};
use super::{assert_codes, assert_floats, from_layer, run, ways};
use tincy_network::{Finish, Network, Shape, Source};

/// What the last layer makes of its sums.
fn finished(network: &Network, sums: &[u8]) -> Vec<f32> {
    let last = network
        .layers()
        .last()
        .and_then(|layer| layer.convolution())
        .unwrap();
    let Finish::Affine(affine) = &last.finish else {
        panic!("the last layer gives floats");
    };
    let sums = sums
        .chunks_exact(4)
        .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let finish = |(i, sum): (usize, i32)| {
        let channel = i % last.out_channels;
        sum as f32 * affine.scale[channel] + affine.bias[channel]
    };
    sums.enumerate().map(finish).collect()
}

fn compare(set: &str, side: usize) {
    let Some(folder) = shared("tinyyolo-w1a4") else {
        return;
    };
    let network = tincy_import::finn::import(&folder).expect("the published folder is sound");
    let network = from_layer(&network, 0, Shape::new(side, side, 3));
    let golden = folder.join(set);
    let input = read(&golden.join("input.u8"));
    let sums = read(&golden.join("L8.i32le"));
    let last = network.layers().len() - 1;
    for options in ways() {
        let session = run(&network, &options, &input);
        for convolution in 0..8 {
            let name = format!("conv{convolution}");
            let mut layer = network.find(&name).unwrap();
            if network.layers()[layer + 1].op().name() == "maxpool" {
                layer += 1;
            }
            let channels = network.layers()[layer].shape().channels;
            let codes = read(&golden.join(format!("L{convolution}.u4")));
            assert_codes(
                &session,
                &network,
                layer,
                &unpack(&codes, 4, channels, channels / 2),
            );
        }
        assert_floats(
            &session,
            Source::Layer(last),
            &finished(&network, &sums),
            0.0,
        );
    }
}

#[test]
fn every_layer_of_a_crop() {
    compare("golden-crop64", 64);
}

#[test]
fn every_layer_of_dog() {
    if !cfg!(target_arch = "aarch64") {
        compare("golden-dog", 416);
    }
}
