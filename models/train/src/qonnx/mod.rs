//! Networks to QONNX: ONNX with quantized weights, thresholds, and data types of a few bits.
//!
//! The operators are those of ONNX's opset 13 and of the domain `qonnx.custom_op.general` (`Quant`,
//! `BipolarQuant`, `MultiThreshold`), whose definition is the `qonnx` package. Maps are `[1, channels,
//! height, width]`, and integers are carried in floats, which hold them exactly: a layer whose sums
//! could leave 24 bits is refused. What a finish does to a sum becomes thresholds that are found with
//! the finish itself, so that every code is the engine's.
//!
//! Layers of floats stay floats; such a network becomes a model of plain ONNX.
//!
//! The model takes what the network's [`Input`](tincy_network::Input) says, codes as numbers, and gives
//! the maps that heads read; boxes are made outside. Name, input, heads, class names and provenance stand
//! in the model's metadata, as JSON. Tensors are named as the layers that make them.
//!
//! | module | subject |
//! | --- | --- |
//! | `wire` | protocol buffers |
//! | `graph` | nodes, constants, data types |
//! | `steps` | finishes as thresholds |
//! | `count` | thresholds as nodes |
//! | `convolution` | convolutions and their finishes |
//! | `activation` | functions of real maps |
//! | `layers` | all other layers |
//! | [`maps`] | what the engine computes, to compare with |

mod activation;
mod convolution;
mod count;
mod graph;
mod layers;
pub mod maps;
mod steps;
mod wire;

use crate::Error;
use graph::{Graph, Node, QONNX, Tensor, entry};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use tincy_network::{Network, Op, Source};
use wire::Message;

/// ONNX's file format, and its operators.
const IR_VERSION: i64 = 7;
const OPSET: i64 = 13;

/// The most bytes that a protocol buffer can have.
const MAX_BYTES: usize = i32::MAX as usize;

/// A network as a QONNX model.
#[derive(Clone, Debug)]
pub struct Model {
    /// The file.
    pub bytes: Vec<u8>,
    /// Operators in it.
    pub nodes: usize,
}

impl Model {
    /// Translates a network.
    ///
    /// # Errors
    /// If a layer cannot be said exactly: its name, and why.
    pub fn new(network: &Network) -> Result<Model, Error> {
        let mut lowering = Lowering::new(network);
        for index in 0..network.layers().len() {
            lowering.layer(index)?;
        }
        let results = lowering.results();
        // A graph must have a name.
        let name = if network.name().is_empty() {
            "network"
        } else {
            network.name()
        };
        let graph = lowering.graph.message(name, &lowering.input, &results);
        let bytes = model(network, &lowering.names, &graph).into_bytes();
        if bytes.len() > MAX_BYTES {
            let what = format!("{} bytes are more than an ONNX file can have", bytes.len());
            return Err(tincy_network::Error::Network(what).into());
        }
        Ok(Model {
            bytes,
            nodes: lowering.graph.len(),
        })
    }

    /// Writes the file. It appears whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write(path, &self.bytes)
    }
}

/// Writes beside a path, then renames.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|source| {
        // The error that matters is the first one.
        let _ = std::fs::remove_file(&part);
        let path = path.to_path_buf();
        tincy_network::Error::Io { path, source }.into()
    })
}

/// Names of the tensors.
#[derive(Debug)]
struct Names {
    input: String,
    layers: Vec<String>,
}

impl Names {
    /// Those of the layers, each its own; the input's beside them.
    fn new(network: &Network, graph: &mut Graph) -> Names {
        let layers = network.layers().iter().map(|layer| layer.name());
        let layers = layers.map(|name| graph.unique(name)).collect();
        Names {
            input: graph.unique("input"),
            layers,
        }
    }

    fn of(&self, source: Source) -> &str {
        match source {
            Source::Input => &self.input,
            Source::Layer(index) => &self.layers[index],
        }
    }
}

/// A network on its way.
struct Lowering<'a> {
    network: &'a Network,
    graph: Graph,
    names: Names,
    input: Tensor,
    layers: Vec<Tensor>,
    /// Maps of codes less their zero points.
    centred: HashMap<Source, Tensor>,
}

impl Lowering<'_> {
    fn new(network: &Network) -> Lowering<'_> {
        let mut graph = Graph::default();
        let names = Names::new(network, &mut graph);
        let input = network.input();
        Lowering {
            network,
            graph,
            input: Tensor {
                name: names.input.clone(),
                dims: layers::dims(input.shape).to_vec(),
                kind: convolution::number(input.number),
            },
            names,
            layers: Vec::new(),
            centred: HashMap::new(),
        }
    }

    fn tensor(&self, source: Source) -> Tensor {
        match source {
            Source::Input => self.input.clone(),
            Source::Layer(index) => self.layers[index].clone(),
        }
    }

    fn layer(&mut self, index: usize) -> Result<(), Error> {
        let layer = &self.network.layers()[index];
        self.graph.enter(&self.names.layers[index]);
        if let Op::Convolution(convolution) = layer.op() {
            let source = layer.inputs()[0];
            let read = self.network.tensor(source).1;
            let input = self.centred(source);
            let (name, shape) = (layer.name(), layer.shape());
            convolution::convolution(&mut self.graph, name, &input, read, convolution, shape)?;
        } else {
            let inputs: Vec<_> = layer
                .inputs()
                .iter()
                .map(|input| self.tensor(*input))
                .collect();
            layers::layer(&mut self.graph, layer, &inputs)?;
        }
        let output = self.graph.rename_last(&self.names.layers[index]);
        self.layers.push(output.expect("every layer has a node"));
        Ok(())
    }

    /// A map as convolutions read it.
    fn centred(&mut self, source: Source) -> Tensor {
        let map = self.tensor(source);
        match self.network.tensor(source).1.code() {
            Some(code) if code.zero != 0 => {
                let graph = &mut self.graph;
                let centred = || layers::without_zero(graph, &map, code);
                self.centred.entry(source).or_insert_with(centred).clone()
            }
            _ => map,
        }
    }

    /// The results. An input that is one passes through a node, as ONNX wants it.
    fn results(&mut self) -> Vec<Tensor> {
        let mut results = Vec::new();
        for source in self.network.outputs() {
            let tensor = self.tensor(*source);
            results.push(match source {
                Source::Input => {
                    let node = Node::new("Identity", &[&tensor.name]);
                    self.graph.enter(&tensor.name);
                    self.graph.node("same", node, &tensor.dims, tensor.kind)
                }
                Source::Layer(_) => tensor,
            });
        }
        results
    }
}

/// `ModelProto`.
fn model(network: &Network, names: &Names, graph: &Message) -> Message {
    let opset = |domain: &str, version| Message::default().text(1, domain).integer(2, version);
    let model = Message::default()
        .integer(1, IR_VERSION)
        .text(2, "tincy-train")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph)
        .message(8, &opset("", OPSET))
        .message(8, &opset(QONNX, 1));
    let metadata = metadata(network, names).into_iter();
    metadata.fold(model, |model, (key, value)| {
        model.message(14, &entry(key, &value.to_string()))
    })
}

/// What the graph does not say, each a JSON value.
fn metadata(network: &Network, names: &Names) -> [(&'static str, Value); 5] {
    let heads = network.heads().iter().map(
        |head| json!({"tensor": names.of(head.source), "classes": head.classes, "kind": head.kind}),
    );
    [
        ("name", json!(network.name())),
        ("input", json!(network.input())),
        ("heads", heads.collect()),
        ("classes", json!(network.classes())),
        ("provenance", json!(network.provenance())),
    ]
}
