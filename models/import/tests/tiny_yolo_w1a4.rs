//! The published W1A4 Tiny-YOLO folder.

mod shared;

use shared::shared;
use tincy_import::finn;
use tincy_network::{Code, Finish, Fit, Network, Number, Resample, Shape, file};

fn tiny_yolo() -> Option<Network> {
    let folder = shared("tinyyolo-w1a4")?;
    Some(finn::import(&folder).expect("the published folder is sound"))
}

#[test]
fn sizes_are_the_published_ones() {
    let Some(network) = tiny_yolo() else { return };
    assert_eq!(network.total_operations(), 2 * 2_278_541_824);
    let convolutions = network.layers().iter().filter_map(|l| l.convolution());
    let weights: usize = convolutions.map(|c| c.weights.count()).sum();
    assert_eq!(weights, 6_377_392);
    let macs = [
        ("conv0", 74_760_192),
        ("conv1", 398_721_024),
        ("conv5", 199_360_512),
        ("conv8", 10_816_000),
    ];
    for (name, expected) in macs {
        let index = network.find(name).unwrap();
        assert_eq!(network.operations(index), 2 * expected, "{name}");
    }
    assert_eq!(network.layers().len(), 14);
}

#[test]
fn every_parameter_is_where_the_format_says() {
    let Some(network) = tiny_yolo() else { return };
    let folder = shared("tinyyolo-w1a4").unwrap().join("cnvW1A1");
    // layer, kernel, inputs, SIMD, PE, thresholds, doubled accumulator
    let layers = [
        ("conv0", 3, 3, 3, 16, 15, 1),
        ("conv3", 3, 64, 32, 16, 15, 0),
        ("conv8", 1, 512, 32, 5, 1, 0),
    ];
    for (name, kernel, inputs, simd, pe, steps, fraction) in layers {
        let convolution = network.layers()[network.find(name).unwrap()].convolution();
        let convolution = convolution.unwrap();
        let weights = convolution.weights.unpack();
        let window = kernel * kernel * inputs;
        for channel in 0..convolution.out_channels {
            let read = |kind: &str| {
                let file = format!("{}-{}-{kind}.bin", &name[4..], channel % pe);
                let bytes = std::fs::read(folder.join(file)).unwrap();
                let words = bytes.chunks_exact(8);
                let words = words.map(|word| u64::from_le_bytes(word.try_into().unwrap()));
                words.collect::<Vec<u64>>()
            };
            let words = &read("weights")[channel / pe * (window / simd)..];
            for synapse in 0..window {
                let bit = words[synapse / simd] >> (synapse % simd) & 1;
                assert_eq!(weights[channel * window + synapse], 2 * bit as i8 - 1);
            }
            let Finish::Thresholds(thresholds) = &convolution.finish else {
                continue;
            };
            let words = &read("thres")[channel / pe * steps..][..steps];
            for (threshold, word) in thresholds.channel(channel).iter().zip(words) {
                // The smallest accumulator for which t < acc holds.
                let (acc, t) = (i64::from(*threshold) << fraction, *word as i64);
                assert!(t < acc && t >= acc - (1 << fraction), "{name} {channel}");
            }
        }
    }
}

#[test]
fn input_and_output() {
    let Some(network) = tiny_yolo() else { return };
    let input = network.input();
    let code = Code::unsigned(7, 1.0 / 128.0);
    assert_eq!(
        (input.shape, input.number),
        (Shape::new(416, 416, 3), Number::Code(code))
    );
    let picture = input.picture.unwrap();
    assert_eq!(picture.resample, Resample::HalfPixel);
    let Fit::Letterbox { fill } = picture.fit else {
        panic!("a letterbox")
    };
    // The grey of the bars and every other pixel must give the published integer rule's codes.
    assert_eq!(code.quantize(fill), code.quantize(127.0 / 255.0));
    for v in 0..256i32 {
        let published = ((v * 256 + 255) / 510).min(127);
        assert_eq!(code.quantize(v as f32 / 255.0), published, "{v}");
    }
    let last = network.layers().last().unwrap();
    assert_eq!(
        (last.shape(), last.number()),
        (Shape::new(13, 13, 125), Number::F32)
    );
    let Finish::Affine(affine) = &last.convolution().unwrap().finish else {
        panic!("affine")
    };
    assert_eq!(affine.scale[0], (0.033435356f64 / 15.0) as f32);
    assert_eq!(network.classes()[11], "dog");
}

#[test]
fn the_model_file_gives_the_same_network() {
    let Some(network) = tiny_yolo() else { return };
    let bytes = file::to_bytes(&network);
    assert_eq!(file::read(&bytes, "memory").unwrap(), network);
}

#[test]
fn a_long_file_is_named_with_its_layer() {
    let Some(folder) = shared("tinyyolo-w1a4") else {
        return;
    };
    let copy = shared::copy(&folder);
    let path = copy.path().join("cnvW1A1/8-4-thres.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.push(0);
    std::fs::write(&path, &bytes).unwrap();
    let error = finn::import(copy.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("8-4-thres.bin: layer conv8: 200 bytes expected, 201 found"),
        "{error}"
    );
}
