//! The published W1A3 Tinier-YOLO folder.

mod shared;

use shared::{network_sums, shared};
use tincy_import::finn;
use tincy_network::{Code, Finish, Fit, HeadKind, Network, Number, Op, Padding, Shape, file};

fn tinier_yolo() -> Option<Network> {
    let folder = shared("tinier-yolo")?;
    Some(finn::import(&folder).expect("the published folder is sound"))
}

#[test]
fn operations_are_the_published_ones() {
    let Some(network) = tinier_yolo() else { return };
    let hidden: u64 = (1..network.layers().len() - 1)
        .map(|index| network.operations(index))
        .sum();
    assert_eq!(hidden, 4_385_931_264);
    assert_eq!(network.total_operations() - hidden, 59_012_096);
}

#[test]
fn layers_are_the_published_ones() {
    let Some(network) = tinier_yolo() else { return };
    let code = Number::Code(Code::unsigned(3, 4.0 / 7.0));
    let expected = [
        ("conv0", 208, 16),
        ("conv1", 208, 64),
        ("pool1", 104, 64),
        ("conv2", 104, 64),
        ("pool2", 52, 64),
        ("conv3", 52, 128),
        ("pool3", 26, 128),
        ("conv4", 26, 256),
        ("pool4", 13, 256),
        ("conv5", 13, 512),
        ("pool5", 13, 512),
        ("conv6", 13, 512),
        ("conv7", 13, 512),
        ("conv8", 13, 125),
    ];
    assert_eq!(network.layers().len(), expected.len());
    for (layer, (name, dim, channels)) in network.layers().iter().zip(expected) {
        assert_eq!(layer.name(), name);
        assert_eq!(layer.shape(), Shape::new(dim, dim, channels), "{name}");
        let number = if name == "conv8" { Number::F32 } else { code };
        assert_eq!(layer.number(), number, "{name}");
    }
    let Op::MaxPool(pool) = network.layers()[10].op() else {
        panic!("pool5 is a pool")
    };
    assert_eq!((pool.stride, pool.padding), ([1, 1], Padding::split(1)));
}

#[test]
fn thresholds_and_weights_at_known_places() {
    let Some(network) = tinier_yolo() else { return };
    let conv1 = network.layers()[1].convolution().unwrap();
    let Finish::Thresholds(thresholds) = &conv1.finish else {
        panic!("hidden layers have thresholds")
    };
    assert_eq!(thresholds.channel(0), [40, 47, 54, 60, 67, 74, 81]);
    let folder = shared("tinier-yolo").unwrap();
    // Set 10, PE 5, row 7 is output channel 256 + 7 * 32 + 5 of conv7.
    let words = std::fs::read(folder.join("binparam-tinier-yolo-nopool/10-5-weights.bin")).unwrap();
    let weights = network.layers()[12].convolution().unwrap().weights.unpack();
    for (along_x, along_y, channel) in [(0, 0, 0), (2, 1, 77), (0, 2, 511), (1, 2, 320)] {
        let word = 7 * 72 + (along_x * 3 + along_y) * 8 + channel / 64;
        let bit = words[word * 8 + channel % 64 / 8] >> (channel % 8) & 1;
        let index = ((256 + 7 * 32 + 5) * 9 + along_y * 3 + along_x) * 512 + channel;
        assert_eq!(weights[index], 1 - 2 * bit as i8);
    }
}

#[test]
fn first_and_last_layer_keep_their_floats() {
    let Some(network) = tinier_yolo() else { return };
    let folder = shared("tinier-yolo").unwrap();
    let float = |name: &str, index: usize| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        f32::from_le_bytes(bytes[80 + 4 * index..][..4].try_into().unwrap())
    };
    let conv0 = network.layers()[0].convolution().unwrap();
    assert_eq!((conv0.stride, conv0.padding), ([2, 2], Padding::same(1)));
    // [ky][kx][in][out] to [out][ky][kx][in].
    let (ky, kx, input, output) = (1, 2, 0, 13);
    assert_eq!(
        conv0.weights.as_floats()[((output * 3 + ky) * 3 + kx) * 3 + input],
        float(
            "tinier-yolo-conv0-W.npy",
            ((ky * 3 + kx) * 3 + input) * 16 + output
        )
    );
    // Fortran order: the file runs over the inputs fastest, as the network does.
    let conv8 = network.layers()[13].convolution().unwrap();
    for index in [0, 511, 512, 63_999] {
        assert_eq!(
            conv8.weights.as_floats()[index],
            float("tinier-yolo-conv8-W.npy", index)
        );
    }
    let Finish::Affine(affine) = &conv8.finish else {
        panic!("conv8 is affine")
    };
    assert_eq!(affine.bias[124], float("tinier-yolo-conv8-bias.npy", 124));
}

#[test]
fn input_and_head() {
    let Some(network) = tinier_yolo() else { return };
    assert_eq!(network.input().shape, Shape::new(416, 416, 3));
    let picture = network.input().picture.unwrap();
    assert_eq!(picture.fit, Fit::Letterbox { fill: 0.5 });
    assert_eq!(network.classes().len(), 20);
    assert_eq!(network.classes()[19], "tvmonitor");
    let HeadKind::Region { anchors, softmax } = &network.heads()[0].kind else {
        panic!("a region head")
    };
    assert!(softmax);
    assert_eq!(anchors[4], [16.62, 10.52]);
}

#[test]
fn the_model_file_gives_the_same_network() {
    let Some(network) = tinier_yolo() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tinier-yolo.tincy");
    file::write(&network, &path).unwrap();
    let read = file::open(&path).unwrap();
    assert_eq!(read, network);
    assert_eq!(network_sums(&read), network_sums(&network));
}

#[test]
fn a_short_file_is_named_with_its_layer() {
    let Some(folder) = shared("tinier-yolo") else {
        return;
    };
    let copy = shared::copy(&folder);
    let path = copy
        .path()
        .join("binparam-tinier-yolo-nopool/4-17-weights.bin");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[1..]).unwrap();
    let error = finn::import(copy.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("4-17-weights.bin: layer conv4: 1152 bytes expected, 1151 found"),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    let error = finn::import(copy.path()).unwrap_err().to_string();
    assert!(error.contains("4-17-weights.bin: No such file"), "{error}");
}
