//! The published hidden layers of DoReFa-Net.

mod shared;

use shared::shared;
use tincy_import::finn;
use tincy_network::{Code, Finish, Network, Number, Op, Padding, Shape, file};

fn dorefanet() -> Option<Network> {
    let folder = shared("dorefanet")?;
    Some(finn::import(&folder).expect("the published folder is sound"))
}

#[test]
fn layers_are_the_published_ones() {
    let Some(network) = dorefanet() else { return };
    assert_eq!(network.input().shape, Shape::new(54, 54, 68));
    assert_eq!(
        network.input().number,
        Number::Code(Code::unsigned(2, 1.0 / 3.0))
    );
    assert!(network.input().picture.is_none());
    let expected = [
        ("split1-0", 54, 34),
        ("conv1-0", 54, 90),
        ("pool1-0", 27, 90),
        ("split1-1", 54, 34),
        ("conv1-1", 54, 90),
        ("pool1-1", 27, 90),
        ("merge1", 27, 180),
        ("conv2", 27, 272),
        ("pool2", 14, 272),
        ("split3-0", 14, 136),
        ("conv3-0", 14, 192),
        ("conv4-0", 14, 128),
        ("pool4-0", 6, 128),
        ("split3-1", 14, 136),
        ("conv3-1", 14, 192),
        ("conv4-1", 14, 128),
        ("pool4-1", 6, 128),
        ("merge4", 6, 256),
    ];
    let layers = network.layers();
    assert_eq!(layers.len(), expected.len());
    for (layer, (name, dim, channels)) in layers.iter().zip(expected) {
        assert_eq!(layer.name(), name);
        assert_eq!(layer.shape(), Shape::new(dim, dim, channels), "{name}");
    }
    let end = Padding {
        bottom: 1,
        right: 1,
        ..Padding::default()
    };
    for (name, padding) in [
        ("pool1-0", end),
        ("pool2", Padding::same(1)),
        ("pool4-1", Padding::default()),
    ] {
        let Op::MaxPool(pool) = layers[network.find(name).unwrap()].op() else {
            panic!("{name} is a pool")
        };
        assert_eq!(pool.padding, padding, "{name}");
    }
}

#[test]
fn operations_are_the_published_ones() {
    let Some(network) = dorefanet() else { return };
    assert_eq!(network.total_operations(), 1_892_403_648);
}

#[test]
fn unordered_thresholds_are_sorted() {
    let Some(network) = dorefanet() else { return };
    let conv1 = network.layers()[network.find("conv1-1").unwrap()]
        .convolution()
        .unwrap();
    let Finish::Thresholds(thresholds) = &conv1.finish else {
        panic!("thresholds")
    };
    // Set 2 channel 62: 19428, -7474, 31160, not complemented.
    assert_eq!(thresholds.channel(62), [-7474, 19428, 31160]);
}

#[test]
fn a_complemented_channel_is_turned() {
    let Some(network) = dorefanet() else { return };
    let copy = shared::copy(&shared("dorefanet").unwrap());
    // No published channel in use is complemented, so one becomes so: row 2, PE 5 of conv2, channel 69.
    let path = copy.path().join("binparam-dorefanet/3-5-thres.bin");
    let mut steps = std::fs::read(&path).unwrap();
    steps[2 * 8 + 6] ^= 1;
    std::fs::write(&path, steps).unwrap();
    let turned = finn::import(copy.path()).unwrap();
    let channel = |network: &Network, channel: usize| {
        let layer = &network.layers()[network.find("conv2").unwrap()];
        let conv2 = layer.convolution().unwrap();
        let Finish::Thresholds(thresholds) = &conv2.finish else {
            panic!("thresholds")
        };
        let weights = conv2.weights.unpack()[channel * 9 * 180..][..9 * 180].to_vec();
        (weights, thresholds.channel(channel).to_vec())
    };
    let (weights, steps) = channel(&network, 69);
    let opposite: Vec<i8> = weights.iter().map(|w| -w).collect();
    let reversed: Vec<i32> = steps.iter().rev().map(|t| 1 - t).collect();
    assert_eq!(channel(&turned, 69), (opposite, reversed));
    assert_eq!(channel(&turned, 70), channel(&network, 70));
}

#[test]
fn weights_at_known_places() {
    let Some(network) = dorefanet() else { return };
    let folder = shared("dorefanet").unwrap().join("binparam-dorefanet");
    let index = network.find("conv2").unwrap();
    let weights = network.layers()[index]
        .convolution()
        .unwrap()
        .weights
        .unpack();
    for channel in [0, 100, 271] {
        // Set 3 is conv2: 180 channels in, three words a position.
        let words = std::fs::read(folder.join(format!("3-{}-weights.bin", channel % 32))).unwrap();
        for (position, input) in [(0, 0), (4, 130), (8, 179), (5, 64)] {
            let word = channel / 32 * 27 + position * 3 + input / 64;
            let bit = words[word * 8 + input % 64 / 8] >> (input % 8) & 1;
            let weight = weights[(channel * 9 + position) * 180 + input];
            assert_eq!(weight, 1 - 2 * bit as i8);
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    let Some(network) = dorefanet() else { return };
    let text = &network.provenance()["from fc0 on"];
    assert!(text.contains("left out"), "{text}");
    assert_eq!(
        file::read(&file::to_bytes(&network), "memory").unwrap(),
        network
    );
}
