//! Small ONNX files, written field by field.

/// A graph that is added to node by node.
#[derive(Default)]
pub(crate) struct File {
    graph: Vec<u8>,
}

/// An attribute of a node.
pub(crate) enum Value<'a> {
    Integer(i64),
    Integers(&'a [i64]),
    Text(&'a str),
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn number(to: &mut Vec<u8>, field: u64, value: i64) {
    varint(to, field << 3);
    varint(to, value as u64);
}

fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, value.len() as u64);
    to.extend(value);
}

impl File {
    /// A file with one picture at the input; sizes of 0 are left open.
    pub(crate) fn new(dims: [i64; 4]) -> File {
        let mut file = File::default();
        file.value(11, "images", &dims);
        file
    }

    fn value(&mut self, field: u64, name: &str, dims: &[i64]) {
        let (mut shape, mut tensor) = (Vec::new(), Vec::new());
        for dim in dims {
            let mut size = Vec::new();
            match dim {
                0 => bytes(&mut size, 2, b"open"),
                dim => number(&mut size, 1, *dim),
            }
            bytes(&mut shape, 1, &size);
        }
        number(&mut tensor, 1, 1);
        bytes(&mut tensor, 2, &shape);
        let (mut kind, mut value) = (Vec::new(), Vec::new());
        bytes(&mut kind, 1, &tensor);
        bytes(&mut value, 1, name.as_bytes());
        bytes(&mut value, 2, &kind);
        bytes(&mut self.graph, field, &value);
    }

    fn constant(&mut self, name: &str, dims: &[i64], kind: i64, raw: &[u8]) {
        let mut tensor = Vec::new();
        dims.iter().for_each(|dim| number(&mut tensor, 1, *dim));
        number(&mut tensor, 2, kind);
        bytes(&mut tensor, 8, name.as_bytes());
        bytes(&mut tensor, 9, raw);
        bytes(&mut self.graph, 5, &tensor);
    }

    pub(crate) fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, dims, 1, &raw);
    }

    pub(crate) fn integers(&mut self, name: &str, dims: &[i64], values: &[i64]) {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, dims, 7, &raw);
    }

    pub(crate) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Value<'_>)],
    ) {
        let mut node = Vec::new();
        inputs
            .iter()
            .for_each(|name| bytes(&mut node, 1, name.as_bytes()));
        outputs
            .iter()
            .for_each(|name| bytes(&mut node, 2, name.as_bytes()));
        bytes(&mut node, 4, op.as_bytes());
        for (name, value) in attributes {
            let mut attribute = Vec::new();
            bytes(&mut attribute, 1, name.as_bytes());
            let kind = match value {
                Value::Integer(value) => {
                    number(&mut attribute, 3, *value);
                    2
                }
                Value::Integers(list) => {
                    list.iter()
                        .for_each(|value| number(&mut attribute, 8, *value));
                    7
                }
                Value::Text(text) => {
                    bytes(&mut attribute, 4, text.as_bytes());
                    3
                }
            };
            number(&mut attribute, 20, kind);
            bytes(&mut node, 5, &attribute);
        }
        bytes(&mut self.graph, 1, &node);
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
        outputs
            .iter()
            .for_each(|(name, dims)| self.value(12, name, dims));
        let (mut version, mut model) = (Vec::new(), Vec::new());
        number(&mut version, 2, opset);
        bytes(&mut model, 7, &self.graph);
        bytes(&mut model, 8, &version);
        model
    }
}
