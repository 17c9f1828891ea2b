//! The graph of a file: who makes a tensor, who reads it, which are constants.

use super::message::{Attribute, GraphMessage, Model, Node, ValueInfo};
use super::node::NodeAt;
use super::tensor::{Data, Tensor};
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The versions of the operators that are read.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=22;

/// The most nodes of a graph; a damaged file must not ask for unbounded work.
const MAX_NODES: usize = 1 << 16;

/// A graph whose tensors can be looked up by name.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) path: PathBuf,
    pub(super) opset: i64,
    /// In running order, as the format demands.
    pub(super) nodes: Vec<Node>,
    constants: HashMap<String, Tensor>,
    inputs: Vec<ValueInfo>,
    outputs: Vec<String>,
    /// Sizes of the results, `None` where one is left open.
    output_dims: Vec<Vec<Option<usize>>>,
    producers: HashMap<String, usize>,
    /// The nodes that read a tensor, one for each time.
    readers: HashMap<String, Vec<usize>>,
}

impl Graph {
    /// The graph of a model.
    pub(super) fn new(path: &Path, model: Model) -> Result<Graph> {
        let GraphMessage {
            nodes,
            constants,
            inputs,
            outputs,
        } = model.graph;
        if !OPSETS.contains(&model.opset) {
            let (first, last) = OPSETS.into_inner();
            let what = format!(
                "operators of opset {} are not read, only {first} to {last}; export it again, or \
                 use a version converter",
                model.opset
            );
            return Err(Error::file(path, what));
        }
        if nodes.is_empty() || nodes.len() > MAX_NODES {
            let what = format!("a graph of {} nodes is no network", nodes.len());
            return Err(Error::file(path, what));
        }
        let mut graph = Graph {
            path: path.to_path_buf(),
            opset: model.opset,
            nodes,
            constants,
            inputs,
            output_dims: outputs.iter().map(|output| output.dims.clone()).collect(),
            outputs: outputs.into_iter().map(|output| output.name).collect(),
            producers: HashMap::new(),
            readers: HashMap::new(),
        };
        graph.index();
        Ok(graph)
    }

    /// Notes who makes and reads what, and takes the values of `Constant` nodes along.
    fn index(&mut self) {
        for (index, node) in self.nodes.iter().enumerate() {
            for input in node.inputs.iter().filter(|input| !input.is_empty()) {
                self.readers.entry(input.clone()).or_default().push(index);
            }
            for output in node.outputs.iter().filter(|output| !output.is_empty()) {
                self.producers.insert(output.clone(), index);
            }
            if let ("Constant", [output]) = (node.op.as_str(), &node.outputs[..])
                && let Some(tensor) = constant(node)
            {
                self.constants.insert(output.clone(), tensor);
            }
        }
    }

    /// A node of the graph.
    pub(super) fn node(&self, index: usize) -> NodeAt<'_> {
        NodeAt {
            graph: self,
            index,
            node: &self.nodes[index],
        }
    }

    /// The node that makes a tensor.
    pub(super) fn producer(&self, tensor: &str) -> Option<NodeAt<'_>> {
        self.producers.get(tensor).map(|index| self.node(*index))
    }

    /// The nodes that read a tensor, one for each time.
    pub(super) fn readers(&self, tensor: &str) -> &[usize] {
        self.readers.get(tensor).map_or(&[], |readers| readers)
    }

    /// A constant, by name.
    pub(super) fn constant(&self, tensor: &str) -> Option<&Tensor> {
        self.constants.get(tensor)
    }

    /// The results.
    pub(super) fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// The sizes of the results, if all are known.
    pub(super) fn output_dims(&self) -> Option<Vec<Vec<usize>>> {
        let dims = |dims: &Vec<Option<usize>>| dims.iter().copied().collect();
        self.output_dims.iter().map(dims).collect()
    }

    /// The one input that is no constant. (Old files list the constants among the inputs.)
    pub(super) fn input(&self) -> Result<&ValueInfo> {
        let mut inputs = self
            .inputs
            .iter()
            .filter(|input| self.constant(&input.name).is_none());
        match (inputs.next(), inputs.next()) {
            (Some(input), None) => Ok(input),
            (None, _) => Err(Error::file(&self.path, "the graph has no input")),
            (Some(first), Some(second)) => {
                let what = format!(
                    "one input is expected, found `{}` and `{}`",
                    first.name, second.name
                );
                Err(Error::file(&self.path, what))
            }
        }
    }

    /// Which nodes these tensors depend on.
    pub(super) fn needed(&self, tensors: &[&str]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        let mut seen: HashSet<&str> = HashSet::new();
        let mut open: Vec<&str> = tensors.to_vec();
        while let Some(tensor) = open.pop() {
            if !seen.insert(tensor) {
                continue;
            }
            if let Some(index) = self.producers.get(tensor) {
                needed[*index] = true;
                open.extend(self.nodes[*index].inputs.iter().map(String::as_str));
            }
        }
        needed
    }
}

/// The value of a `Constant` node, in whichever of its forms.
fn constant(node: &Node) -> Option<Tensor> {
    let kind = |data: &Data| {
        if matches!(data, Data::Floats(_)) {
            1
        } else {
            7
        }
    };
    let list = |data: Data, len| Tensor {
        dims: vec![len],
        kind: kind(&data),
        data,
    };
    let single = |data: Data| Tensor {
        dims: Vec::new(),
        kind: kind(&data),
        data,
    };
    node.attributes
        .iter()
        .find_map(|(name, value)| match (name.as_str(), value) {
            ("value", Attribute::Tensor(tensor)) => Some(tensor.clone()),
            ("value_float", Attribute::Float(x)) => Some(single(Data::Floats(vec![*x]))),
            ("value_int", Attribute::Integer(x)) => Some(single(Data::Integers(vec![*x]))),
            ("value_floats", Attribute::Floats(values)) => {
                Some(list(Data::Floats(values.clone()), values.len()))
            }
            ("value_ints", Attribute::Integers(values)) => {
                Some(list(Data::Integers(values.clone()), values.len()))
            }
            _ => None,
        })
}
