//! Small ONNX files, written field by field.

use crate::protobuf::{Message, tensor, value};

/// A graph that is added to node by node.
#[derive(Default)]
pub(crate) struct File {
    graph: Message,
}

/// An attribute of a node.
pub(crate) enum Value<'a> {
    Integer(i64),
    Integers(&'a [i64]),
    Text(&'a str),
}

impl File {
    /// A file with one picture at the input; sizes of 0 are left open.
    pub(crate) fn new(dims: [i64; 4]) -> File {
        let graph = Message::default().message(11, &value("images", &dims));
        File { graph }
    }

    fn add(&mut self, field: u64, message: &Message) {
        self.graph = std::mem::take(&mut self.graph).message(field, message);
    }

    pub(crate) fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(5, &tensor(name, dims, 1, &raw));
    }

    pub(crate) fn integers(&mut self, name: &str, dims: &[i64], values: &[i64]) {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(5, &tensor(name, dims, 7, &raw));
    }

    pub(crate) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Value<'_>)],
    ) {
        let node = Message::default();
        let node = inputs.iter().fold(node, |node, name| node.text(1, name));
        let node = outputs.iter().fold(node, |node, name| node.text(2, name));
        let attributes = attributes.iter();
        let node = attributes.fold(node.text(4, op), |node, (name, value)| match value {
            Value::Integer(value) => node.integer_attribute(name, *value),
            Value::Integers(list) => node.list(name, list),
            Value::Text(text) => node.text_attribute(name, text),
        });
        self.add(1, &node);
    }

    /// A convolution of one pixel, of which weight `i` is `i mod 7 - 3`, halved.
    pub(crate) fn convolution(&mut self, input: &str, output: &str, [to, from]: [i64; 2]) {
        let name = format!("{output}.weight");
        let weights: Vec<f32> = (0..to * from).map(|i| (i % 7 - 3) as f32 / 2.0).collect();
        self.floats(&name, &[to, from, 1, 1], &weights);
        self.node("Conv", &[input, &name], &[output], &[]);
    }

    /// The bytes of the file.
    pub(crate) fn finish(mut self, outputs: &[(&str, &[i64])], opset: i64) -> Vec<u8> {
        for (name, dims) in outputs {
            self.add(12, &value(name, dims));
        }
        let version = Message::default().integer(2, opset);
        let model = Message::default().message(7, &self.graph);
        model.message(8, &version).0
    }
}
