//! The graph of an ONNX model while it is made: nodes, constants, types.
//!
//! Field numbers are those of `onnx.proto` (ONNX 1.8, IR version 7).

use super::wire::Message;
use std::collections::{HashMap, HashSet};

/// Where Quant, BipolarQuant and MultiThreshold are defined.
pub(super) const QONNX: &str = "qonnx.custom_op.general";

/// What the elements of a tensor are; all are carried in floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Real numbers.
    Real,
    /// Integers of this range.
    Range(i64, i64),
    /// -1 and 1.
    Bipolar,
}

impl Kind {
    /// QONNX's name of the smallest data type that holds the values.
    pub(super) fn name(self) -> String {
        match self {
            Kind::Real => "FLOAT32".into(),
            Kind::Bipolar => "BIPOLAR".into(),
            Kind::Range(low, high) if low >= 0 => format!("UINT{}", bits(high).max(1)),
            Kind::Range(low, high) => format!("INT{}", bits(high.max(-low - 1)) + 1),
        }
    }
}

/// Bits of a number that is not negative.
fn bits(value: i64) -> u32 {
    64 - value.leading_zeros()
}

/// A node's constant.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    /// A float.
    Float(f32),
    /// An integer.
    Integer(usize),
    /// A text.
    Text(String),
    /// Integers.
    Integers(Vec<usize>),
}

/// A tensor of the graph: its sizes, batch first, and what its elements are.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    /// Its name.
    pub(super) name: String,
    /// Its sizes.
    pub(super) dims: Vec<usize>,
    /// Its elements.
    pub(super) kind: Kind,
}

/// An operator on tensors.
#[derive(Clone, Debug)]
pub(super) struct Node {
    op: &'static str,
    inputs: Vec<String>,
    attributes: Vec<(&'static str, Attribute)>,
}

impl Node {
    /// An operator that reads these tensors.
    pub(super) fn new(op: &'static str, inputs: &[&str]) -> Node {
        Node {
            op,
            inputs: inputs.iter().map(ToString::to_string).collect(),
            attributes: Vec::new(),
        }
    }

    /// With a constant.
    pub(super) fn with(mut self, name: &'static str, attribute: Attribute) -> Node {
        self.attributes.push((name, attribute));
        self
    }

    fn message(&self, output: &str) -> Message {
        let mut message = Message::default();
        for input in &self.inputs {
            message = message.text(1, input);
        }
        message = message.text(2, output).text(3, output).text(4, self.op);
        for (name, attribute) in &self.attributes {
            message = message.message(5, &attribute.message(name));
        }
        match self.op {
            "Quant" | "BipolarQuant" | "MultiThreshold" => message.text(7, QONNX),
            _ => message,
        }
    }
}

impl Attribute {
    fn message(&self, name: &str) -> Message {
        let message = Message::default().text(1, name);
        match self {
            Attribute::Float(value) => message.float(2, *value).integer(20, 1),
            Attribute::Integer(value) => message.integer(3, *value as i64).integer(20, 2),
            Attribute::Text(text) => message.text(4, text).integer(20, 3),
            Attribute::Integers(values) => values
                .iter()
                .fold(message, |message, value| message.integer(8, *value as i64))
                .integer(20, 7),
        }
    }
}

/// The graph so far.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<(Node, Tensor)>,
    /// Constants, as they stand in the file.
    constants: Vec<Message>,
    /// Data types of constants.
    kinds: Vec<(String, Kind)>,
    /// Single numbers, which are shared, by their bits.
    scalars: HashMap<u32, String>,
    taken: HashSet<String>,
    /// What names begin with.
    scope: String,
}

impl Graph {
    /// A name that no tensor has, this one if it is free.
    pub(super) fn unique(&mut self, wished: &str) -> String {
        let free = |name: &String| !name.is_empty() && !self.taken.contains(name);
        let others = (1..).map(|number| format!("{wished}_{number}"));
        let mut names = std::iter::once(wished.to_string()).chain(others);
        let name = names.find(free).expect("numbers do not end");
        self.taken.insert(name.clone());
        name
    }

    /// Names of tensors begin with this one from now on.
    pub(super) fn enter(&mut self, scope: &str) {
        self.scope = scope.to_string();
    }

    fn scoped(&mut self, part: &str) -> String {
        self.unique(&format!("{}.{part}", self.scope))
    }

    /// Adds a node, and gives its output.
    pub(super) fn node(&mut self, part: &str, node: Node, dims: &[usize], kind: Kind) -> Tensor {
        let tensor = Tensor {
            name: self.scoped(part),
            dims: dims.to_vec(),
            kind,
        };
        self.nodes.push((node, tensor.clone()));
        tensor
    }

    /// Gives the last node's output, which nobody reads yet, another name.
    pub(super) fn rename_last(&mut self, name: &str) -> Option<Tensor> {
        let (_, tensor) = self.nodes.last_mut()?;
        self.taken.remove(&tensor.name);
        tensor.name = name.to_string();
        Some(tensor.clone())
    }

    /// Adds a constant of floats.
    pub(super) fn floats(
        &mut self,
        part: &str,
        dims: &[usize],
        values: &[f32],
        kind: Kind,
    ) -> String {
        let name = self.scoped(part);
        self.constant(&name, dims, 1, bytemuck::cast_slice(values));
        if kind != Kind::Real {
            self.kinds.push((name.clone(), kind));
        }
        name
    }

    /// Adds a constant of 64-bit integers.
    pub(super) fn integers(&mut self, part: &str, values: &[i64]) -> String {
        let name = self.scoped(part);
        self.constant(&name, &[values.len()], 7, bytemuck::cast_slice(values));
        name
    }

    /// A single float, without dimensions.
    pub(super) fn scalar(&mut self, value: f32) -> String {
        if let Some(name) = self.scalars.get(&value.to_bits()) {
            return name.clone();
        }
        let name = self.unique(&format!("scalar {value}"));
        self.constant(&name, &[], 1, &value.to_le_bytes());
        self.scalars.insert(value.to_bits(), name.clone());
        name
    }

    /// `TensorProto`. The bytes are those of a little-endian machine, as all are that this runs on.
    fn constant(&mut self, name: &str, dims: &[usize], kind: i64, bytes: &[u8]) {
        let message = dims.iter().fold(Message::default(), |message, dim| {
            message.integer(1, *dim as i64)
        });
        let message = message.integer(2, kind).text(8, name).bytes(9, bytes);
        self.constants.push(message);
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// `GraphProto` with this name, input and results.
    pub(super) fn message(&self, name: &str, input: &Tensor, results: &[Tensor]) -> Message {
        let mut message = Message::default().text(2, name);
        for (node, output) in &self.nodes {
            message = message.message(1, &node.message(&output.name));
        }
        for constant in &self.constants {
            message = message.message(5, constant);
        }
        message = message.message(11, &input.value_info());
        let is_result = |tensor: &&Tensor| results.iter().any(|result| result.name == tensor.name);
        for result in results {
            message = message.message(12, &result.value_info());
        }
        let tensors = || self.nodes.iter().map(|(_, output)| output);
        for tensor in tensors().filter(|tensor| !is_result(tensor)) {
            message = message.message(13, &tensor.value_info());
        }
        let maps = tensors().chain([input]);
        let maps = maps.map(|tensor| (&tensor.name, tensor.kind));
        let constants = self.kinds.iter().map(|(name, kind)| (name, *kind));
        for (name, kind) in maps.chain(constants) {
            if kind != Kind::Real {
                message = message.message(14, &annotation(name, kind));
            }
        }
        message
    }
}

impl Tensor {
    /// `ValueInfoProto` of a tensor of floats.
    fn value_info(&self) -> Message {
        let dim = |dim: &usize| Message::default().integer(1, *dim as i64);
        let shape = self.dims.iter().fold(Message::default(), |shape, size| {
            shape.message(1, &dim(size))
        });
        let tensor = Message::default().integer(1, 1).message(2, &shape);
        let kind = Message::default().message(1, &tensor);
        Message::default().text(1, &self.name).message(2, &kind)
    }
}

/// `TensorAnnotation` with QONNX's data type.
fn annotation(name: &str, kind: Kind) -> Message {
    let entry = entry("finn_datatype", &kind.name());
    Message::default().text(1, name).message(2, &entry)
}

/// `StringStringEntryProto`.
pub(super) fn entry(key: &str, value: &str) -> Message {
    Message::default().text(1, key).text(2, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_types_are_the_smallest() {
        let cases = [
            ((0, 255), "UINT8"),
            ((0, 7), "UINT3"),
            ((0, 0), "UINT1"),
            ((-128, 127), "INT8"),
            ((-129, 0), "INT9"),
            ((-1, 0), "INT1"),
            ((-1, 1), "INT2"),
            ((-114, 141), "INT9"),
        ];
        for ((low, high), expected) in cases {
            assert_eq!(Kind::Range(low, high).name(), expected);
        }
    }

    #[test]
    fn no_two_tensors_have_one_name() {
        let mut graph = Graph::default();
        assert_eq!(graph.unique("conv.sum"), "conv.sum");
        graph.enter("conv");
        let tensor = graph.node("sum", Node::new("Relu", &["x"]), &[1], Kind::Real);
        assert_eq!(tensor.name, "conv.sum_1");
        assert_eq!(graph.unique(""), "_1");
        assert_eq!(graph.scalar(8.0), graph.scalar(8.0));
    }
}
