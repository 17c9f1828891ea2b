//! Node by node to layers.

use super::activation;
use super::graph::Graph;
use super::node::NodeAt;
use super::patches::{self, Patches};
use super::{convolution, layers};
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use tincy_network::{Builder, Input, Number, Op, Shape, Source};

/// What a tensor of the file has become.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A map: `[1, channels, height, width]` there, height, width, channels here.
    Map(Source),
    /// Patches of a map, for a convolution to read.
    Patches(Patches),
}

/// How many times the floats of a file may stand in a network: nodes can share a constant, and
/// patches make weights more.
const MOST_COPIES: usize = 16;

/// Floats that are no reason to refuse a file, however short.
const FEW: usize = 1 << 20;

/// A network half built.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    /// Tensors that must come out as they are.
    pub(super) ends: Vec<&'a str>,
    builder: Builder,
    values: HashMap<&'a str, Value>,
    done: Vec<bool>,
    names: HashSet<String>,
    /// Weights that may still be taken.
    left: usize,
}

impl<'a> Lowering<'a> {
    /// Turns everything that `ends` need into layers.
    pub(super) fn run(graph: &'a Graph, input: Input, ends: Vec<&'a str>) -> Result<Lowering<'a>> {
        let name = crate::files::name(&graph.path.with_extension(""));
        let builder = Builder::new(name, input).map_err(Error::network(&graph.path))?;
        let needed = graph.needed(&ends);
        let mut lowering = Lowering {
            graph,
            ends,
            builder,
            values: HashMap::new(),
            done: vec![false; graph.nodes.len()],
            names: HashSet::new(),
            left: graph
                .floats()
                .saturating_mul(MOST_COPIES)
                .saturating_add(FEW),
        };
        let input = graph.input()?.name.as_str();
        lowering.set(input, Value::Map(Source::Input));
        for index in 0..graph.nodes.len() {
            if needed[index] && !lowering.done[index] {
                lowering.node(graph.node(index))?;
            }
        }
        Ok(lowering)
    }

    fn node(&mut self, node: NodeAt<'a>) -> Result<()> {
        if !matches!(node.node.domain.as_str(), "" | "ai.onnx") {
            let domain = &node.node.domain;
            return Err(node.wrong(format!("operators of {domain} are not supported")));
        }
        let value = match node.op() {
            "Constant" => return Ok(()),
            "Conv" => return convolution::convolution(self, node),
            "Identity" | "Dropout" => self.value(node, 0)?,
            "Slice" => patches::slice(self, node)?,
            "SpaceToDepth" => patches::space_to_depth(self, node)?,
            "Concat" => layers::concat(self, node)?,
            "MaxPool" => layers::max_pool(self, node)?,
            "GlobalAveragePool" => Value::Map({
                let source = self.map(node, 0)?;
                self.emit(node, Op::GlobalAverage, &[source])?
            }),
            "Resize" | "Upsample" => layers::resize(self, node)?,
            "Add" | "Mul" => return layers::binary(self, node),
            _ => match activation::unary(node)? {
                Some(_) => return layers::activation(self, node),
                None => return Err(node.wrong("the operator is not supported")),
            },
        };
        self.set(node.output()?, value);
        Ok(())
    }

    /// What input `i` of a node has become.
    pub(super) fn value(&self, node: NodeAt<'a>, i: usize) -> Result<Value> {
        let name = node.input(i)?;
        match self.values.get(name) {
            Some(value) => Ok(value.clone()),
            None if self.graph.constant(name).is_some() => Err(node.wrong(format!(
                "input {i} (`{name}`) is a constant; it must be a map"
            ))),
            None => Err(node.wrong(format!("input {i} (`{name}`) is made by no node before it"))),
        }
    }

    /// Input `i` of a node: a map.
    pub(super) fn map(&self, node: NodeAt<'a>, i: usize) -> Result<Source> {
        match self.value(node, i)? {
            Value::Map(source) => Ok(source),
            Value::Patches(_) => {
                Err(node.wrong("only a convolution can read every n-th row or column of a map"))
            }
        }
    }

    /// Shape and number type of a map.
    pub(super) fn tensor(&self, source: Source) -> (Shape, Number) {
        self.builder.tensor(source)
    }

    /// Shape of a value.
    pub(super) fn shape(&self, value: &Value) -> Shape {
        match value {
            Value::Map(source) => self.tensor(*source).0,
            Value::Patches(patches) => patches.shape(self.tensor(patches.source).0),
        }
    }

    /// Adds a layer that is named for its node.
    pub(super) fn emit(&mut self, node: NodeAt<'a>, op: Op, inputs: &[Source]) -> Result<Source> {
        let name = match self.names.contains(node.name()) {
            false => node.name().to_string(),
            true => format!("{} ({})", node.name(), node.index),
        };
        self.layer(name, op, inputs)
    }

    /// Adds a layer.
    pub(super) fn layer(&mut self, name: String, op: Op, inputs: &[Source]) -> Result<Source> {
        self.names.insert(name.clone());
        let layer = self.builder.layer(name, op, inputs);
        layer.map_err(Error::network(&self.graph.path))
    }

    /// Counts the weights of a node before they are copied.
    pub(super) fn weigh(&mut self, node: NodeAt<'a>, count: usize) -> Result<()> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| {
            node.wrong("with its weights the network is many times as large as the file")
        })?;
        Ok(())
    }

    /// Notes what a tensor has become.
    pub(super) fn set(&mut self, tensor: &'a str, value: Value) {
        self.values.insert(tensor, value);
    }

    /// Marks a node as done.
    pub(super) fn done(&mut self, index: usize) {
        self.done[index] = true;
    }

    /// Marks a node as done; the name of what it makes.
    pub(super) fn take(&mut self, node: NodeAt<'a>) -> Result<&'a str> {
        self.done(node.index);
        node.output()
    }

    /// The node that alone reads a tensor, unless the tensor is a result.
    pub(super) fn only_reader(&self, tensor: &str) -> Option<NodeAt<'a>> {
        match *self.graph.readers(tensor) {
            [only] if !self.ends.contains(&tensor) => Some(self.graph.node(only)),
            _ => None,
        }
    }

    /// The map that one of the ends has become.
    pub(super) fn end(&self, tensor: &str) -> Result<Source> {
        match self.values.get(tensor) {
            Some(Value::Map(source)) => Ok(*source),
            _ => Err(Error::file(
                &self.graph.path,
                format!("result `{tensor}` is no map that a layer makes"),
            )),
        }
    }

    /// The builder with all layers.
    pub(super) fn finish(self) -> Builder {
        self.builder
    }
}
