//! Node by node: constants are computed, functions wait in chains, and everything else becomes layers.

use super::fold::{self, Constants, MAX_RANK};
use super::input::input;
use super::linear::{self, Matrix};
use super::own;
use super::step::Step;
use super::value::{Base, Chain, Map, Value};
use super::{moves, nodes};
use crate::onnx::graph::Graph;
use crate::onnx::node::NodeAt;
use crate::onnx::tensor::Tensor;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use tincy_network::{Builder, Head, Number, Op, Shape, Source};

/// Where QONNX, its ancestors and FINN define their operators.
const DOMAINS: [&str; 4] = [
    "qonnx.custom_op",
    "finn.custom_op",
    "onnx.brevitas",
    "brevitas",
];

/// The most functions that wait for a layer; a damaged file must not ask for unbounded work.
const MAX_CHAIN: usize = 256;

/// A network half built.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    pub(super) constants: Constants<'a>,
    /// Whether a window can reach beyond its map, where zeros are: codes must have one then.
    pub(super) is_padded: bool,
    /// Tensors that are results.
    ends: Vec<&'a str>,
    builder: Builder,
    values: HashMap<&'a str, Value<'a>>,
    names: HashSet<String>,
    done: Vec<bool>,
}

impl<'a> Lowering<'a> {
    /// The layers of a graph.
    pub(super) fn run(graph: &'a Graph) -> Result<Builder> {
        let ends = graph.outputs().iter().map(|output| scores(graph, output));
        let ends = ends.collect::<Result<Vec<&str>>>()?;
        let own = own::read(graph)?;
        let (input, value) = input(graph, own.as_ref())?;
        let name = crate::files::name(&graph.path.with_extension(""));
        let builder = Builder::new(name, input).map_err(Error::network(&graph.path))?;
        let needed = graph.needed(&ends);
        let is_padded = |index: &usize| needed[*index] && pads(graph.node(*index));
        let mut lowering = Lowering {
            graph,
            constants: Constants::new(graph),
            is_padded: (0..graph.nodes.len()).any(|index| is_padded(&index)),
            ends: ends.clone(),
            builder,
            values: HashMap::from([(graph.input()?.name.as_str(), value)]),
            names: HashSet::new(),
            done: needed.iter().map(|needed| !needed).collect(),
        };
        for index in 0..graph.nodes.len() {
            if !lowering.done[index] {
                lowering.node(graph.node(index))?;
            }
        }
        for end in ends {
            let source = lowering.end(end)?;
            lowering.builder.output_tensor(source);
        }
        let Some(own) = own else {
            return Ok(lowering.builder);
        };
        for head in own.heads {
            let tensor = lowering.ends.iter().find(|end| **end == head.tensor);
            let tensor = *tensor.ok_or_else(|| {
                let what = format!(
                    "its metadata tells of a head `{}` that is no result",
                    head.tensor
                );
                Error::file(&graph.path, what)
            })?;
            let source = lowering.end(tensor)?;
            lowering.builder.head(Head {
                source,
                classes: head.classes,
                kind: head.kind,
            });
        }
        lowering.builder.classes(own.classes);
        Ok(lowering.builder)
    }

    fn node(&mut self, node: NodeAt<'a>) -> Result<()> {
        let domain = node.node.domain.as_str();
        let is_known = DOMAINS.iter().any(|known| domain.starts_with(known));
        if !is_known && !matches!(domain, "" | "ai.onnx") {
            return Err(node.wrong(format!("operators of {domain} are not supported")));
        }
        if node.op() == "Constant" {
            return Ok(());
        }
        if self.constants.has_all(node) {
            let tensor = self.constants.evaluate(node)?;
            self.constants.insert(node.output()?, tensor);
            return Ok(());
        }
        if node.op() == "Shape" {
            let value = self.value(node, 0)?;
            let dims = fold::sizes(&value.layout.dims(value.shape()));
            self.constants.insert(node.output()?, dims);
            return Ok(());
        }
        let value = match self.function(node)? {
            Some(value) => value,
            None => self.layer(node)?,
        };
        let output = node.output()?;
        self.values.insert(output, value);
        Ok(())
    }

    fn layer(&mut self, node: NodeAt<'a>) -> Result<Value<'a>> {
        match node.op() {
            "Conv" => linear::convolution(self, node),
            "MatMul" => linear::mat_mul(self, node),
            "Gemm" => linear::gemm(self, node),
            "MVAU_hls"
            | "MVAU_rtl"
            | "MVAU"
            | "MatrixVectorActivation"
            | "StreamingFCLayer_Batch" => linear::mvau(self, node),
            "Im2Col" => linear::patches(self, node),
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => self.reshape(node),
            "Transpose" => {
                let value = self.value(node, 0)?;
                let order = fold::order(node, value.layout.rank())?;
                let layout = value.layout.transposed(&order);
                Ok(Value { layout, ..value })
            }
            "Add" | "Sub" => moves::add(self, node),
            "Mul" => moves::multiply(self, node),
            _ => moves::layer(self, node),
        }
    }

    fn reshape(&mut self, node: NodeAt<'a>) -> Result<Value<'a>> {
        let value = self.value(node, 0)?;
        let dims = value.layout.dims(value.shape());
        let new = self.constants.dims(node, &dims)?;
        if let Some(layout) = value.layout.reshaped(value.shape(), &new) {
            return Ok(Value { layout, ..value });
        }
        match moves::reorg(self, node, &new)? {
            Some(value) => Ok(value),
            None => Err(node.wrong(format!(
                "{dims:?} to {new:?} cuts an axis, which is not supported"
            ))),
        }
    }

    /// A node that is a function of each number of one tensor; the others are constants.
    fn function(&mut self, node: NodeAt<'a>) -> Result<Option<Value<'a>>> {
        let inputs = node.node.inputs.iter().enumerate();
        let mut maps = inputs.filter(|(_, name)| self.values.contains_key(name.as_str()));
        let (Some((data, _)), None) = (maps.next(), maps.next()) else {
            return Ok(None);
        };
        let mut value = self.taken(node, data)?;
        let steps = nodes::steps(node, &self.constants, data, value.layout.rank())?;
        let Some(steps) = steps else {
            self.set(node, data, value)?;
            return Ok(None);
        };
        if value.chain.len() + steps.len() > MAX_CHAIN {
            return Err(node.wrong("more functions in a row than a network has"));
        }
        let axis = match node.op() {
            "MultiThreshold" => Some(threshold_axis(node, value.layout.rank())?),
            _ => None,
        };
        self.push_all(node, &mut value, steps, axis)?;
        value.node = Some(node);
        Ok(Some(value))
    }

    /// Puts functions at the end of a chain. Lists of thresholds belong to axis `lists` of the tensor.
    pub(super) fn push_all(
        &self,
        node: NodeAt<'a>,
        value: &mut Value<'a>,
        steps: nodes::Steps,
        lists: Option<usize>,
    ) -> Result<()> {
        for step in steps {
            if let (Step::Count { lists: count, .. }, Some(axis)) = (&step, lists)
                && *count > 1
            {
                let channels = value.shape().channels;
                let is_channel = axis < value.layout.rank() && value.layout.is_channel(axis);
                if !is_channel || *count != channels {
                    let what = format!(
                        "thresholds for {count} channels, the map is {}",
                        value.shape()
                    );
                    return Err(node.wrong(what));
                }
            }
            let step = step.map(|constant| by_channel(node, value, &constant))?;
            value.chain.push(step);
        }
        Ok(())
    }

    /// Puts a function at the end of input `i`'s chain, where it is the network's input.
    pub(super) fn push(&mut self, node: NodeAt<'a>, i: usize, step: Step<Vec<f32>>) -> Result<()> {
        let mut value = self.value(node, i)?;
        if let Base::Map(Map { levels: None, .. }) = value.base
            && !value.chain.iter().any(Step::is_discrete)
        {
            value.chain.push(step);
            self.values.insert(node.input(i)?, value);
        }
        Ok(())
    }

    /// With the bias of a linear layer, if input `i` is there.
    pub(super) fn with_bias(
        &self,
        node: NodeAt<'a>,
        mut value: Value<'a>,
        i: usize,
    ) -> Result<Value<'a>> {
        if node.optional_input(i).is_none() {
            return Ok(value);
        }
        let bias = self.constants.of_node(node, i)?;
        let numbers = bias.numbers().unwrap_or_default();
        if numbers.len() != 1 && numbers.len() != value.shape().channels {
            let (expected, found) = (value.shape().channels, bias.describe());
            return Err(node.wrong(format!("{expected} biases are expected, found {found}")));
        }
        value.chain.push(Step::Add(numbers));
        Ok(value)
    }

    /// What input `i` of a node has become.
    pub(super) fn value(&self, node: NodeAt<'a>, i: usize) -> Result<Value<'a>> {
        let name = node.input(i)?;
        match self.values.get(name) {
            Some(value) => Ok(value.clone()),
            None if self.constants.get(name).is_some() => Err(node.wrong(format!(
                "input {i} (`{name}`) is a constant; it must be a map"
            ))),
            None => Err(node.wrong(format!("input {i} (`{name}`) is made by no node before it"))),
        }
    }

    /// The same for the one node that reads it, or one of several.
    fn taken(&mut self, node: NodeAt<'a>, i: usize) -> Result<Value<'a>> {
        let name = node.input(i)?;
        let is_end = self.ends.contains(&name);
        match self.graph.readers(name) {
            [_] if !is_end => {
                let value = self.values.remove(name);
                value.ok_or_else(|| node.wrong(format!("input {i} (`{name}`) is not there")))
            }
            _ => self.value(node, i),
        }
    }

    /// Notes what input `i` of a node has become now.
    pub(super) fn set(&mut self, node: NodeAt<'a>, i: usize, value: Value<'a>) -> Result<()> {
        self.values.insert(node.input(i)?, value);
        Ok(())
    }

    /// Notes what a tensor has become.
    pub(super) fn insert(&mut self, tensor: &'a str, value: Value<'a>) {
        self.values.insert(tensor, value);
    }

    /// Input `i` of a node: constant weights.
    pub(super) fn weights(&self, node: NodeAt<'a>, i: usize) -> Result<Matrix> {
        let tensor = self.constants.of_node(node, i)?;
        Matrix::new(tensor).ok_or_else(|| node.wrong(format!("weights of {}", tensor.describe())))
    }

    /// Shape and number type of a map of the network.
    pub(super) fn tensor(&self, source: Source) -> (Shape, Number) {
        self.builder.tensor(source)
    }

    /// Adds a layer that is named for a node.
    pub(super) fn emit(
        &mut self,
        node: Option<NodeAt<'a>>,
        op: Op,
        inputs: &[Source],
    ) -> Result<Source> {
        let wished = node.map_or("input", |node| node.name());
        let others = (2..).map(|number| format!("{wished} ({number})"));
        let mut names = std::iter::once(wished.to_string()).chain(others);
        let name = names.find(|name| !self.names.contains(name));
        let name = name.unwrap_or_default();
        self.names.insert(name.clone());
        let layer = self.builder.layer(name, op, inputs);
        layer.map_err(Error::network(&self.graph.path))
    }

    /// Marks a node as done, with those before it.
    pub(super) fn done(&mut self, index: usize) {
        self.done[index] = true;
    }

    /// A result, as numbers.
    fn end(&mut self, tensor: &'a str) -> Result<Source> {
        let value = self.values.get(tensor).cloned();
        let value = value.ok_or_else(|| {
            let what = format!("result `{tensor}` depends on no input");
            Error::file(&self.graph.path, what)
        })?;
        let map = self.real(value.clone())?;
        let source = map.source;
        // Heads ask for it again.
        let value = Value {
            base: Base::Map(map),
            chain: Chain::new(),
            ..value
        };
        self.values.insert(tensor, value);
        Ok(source)
    }
}

/// The tensor before an operator that says which number is the largest: that is for the reader to see.
fn scores<'a>(graph: &'a Graph, output: &'a str) -> Result<&'a str> {
    match graph.producer(output) {
        Some(node) if matches!(node.op(), "TopK" | "ArgMax") => node.input(0),
        _ => Ok(output),
    }
}

/// Whether a node adds zeros around a map.
fn pads(node: NodeAt<'_>) -> bool {
    let list = |name| node.list(name).ok().flatten().unwrap_or(&[]);
    let is_convolution = matches!(node.op(), "Conv" | "Im2Col");
    let mut sides = list("pads").iter().chain(list("pad_amount"));
    is_convolution
        && (sides.any(|side| *side != 0)
            || node
                .text("auto_pad", "NOTSET")
                .is_ok_and(|way| way.starts_with("SAME")))
}

/// The axis of channels for `MultiThreshold`.
fn threshold_axis(node: NodeAt<'_>, rank: usize) -> Result<usize> {
    let default = match rank {
        2 => "NC",
        3 => "NWC",
        _ => "NCHW",
    };
    let layout = match node.text("data_layout", default)? {
        "" => default,
        layout => layout,
    };
    let axis = layout.chars().position(|axis| axis == 'C').unwrap_or(1);
    Ok(axis)
}

/// A constant that goes with a tensor, as one number or one for each channel.
fn by_channel(node: NodeAt<'_>, value: &mut Value<'_>, constant: &Tensor) -> Result<Vec<f32>> {
    let numbers = constant.numbers().unwrap_or_default();
    let dims = value.layout.dims(value.shape());
    let rank = dims.len().max(constant.dims.len());
    let wrong = || {
        let found = constant.describe();
        node.wrong(format!(
            "a constant of one number or one for each channel is expected for {dims:?}, found {found}"
        ))
    };
    if rank > MAX_RANK {
        return Err(wrong());
    }
    value.layout = value.layout.clone().deeper(rank);
    let own = (0..constant.dims.len()).filter(|axis| constant.dims[*axis] != 1);
    let mut own = own.map(|axis| axis + rank - constant.dims.len());
    match (own.next(), own.next()) {
        (None, _) if numbers.len() == 1 => Ok(numbers),
        (Some(axis), None)
            if value.layout.is_channel(axis) && numbers.len() == value.shape().channels =>
        {
            Ok(numbers)
        }
        _ => Err(wrong()),
    }
}
