//! A test for every fault that was found: what happened, and what must happen instead.

mod protobuf;

use protobuf::{Message, constant, floats, integers, node};
use std::path::Path;
use tincy_import::{darknet, onnx};
use tincy_network::Network;

/// A model whose input is `side` x `side` pixels of `channels`, and whose result is `out`.
fn import(
    side: i64,
    channels: i64,
    nodes: Vec<Message>,
    constants: Vec<Message>,
) -> Result<Network, String> {
    let bytes = protobuf::model([1, channels, side, side], nodes, constants);
    onnx::read(&bytes, Path::new("odd.onnx"), Default::default()).map_err(|error| error.to_string())
}

fn refused(result: Result<Network, String>, reason: &str) {
    let error = result.unwrap_err();
    assert!(
        error.starts_with("odd.onnx: ") && error.contains(reason),
        "{error}"
    );
}

/// Sizes near the largest integer overflowed where a window was laid over a map.
#[test]
fn absurd_windows_of_onnx_are_refused() {
    let huge = i64::MAX;
    let conv = node("Conv", &["in", "w"], "out")
        .text_attribute("auto_pad", "SAME_UPPER")
        .list("dilations", &[huge, huge]);
    let weights = vec![floats("w", &[1, 1, 3, 3], 9)];
    refused(import(8, 1, vec![conv], weights), "padding");
    let pool = |pads: [i64; 4], stride: i64| {
        node("MaxPool", &["in"], "out")
            .list("kernel_shape", &[2, 2])
            .list("strides", &[stride, stride])
            .list("pads", &pads)
            .integer_attribute("ceil_mode", 1)
    };
    for (pads, stride) in [([huge; 4], 1), ([huge, 0, huge, 0], huge), ([0; 4], huge)] {
        let error = import(8, 1, vec![pool(pads, stride)], Vec::new());
        assert!(error.is_err() || pads == [0; 4], "{error:?}");
    }
}

/// Weights without a number said how many channels there are, and so many biases were made.
#[test]
fn weights_of_nothing_are_refused() {
    for dims in [
        [1 << 50, 0, 1, 1],
        [1 << 50, 1, 1, 0],
        [0, 1, 1 << 40, 1 << 40],
    ] {
        let conv = node("Conv", &["in", "w"], "out");
        let weights = vec![floats("w", &dims, 0)];
        refused(import(4, 1, vec![conv], weights), "kernel");
    }
}

/// Patches joined with themselves became twice as many with each node.
#[test]
fn patches_do_not_grow_without_end() {
    let mut nodes = vec![node("SpaceToDepth", &["in"], "p0").integer_attribute("blocksize", 2)];
    for i in 0..40 {
        let (from, to) = (format!("p{i}"), format!("p{}", i + 1));
        nodes.push(node("Concat", &[&from, &from], &to).integer_attribute("axis", 1));
    }
    nodes.push(node("Relu", &["p40"], "out"));
    refused(import(4, 1, nodes, Vec::new()), "too many");
    let large = node("SpaceToDepth", &["in"], "p").integer_attribute("blocksize", 1 << 15);
    let nodes = vec![large, node("Relu", &["p"], "out")];
    refused(import(1 << 15, 1, nodes, Vec::new()), "every 8th");
}

/// Nodes that share a constant each have their own copy, so a short file could ask for any memory.
#[test]
fn shared_weights_are_bounded_by_the_file() {
    let chain = |count: usize| {
        let name = |i: usize| match i {
            0 => "in".to_string(),
            i if i == count => "out".to_string(),
            i => format!("c{i}"),
        };
        let nodes = (0..count).map(|i| node("Conv", &[&name(i), "w"], &name(i + 1)));
        import(
            1,
            256,
            nodes.collect(),
            vec![floats("w", &[256, 256, 1, 1], 1 << 16)],
        )
    };
    assert_eq!(chain(32).unwrap().layers().len(), 32);
    refused(chain(33), "many times as large as the file");
}

/// A node of two bytes takes two hundred in memory.
#[test]
fn nodes_are_counted_as_they_are_read() {
    let graph = Message::default().bytes(7, &[0x0a, 0].repeat(100_000));
    let read = onnx::read(&graph.0, Path::new("odd.onnx"), Default::default());
    refused(read.map_err(|e| e.to_string()), "more than 65536 nodes");
    let graph = Message::default().bytes(7, &[0x62, 0].repeat(5000));
    let read = onnx::read(&graph.0, Path::new("odd.onnx"), Default::default());
    refused(read.map_err(|e| e.to_string()), "more than 4096 results");
}

/// Of a layer without filters, a kernel of any size needs no weights, and its pixels overflowed.
#[test]
fn a_layer_without_filters_is_refused() {
    let text = "[net]\nwidth=4\nheight=4\n[convolutional]\nfilters=0\nsize=4294967296\n";
    let weights = (Path::new("odd.weights"), vec![0; 20]);
    let read = darknet::read(
        (Path::new("odd.cfg"), text),
        weights,
        None,
        Default::default(),
    );
    let error = read.unwrap_err().to_string();
    assert!(error.starts_with("odd.cfg:4: filters=0"), "{error}");
}

/// What the writer of these tests makes is read as it is meant.
#[test]
fn a_sound_model_is_read() {
    let nodes = vec![
        node("Conv", &["in", "w"], "c"),
        node("Concat", &["c", "c"], "out").integer_attribute("axis", 1),
    ];
    let constants = vec![
        floats("w", &[2, 3, 1, 1], 6),
        constant("unused"),
        integers("i", &[1]),
    ];
    let network = import(4, 3, nodes, constants).unwrap();
    assert_eq!(network.layers().len(), 2);
}
