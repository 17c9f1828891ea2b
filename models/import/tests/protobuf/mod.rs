//! ONNX files, made field by field.
#![allow(dead_code, reason = "each test file uses a part")]

/// A message of protocol buffers.
#[derive(Clone, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    fn varint(mut self, mut value: u64) -> Message {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    pub(crate) fn integer(self, field: u64, value: i64) -> Message {
        self.varint(field << 3).varint(value as u64)
    }

    pub(crate) fn bytes(self, field: u64, bytes: &[u8]) -> Message {
        let mut message = self.varint(field << 3 | 2).varint(bytes.len() as u64);
        message.0.extend(bytes);
        message
    }

    pub(crate) fn text(self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    pub(crate) fn message(self, field: u64, message: &Message) -> Message {
        self.bytes(field, &message.0)
    }

    /// A node with an attribute more.
    pub(crate) fn integer_attribute(self, name: &str, value: i64) -> Message {
        let attribute = Message::default().text(1, name);
        self.message(5, &attribute.integer(3, value).integer(20, 2))
    }

    pub(crate) fn text_attribute(self, name: &str, value: &str) -> Message {
        let attribute = Message::default().text(1, name);
        self.message(5, &attribute.text(4, value).integer(20, 3))
    }

    pub(crate) fn list(self, name: &str, values: &[i64]) -> Message {
        let start = Message::default().text(1, name);
        let list = values.iter().fold(start, |m, value| m.integer(8, *value));
        self.message(5, &list.integer(20, 7))
    }
}

/// A node with one output.
pub(crate) fn node(op: &str, inputs: &[&str], output: &str) -> Message {
    let inputs = inputs.iter();
    let start = inputs.fold(Message::default(), |m, input| m.text(1, input));
    start.text(2, output).text(4, op)
}

/// A constant of numbers of a kind, which lie in the file as they are.
pub(crate) fn tensor(name: &str, dims: &[i64], kind: i64, raw: &[u8]) -> Message {
    let dims = dims.iter();
    let start = dims.fold(Message::default(), |m, dim| m.integer(1, *dim));
    start.integer(2, kind).text(8, name).bytes(9, raw)
}

/// A float tensor that goes in or comes out; sizes of 0 are left open.
pub(crate) fn value(name: &str, dims: &[i64]) -> Message {
    let shape = dims.iter().fold(Message::default(), |shape, dim| {
        let size = Message::default();
        shape.message(
            1,
            &match dim {
                0 => size.text(2, "open"),
                dim => size.integer(1, *dim),
            },
        )
    });
    let tensor = Message::default().integer(1, 1).message(2, &shape);
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind)
}

/// A constant of `count` ones.
pub(crate) fn floats(name: &str, dims: &[i64], count: usize) -> Message {
    tensor(name, dims, 1, &1f32.to_le_bytes().repeat(count))
}

/// A constant of a single number.
pub(crate) fn constant(name: &str) -> Message {
    floats(name, &[], 1)
}

/// A constant list of integers.
pub(crate) fn integers(name: &str, numbers: &[i64]) -> Message {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    tensor(name, &[numbers.len() as i64], 7, &bytes)
}

/// A file of opset 13 with the input `in` and the result `out`.
pub(crate) fn model(input: [i64; 4], nodes: Vec<Message>, constants: Vec<Message>) -> Vec<u8> {
    let value = value("in", &input);
    let nodes = nodes.iter();
    let graph = nodes.fold(Message::default(), |m, node| m.message(1, node));
    let graph = constants
        .iter()
        .fold(graph, |m, tensor| m.message(5, tensor));
    let result = Message::default().text(1, "out");
    let graph = graph.message(11, &value).message(12, &result);
    let opset = Message::default().integer(2, 13);
    Message::default().message(7, &graph).message(8, &opset).0
}
