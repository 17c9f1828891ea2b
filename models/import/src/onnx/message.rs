//! The messages of ONNX, as far as networks need them: model, graph, node, attribute, value.

use super::tensor::Tensor;
use super::wire::{Damage, Fields, Value};
use std::collections::HashMap;

/// The most nodes of a graph, and the most of its constants and of its inputs: in the file they may
/// be two bytes, here they are hundreds.
const MAX_NODES: usize = 1 << 16;

/// The most results of a graph, which every node is looked for in.
const MAX_RESULTS: usize = 1 << 12;

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) producer: String,
    /// The version of the operators.
    pub(super) opset: i64,
    /// Free text by subject.
    pub(super) metadata: HashMap<String, String>,
    pub(super) graph: GraphMessage,
}

/// The graph, as it stands in the file.
#[derive(Debug, Default)]
pub(super) struct GraphMessage {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: HashMap<String, Tensor>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    /// QONNX's names of data types (`UINT4`), by tensor.
    pub(super) kinds: HashMap<String, String>,
}

/// An operator applied to tensors.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) op: String,
    /// Where the operator is defined; empty for ONNX itself.
    pub(super) domain: String,
    /// Tensors it reads; an empty name is one that is left out.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: HashMap<String, Attribute>,
}

/// A constant of a node.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    Float(f32),
    Integer(i64),
    Text(String),
    Tensor(Tensor),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    /// A kind that is not read.
    Other,
}

/// The name, type and sizes of an input or output.
#[derive(Debug, Default)]
pub(super) struct ValueInfo {
    pub(super) name: String,
    /// The number of the element type.
    pub(super) kind: i64,
    /// Sizes; `None` where one is left open.
    pub(super) dims: Vec<Option<usize>>,
}

impl Model {
    /// A model from the bytes of its file.
    pub(super) fn read(message: &[u8]) -> Result<Model, Damage> {
        let mut model = Model::default();
        for field in Fields::new(message) {
            let (number, value) = field?;
            match number {
                2 => model.producer = value.text()?.into(),
                7 => model.graph = GraphMessage::read(value.bytes()?)?,
                14 => {
                    let (subject, text) = entry(value.bytes()?)?;
                    model.metadata.insert(subject, text);
                }
                8 => {
                    let (domain, version) = opset(value.bytes()?)?;
                    if domain.is_empty() || domain == "ai.onnx" {
                        model.opset = version;
                    }
                }
                _ => {}
            }
        }
        Ok(model)
    }
}

/// `StringStringEntryProto`.
fn entry(message: &[u8]) -> Result<(String, String), Damage> {
    let (mut key, mut text) = (String::new(), String::new());
    for field in Fields::new(message) {
        match field? {
            (1, value) => key = value.text()?.into(),
            (2, value) => text = value.text()?.into(),
            _ => {}
        }
    }
    Ok((key, text))
}

/// `TensorAnnotation`: the tensor's name, and QONNX's of its data type.
fn annotation(message: &[u8]) -> Result<(String, Option<String>), Damage> {
    let (mut name, mut kind) = (String::new(), None);
    for field in Fields::new(message) {
        match field? {
            (1, value) => name = value.text()?.into(),
            (2, value) => {
                let (key, text) = entry(value.bytes()?)?;
                kind = kind.or((key == "finn_datatype").then_some(text));
            }
            _ => {}
        }
    }
    Ok((name, kind))
}

fn opset(message: &[u8]) -> Result<(String, i64), Damage> {
    let (mut domain, mut version) = (String::new(), 0);
    for field in Fields::new(message) {
        match field? {
            (1, value) => domain = value.text()?.into(),
            (2, value) => version = value.integer()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

impl GraphMessage {
    fn read(message: &[u8]) -> Result<GraphMessage, Damage> {
        let mut graph = GraphMessage::default();
        for field in Fields::new(message) {
            let (number, value) = field?;
            match number {
                1 => graph.nodes.push(Node::read(value.bytes()?)?),
                5 => {
                    let (name, tensor) = Tensor::read(value.bytes()?)?;
                    graph.constants.insert(name, tensor);
                }
                11 => graph.inputs.push(ValueInfo::read(value.bytes()?)?),
                14 => {
                    let (tensor, kind) = annotation(value.bytes()?)?;
                    graph.kinds.extend(kind.map(|kind| (tensor, kind)));
                }
                12 => graph.outputs.push(ValueInfo::read(value.bytes()?)?),
                _ => {}
            }
            graph.check()?;
        }
        Ok(graph)
    }
}

impl GraphMessage {
    /// Refuses more than is known to be right.
    fn check(&self) -> Result<(), Damage> {
        let counts = [
            ("nodes", self.nodes.len(), MAX_NODES),
            ("constants", self.constants.len(), MAX_NODES),
            ("inputs", self.inputs.len(), MAX_NODES),
            ("results", self.outputs.len(), MAX_RESULTS),
        ];
        match counts.iter().find(|(_, found, most)| found > most) {
            Some((what, _, most)) => Err(format!("a graph of more than {most} {what}")),
            None => Ok(()),
        }
    }
}

impl Node {
    fn read(message: &[u8]) -> Result<Node, Damage> {
        let mut node = Node::default();
        for field in Fields::new(message) {
            let (number, value) = field?;
            match number {
                1 => node.inputs.push(value.text()?.into()),
                2 => node.outputs.push(value.text()?.into()),
                3 => node.name = value.text()?.into(),
                4 => node.op = value.text()?.into(),
                5 => {
                    let (name, attribute) = Attribute::read(value.bytes()?)?;
                    node.attributes.insert(name, attribute);
                }
                7 => node.domain = value.text()?.into(),
                _ => {}
            }
        }
        Ok(node)
    }
}

impl Attribute {
    fn read(message: &[u8]) -> Result<(String, Attribute), Damage> {
        let (mut name, mut attribute, mut kind) = ("", Attribute::Other, 0);
        let (mut floats, mut integers) = (Vec::new(), Vec::new());
        for field in Fields::new(message) {
            let (number, value) = field?;
            match number {
                1 => name = value.text()?,
                2 => attribute = Attribute::Float(value.float()?),
                3 => attribute = Attribute::Integer(value.integer()?),
                4 => attribute = text(value)?,
                5 => attribute = Attribute::Tensor(Tensor::read(value.bytes()?)?.1),
                7 => value.floats(&mut floats)?,
                8 => value.integers(&mut integers)?,
                20 => kind = value.integer()?,
                _ => {}
            }
        }
        // A number that is 0 and a list that is empty need not be written.
        match (&attribute, kind) {
            (_, 6) => attribute = Attribute::Floats(floats),
            (_, 7) => attribute = Attribute::Integers(integers),
            (Attribute::Other, 1) => attribute = Attribute::Float(0.0),
            (Attribute::Other, 2) => attribute = Attribute::Integer(0),
            (Attribute::Other, 0) if !floats.is_empty() => attribute = Attribute::Floats(floats),
            (Attribute::Other, 0) if !integers.is_empty() => {
                attribute = Attribute::Integers(integers);
            }
            _ => {}
        }
        Ok((name.to_string(), attribute))
    }
}

/// A text; other bytes are an attribute that nothing reads.
fn text(value: Value<'_>) -> Result<Attribute, Damage> {
    let text = String::from_utf8(value.bytes()?.to_vec());
    Ok(text.map_or(Attribute::Other, Attribute::Text))
}

impl ValueInfo {
    fn read(message: &[u8]) -> Result<ValueInfo, Damage> {
        let mut info = ValueInfo::default();
        for field in Fields::new(message) {
            match field? {
                (1, value) => info.name = value.text()?.into(),
                (2, value) => info.read_type(value.bytes()?)?,
                _ => {}
            }
        }
        Ok(info)
    }

    /// `TypeProto`, of which the tensor type alone is read.
    fn read_type(&mut self, message: &[u8]) -> Result<(), Damage> {
        for field in Fields::new(message) {
            let (1, tensor) = field? else { continue };
            for field in Fields::new(tensor.bytes()?) {
                match field? {
                    (1, value) => self.kind = value.integer()?,
                    (2, value) => self.dims = dims(value.bytes()?)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn dims(message: &[u8]) -> Result<Vec<Option<usize>>, Damage> {
    let mut dims = Vec::new();
    for field in Fields::new(message) {
        let (1, dim) = field? else { continue };
        let mut size = None;
        for field in Fields::new(dim.bytes()?) {
            if let (1, value) = field? {
                size = usize::try_from(value.integer()?).ok().filter(|n| *n > 0);
            }
        }
        dims.push(size);
    }
    Ok(dims)
}
