//! Small ONNX files with every operator that is read.

use crate::Seed;

/// A message of protocol buffers.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, mut value: u64) -> Message {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn integer(self, field: u64, value: i64) -> Message {
        self.varint(field << 3).varint(value as u64)
    }

    fn float(self, field: u64, value: f32) -> Message {
        self.varint(field << 3 | 5).raw(&value.to_le_bytes())
    }

    fn bytes(self, field: u64, bytes: &[u8]) -> Message {
        self.varint(field << 3 | 2)
            .varint(bytes.len() as u64)
            .raw(bytes)
    }

    fn text(self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: Message) -> Message {
        self.bytes(field, &message.0)
    }

    fn raw(mut self, bytes: &[u8]) -> Message {
        self.0.extend(bytes);
        self
    }
}

fn floats(name: &str, dims: &[i64]) -> Message {
    let count: i64 = dims.iter().product();
    let numbers: Vec<u8> = (0..count)
        .flat_map(|i| (i as f32 * 0.1 + 0.1).to_le_bytes())
        .collect();
    let start = dims
        .iter()
        .fold(Message::default(), |m, dim| m.integer(1, *dim));
    start.integer(2, 1).text(8, name).bytes(9, &numbers)
}

fn integers(name: &str, numbers: &[i64]) -> Message {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    let start = Message::default().integer(1, numbers.len() as i64);
    start.integer(2, 7).text(8, name).bytes(9, &bytes)
}

fn node(op: &str, inputs: &[&str], output: &str) -> Message {
    let start = inputs
        .iter()
        .fold(Message::default(), |m, input| m.text(1, input));
    start.text(2, output).text(4, op)
}

impl Message {
    /// A node with an attribute more: an integer.
    fn with(self, name: &str, value: i64) -> Message {
        self.message(
            5,
            Message::default()
                .text(1, name)
                .integer(3, value)
                .integer(20, 2),
        )
    }

    fn with_float(self, name: &str, value: f32) -> Message {
        self.message(
            5,
            Message::default()
                .text(1, name)
                .float(2, value)
                .integer(20, 1),
        )
    }

    fn with_text(self, name: &str, value: &str) -> Message {
        self.message(
            5,
            Message::default()
                .text(1, name)
                .text(4, value)
                .integer(20, 3),
        )
    }

    fn with_list(self, name: &str, values: &[i64]) -> Message {
        let start = Message::default().text(1, name);
        let list = values.iter().fold(start, |m, value| m.integer(8, *value));
        self.message(5, list.integer(20, 7))
    }
}

/// Name, type and sizes of an input.
fn value(name: &str, dims: &[i64]) -> Message {
    let shape = dims.iter().fold(Message::default(), |m, dim| {
        m.message(1, Message::default().integer(1, *dim))
    });
    let tensor = Message::default().integer(1, 1).message(2, shape);
    let kind = Message::default().message(1, tensor);
    Message::default().text(1, name).message(2, kind)
}

fn model(
    opset: i64,
    nodes: Vec<Message>,
    constants: Vec<Message>,
    side: i64,
    outputs: &[&str],
) -> Vec<u8> {
    let graph = nodes
        .into_iter()
        .fold(Message::default(), |m, node| m.message(1, node));
    let graph = constants
        .into_iter()
        .fold(graph, |m, tensor| m.message(5, tensor));
    let graph = graph.message(11, value("in", &[1, 3, side, side]));
    let graph = outputs
        .iter()
        .fold(graph, |m, output| m.message(12, value(output, &[])));
    let opset = Message::default().text(1, "").integer(2, opset);
    Message::default()
        .integer(1, 8)
        .text(2, "seeds")
        .message(7, graph)
        .message(8, opset)
        .0
}

/// A convolution with batch normalization and a gated activation, a pool, and what else has no weights.
fn plain() -> Vec<u8> {
    let nodes = vec![
        node("Conv", &["in", "w", "b"], "c")
            .with_list("kernel_shape", &[3, 3])
            .with_list("pads", &[1, 1, 1, 1])
            .with_list("strides", &[1, 1])
            .with("group", 1),
        node("BatchNormalization", &["c", "v", "v", "v", "v"], "n").with_float("epsilon", 1e-3),
        node("Sigmoid", &["n"], "s"),
        node("Mul", &["n", "s"], "m"),
        node("MaxPool", &["m"], "p")
            .with_list("kernel_shape", &[2, 2])
            .with_list("strides", &[2, 2])
            .with("ceil_mode", 1)
            .with_text("auto_pad", "SAME_UPPER"),
        node("Constant", &[], "scales").message(
            5,
            Message::default()
                .text(1, "value")
                .message(5, floats("", &[0])),
        ),
        node("Resize", &["p", "", "", "sizes"], "r")
            .with_text("mode", "nearest")
            .with_text("nearest_mode", "floor")
            .with_text("coordinate_transformation_mode", "asymmetric"),
        node("Concat", &["m", "r"], "j").with("axis", 1),
        node("Slice", &["j", "start", "end", "axis"], "t"),
        node("Add", &["t", "m"], "a"),
        node("LeakyRelu", &["a"], "l").with_float("alpha", 0.1),
        node("GlobalAveragePool", &["l"], "g"),
        node("HardSigmoid", &["g"], "h").with_float("alpha", 1.0 / 6.0),
        node("Mul", &["l", "h"], "e"),
        node("Clip", &["e", "low", "high"], "out"),
        node("Elu", &["out"], "out2"),
    ];
    let constants = vec![
        floats("w", &[4, 3, 3, 3]),
        floats("b", &[4]),
        floats("v", &[4]),
        integers("sizes", &[1, 4, 8, 8]),
        integers("start", &[0]),
        integers("end", &[4]),
        integers("axis", &[1]),
        Message::default()
            .integer(2, 1)
            .text(8, "low")
            .float(4, 0.0),
        Message::default()
            .integer(2, 1)
            .text(8, "high")
            .float(4, 6.0),
    ];
    model(13, nodes, constants, 8, &["out", "out2"])
}

/// The beginning and the end of YOLOX.
pub(crate) fn yolox() -> Vec<u8> {
    let slice = |from: &str, output: &str, start: &str, axis: &str| {
        node("Slice", &[from, start, "end", axis, "two"], output)
    };
    let head = |weights: &str, output: &str| node("Conv", &["f", weights], output);
    let nodes = vec![
        slice("in", "y0", "0", "2"),
        slice("y0", "y0x0", "0", "3"),
        slice("in", "y1", "1", "2"),
        slice("y1", "y1x0", "0", "3"),
        slice("y0", "y0x1", "1", "3"),
        slice("y1", "y1x1", "1", "3"),
        node("Concat", &["y0x0", "y1x0", "y0x1", "y1x1"], "focus").with("axis", 1),
        node("Conv", &["focus", "w"], "f"),
        head("wb", "boxes"),
        head("wo", "object"),
        head("wc", "classes"),
        node("Sigmoid", &["object"], "so"),
        node("Sigmoid", &["classes"], "sc"),
        node("Concat", &["boxes", "so", "sc"], "map").with("axis", 1),
        node("Reshape", &["map", "shape"], "rows"),
        node("Concat", &["rows"], "list").with("axis", 2),
        node("Transpose", &["list"], "out").with_list("perm", &[0, 2, 1]),
    ];
    let constants = vec![
        floats("w", &[2, 12, 1, 1]),
        floats("wb", &[4, 2, 1, 1]),
        floats("wo", &[1, 2, 1, 1]),
        floats("wc", &[2, 2, 1, 1]),
        integers("0", &[0]),
        integers("1", &[1]),
        integers("2", &[2]),
        integers("3", &[3]),
        integers("two", &[2]),
        integers("end", &[i64::MAX]),
        integers("shape", &[1, 7, -1]),
    ];
    model(11, nodes, constants, 8, &["out"])
}

/// Operators of before opset 11, and blocks of pixels.
fn old() -> Vec<u8> {
    let nodes = vec![
        node("SpaceToDepth", &["in"], "d").with("blocksize", 2),
        node("Conv", &["d", "w"], "c"),
        node("Clip", &["c"], "k")
            .with_float("min", 0.0)
            .with_float("max", 6.0),
        node("Upsample", &["k", "scales"], "u").with_text("mode", "nearest"),
        node("Slice", &["u"], "s")
            .with_list("starts", &[0])
            .with_list("ends", &[1])
            .with_list("axes", &[1]),
        node("Identity", &["s"], "i"),
        node("Tanh", &["i"], "out"),
    ];
    let scales: Vec<u8> = [1.0f32, 1.0, 2.0, 2.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let scales = Message::default()
        .integer(1, 4)
        .integer(2, 1)
        .text(8, "scales")
        .bytes(9, &scales);
    model(
        9,
        nodes,
        vec![floats("w", &[2, 12, 1, 1]), scales],
        4,
        &["out"],
    )
}

pub(crate) fn seeds() -> Vec<Seed> {
    vec![
        ("onnx", "plain", plain()),
        ("onnx", "yolox", yolox()),
        ("onnx", "old", old()),
    ]
}
