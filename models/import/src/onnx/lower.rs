//! Node by node to layers.

use super::graph::Graph;
use super::movement::{moved, moves};
use super::node::{Computed, NodeAt};
use super::patches::{self, Patches};
use super::tensor::Tensor;
use super::view::{self, View};
use super::{activation, affine, convolution, fold, layers, quantized};
use crate::{Error, Result};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use tincy_network::{Builder, Input, Number, Op, Padding, Shape, Source};

/// What a tensor of the file has become.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A map: `[1, channels, height, width]` there, height, width, channels here.
    Map(Source),
    /// Patches of a map, for a convolution to read.
    Patches(Patches),
    /// A map with zeros around it, for a convolution to read.
    Padded(Source, Padding),
    /// Elements of maps in another order.
    View(View),
    /// Numbers that are known.
    Constant(Rc<Tensor>),
}

impl Value {
    /// The map that is read, of views and constants the input for want of one.
    pub(super) fn source(&self) -> Source {
        match self {
            Value::Map(source) | Value::Padded(source, _) => *source,
            Value::Patches(patches) => patches.source,
            Value::View(_) | Value::Constant(_) => Source::Input,
        }
    }
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
    /// What a step of the input's code is in the file, where the input is codes.
    input_step: f64,
    /// Maps of codes that are floats too.
    as_floats: HashMap<Source, Source>,
    /// Weights that may still be taken.
    left: usize,
}

impl<'a> Lowering<'a> {
    /// Turns everything that `ends` need into layers. A step of the input's code, where it is one,
    /// counts `input_step` in the file.
    pub(super) fn run(
        graph: &'a Graph,
        input: Input,
        input_step: f64,
        ends: Vec<&'a str>,
    ) -> Result<Lowering<'a>> {
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
            input_step,
            as_floats: HashMap::new(),
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
        let domain = node.node.domain.as_str();
        if (domain, node.op()) == ("com.microsoft", "QLinearConcat") {
            return quantized::concat(self, node);
        }
        if !matches!(domain, "" | "ai.onnx") {
            return Err(node.wrong(format!(
                "operators of {domain} are not supported; export it without them"
            )));
        }
        if let Some(constants) = fold::folded(self, node)? {
            let values = constants.into_iter().map(|t| Value::Constant(Rc::new(t)));
            self.set_all(node, values.collect());
            return Ok(());
        }
        let value = match node.op() {
            "Constant" => return Ok(()),
            "Conv" | "QLinearConv" => return convolution::convolution(self, node),
            "BatchNormalization" => return affine::normalization(self, node),
            "QuantizeLinear" => return quantized::quantize(self, node),
            "Identity" | "Dropout" => self.value(node, 0)?,
            "DequantizeLinear" => quantized::dequantize(self, node)?,
            "SpaceToDepth" => patches::space_to_depth(self, node)?,
            "Pad" => layers::pad(self, node)?,
            "MaxPool" => layers::max_pool(self, node)?,
            "AveragePool" => layers::average_pool(self, node)?,
            "GlobalAveragePool" => Value::Map({
                let source = self.floats(node, 0)?;
                self.emit(node, Op::GlobalAverage, &[source])?
            }),
            "Resize" | "Upsample" => layers::resize(self, node)?,
            "Add" | "Mul" | "Sub" | "Div" => return layers::binary(self, node),
            op if moves(op) => return self.movement(node),
            _ => match activation::unary(node)? {
                Some(_) => return layers::activation(self, node),
                None => {
                    return Err(node.wrong(
                        "the operator is not supported; export the network without it, or cut it \
                         off before it",
                    ));
                }
            },
        };
        self.set(node.output()?, value);
        Ok(())
    }

    /// A node that only moves elements: as a layer or patches where it is one, else as a view.
    fn movement(&mut self, node: NodeAt<'a>) -> Result<()> {
        let values = match node.op() {
            "Concat" => 0..node.node.inputs.len(),
            _ => 0..1,
        };
        let values = values.map(|i| self.value(node, i));
        let values = values.collect::<Result<Vec<Value>>>()?;
        let maps = values.iter().all(|value| match value {
            Value::Map(_) | Value::Patches(_) => true,
            Value::View(view) => view::channels(self, view).is_some(),
            _ => false,
        });
        let views = values.iter().any(|value| matches!(value, Value::View(_)));
        let whole = match (node.op(), &values[..]) {
            ("Concat", _) if maps && matches!(node.integer("axis", 1)?, 1 | -3) => {
                Some(layers::concat(self, node)?)
            }
            ("Slice", _) if maps && !views => Some(patches::slice(self, node)?),
            ("Gather", [Value::Patches(patches)]) => Some(patches::reordered(self, node, patches)?),
            _ => None,
        };
        if let Some(value) = whole {
            self.set(node.output()?, value);
            return Ok(());
        }
        let views = values.iter().map(|value| self.view(node, value));
        let moved = moved(self, node, &views.collect::<Result<Vec<View>>>()?)?;
        self.set_all(node, moved.into_iter().map(Value::View).collect());
        Ok(())
    }

    /// The elements of a value.
    fn view(&self, node: NodeAt<'a>, value: &Value) -> Result<View> {
        match value {
            Value::View(view) => Ok(view.clone()),
            Value::Map(source) => view::whole(*source, self.tensor(*source).0)
                .ok_or_else(|| node.wrong("its input has too many elements to be moved")),
            _ => Err(node.wrong("constants, patches or zeros around maps cannot be moved so")),
        }
    }

    /// Notes what all outputs of a node have become.
    fn set_all(&mut self, node: NodeAt<'a>, values: Vec<Value>) {
        for (name, value) in node.node.outputs.iter().zip(values) {
            self.set(name, value);
        }
    }

    /// The sizes of a tensor that is known by now.
    pub(super) fn dims(&self, tensor: &str) -> Option<Vec<usize>> {
        match self.values.get(tensor) {
            Some(Value::View(view)) => Some(view.dims.clone()),
            Some(Value::Constant(constant)) => Some(constant.dims.clone()),
            Some(value) => {
                let shape = self.shape(value);
                Some(vec![1, shape.channels, shape.height, shape.width])
            }
            None => Some(self.graph.constant(tensor)?.dims.clone()),
        }
    }

    /// A constant of the file, or one that was computed.
    pub(super) fn constant_named(&self, name: &str) -> Option<Cow<'_, Tensor>> {
        match self.values.get(name) {
            Some(Value::Constant(constant)) => Some(Cow::Borrowed(constant)),
            _ => self.graph.constant(name).map(Cow::Borrowed),
        }
    }

    /// Input `i` of a node, which must be a constant.
    pub(super) fn constant(&self, node: NodeAt<'_>, i: usize) -> Result<Cow<'_, Tensor>> {
        let name = node.input(i)?;
        self.constant_named(name).ok_or_else(|| {
            node.wrong(format!(
                "input {i} (`{name}`) must be a constant; fold constants at export"
            ))
        })
    }

    /// The real value of a step of a map; 1 of floats.
    pub(super) fn step(&self, source: Source) -> f64 {
        match (source, self.tensor(source).1) {
            (_, Number::F32) => 1.0,
            (Source::Input, _) => self.input_step,
            (_, Number::Code(code)) => code.scale,
        }
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

    /// Input `i` of a node: a map, of which a view becomes one.
    pub(super) fn map(&mut self, node: NodeAt<'a>, i: usize) -> Result<Source> {
        match self.value(node, i)? {
            Value::Map(source) => Ok(source),
            Value::View(view) => {
                let map = view::map(self, node, &view)?;
                self.set(node.input(i)?, Value::Map(map));
                Ok(map)
            }
            Value::Patches(_) => {
                Err(node.wrong("only a convolution can read every n-th row or column of a map"))
            }
            Value::Padded(..) => Err(node.wrong("only a convolution can read zeros around a map")),
            Value::Constant(_) => Err(node.wrong(format!("input {i} is a constant, not a map"))),
        }
    }

    /// Input `i` of a node: a map of floats.
    pub(super) fn floats(&mut self, node: NodeAt<'a>, i: usize) -> Result<Source> {
        let source = self.map(node, i)?;
        if let Some(floats) = self.as_floats.get(&source) {
            return Ok(*floats);
        }
        let floats = quantized::as_floats(self, node, source)?;
        self.as_floats.insert(source, floats);
        Ok(floats)
    }

    /// Input `i` of a convolution: a map, patches of one, or one with zeros around it.
    pub(super) fn channels(&mut self, node: NodeAt<'a>, i: usize) -> Result<Value> {
        match self.value(node, i)? {
            value @ (Value::Patches(_) | Value::Padded(..)) => Ok(value),
            _ => self.map(node, i).map(Value::Map),
        }
    }

    /// Shape and number type of a map.
    pub(super) fn tensor(&self, source: Source) -> (Shape, Number) {
        self.builder.tensor(source)
    }

    /// Shape of a value.
    pub(super) fn shape(&self, value: &Value) -> Shape {
        match value {
            Value::Patches(patches) => patches.shape(self.tensor(patches.source).0),
            value => self.tensor(value.source()).0,
        }
    }

    /// Adds a layer that is named for its node.
    pub(super) fn emit(&mut self, node: NodeAt<'a>, op: Op, inputs: &[Source]) -> Result<Source> {
        let own = node.name();
        let mut name = own.to_string();
        let mut count = 0;
        while self.names.contains(&name) {
            name = match count {
                0 => format!("{own} ({})", node.index),
                _ => format!("{own} ({}.{count})", node.index),
            };
            count += 1;
        }
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

    /// The map of floats that results have become, one beside the other.
    pub(super) fn end(&mut self, tensors: &[&'a str]) -> Result<Source> {
        let mut parts = Vec::new();
        for tensor in tensors {
            parts.push(self.end_view(tensor)?);
        }
        let name = tensors.first().copied().unwrap_or_default();
        let node = self.graph.producer(name);
        let node = node.ok_or_else(|| self.no_map(name))?;
        let joined = View::joined(&parts, 1).ok_or_else(|| self.no_map(name))?;
        view::map(self, node, &joined)
    }

    /// The elements of a result, as floats.
    fn end_view(&mut self, tensor: &'a str) -> Result<View> {
        let node = self.graph.producer(tensor);
        let (Some(value), Some(node)) = (self.values.get(tensor).cloned(), node) else {
            return Err(self.no_map(tensor));
        };
        let source = match &value {
            Value::View(view) => {
                let codes = |(source, _): &view::Place| self.tensor(*source).1 != Number::F32;
                if !view.elements.iter().any(codes) {
                    return Ok(view.clone());
                }
                view::map(self, node, view)?
            }
            Value::Map(source) => *source,
            _ => return Err(self.no_map(tensor)),
        };
        let floats = quantized::as_floats(self, node, source)?;
        self.view(node, &Value::Map(floats))
    }

    fn no_map(&self, tensor: &str) -> Error {
        let what = format!("result `{tensor}` is no map that a layer makes");
        Error::file(&self.graph.path, what)
    }

    /// The builder with all layers.
    pub(super) fn finish(self) -> Builder {
        self.builder
    }
}

impl Computed for Lowering<'_> {
    fn tensor_of(&self, node: NodeAt<'_>, i: usize) -> Result<Cow<'_, Tensor>> {
        self.constant(node, i)
    }
}
