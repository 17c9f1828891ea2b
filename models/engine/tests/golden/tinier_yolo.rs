//! The W1A3 Tinier-YOLO network: the published `verification.bin` from `input.bin`, and every
//! layer between against `vectors/test` and `vectors/dog`.

use super::files::{read, read_floats, shared, transpose, unpack};
use super::{assert_codes, assert_floats, from_layer, run, ways};
use std::path::Path;
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Options, Plan, Session};
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

/// A picture as conv0 reads it: `FORMAT.md` section 5, steps 1 and 2.
fn letterbox(picture: &image::RgbImage) -> Vec<f32> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let tall = 416 * height / width;
    assert!(tall <= 416);
    // The pixel before, the one after and the weight of the latter, with corners aligned.
    let between = |i: usize, old: usize, new: usize| {
        let at = i as f32 * ((old - 1) as f32 / (new - 1) as f32);
        let first = (at as usize).min(old - 1);
        (first, (first + 1).min(old - 1), at - first as f32)
    };
    let mut canvas = vec![0.5; 416 * 416 * 3];
    for y in 0..tall {
        let (top, bottom, dy) = between(y, height, tall);
        for x in 0..416 {
            let (left, right, dx) = between(x, width, 416);
            for c in 0..3 {
                let at = |x: usize, y: usize| {
                    f32::from(picture.get_pixel(x as u32, y as u32)[c]) / 255.0
                };
                let line = |y| at(left, y) * (1.0 - dx) + at(right, y) * dx;
                canvas[(((416 - tall) / 2 + y) * 416 + x) * 3 + c] =
                    line(top) * (1.0 - dy) + line(bottom) * dy;
            }
        }
    }
    canvas
}

/// Sums near a border between codes depend on their order: up to 20 codes may differ by one.
#[test]
fn conv0_gives_dogs_codes() {
    let Some(folder) = shared("tinier-yolo") else {
        return;
    };
    let network = tincy_import::finn::import(&folder).expect("the published folder is sound");
    let vectors = folder.join("vectors");
    let picture = image::open(vectors.join("dog.png")).unwrap().to_rgb8();
    let golden = map(&vectors.join("dog/conv0.bin"), 16, 6);
    let options = Options {
        keep_all: true,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(&network, &options).unwrap());
    match session.input_mut() {
        TensorMut::F32(input) => input.copy_from_slice(&letterbox(&picture)),
        other => panic!("the network reads {other:?}"),
    }
    session.run();
    let codes = session.output(Source::Layer(0)).unwrap().unsigned();
    let apart = codes.iter().zip(&golden).map(|(a, b)| a.abs_diff(*b));
    assert!(apart.clone().all(|d| d <= 1));
    let differ = apart.filter(|d| *d > 0).count();
    println!("{differ} of {} codes differ", codes.len());
    assert!(differ <= 20, "{differ} codes differ");
}
