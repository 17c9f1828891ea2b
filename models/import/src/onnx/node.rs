//! One node: its constants by name, and errors that say where it stands.

use super::graph::Graph;
use super::message::{Attribute, Node};
use super::tensor::Tensor;
use crate::{Error, Result};
use std::borrow::Cow;

/// A node and its graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeAt<'a> {
    pub(super) graph: &'a Graph,
    pub(super) index: usize,
    pub(super) node: &'a Node,
}

/// Whoever knows the constants of a graph: those of the file, and those that were computed.
pub(super) trait Computed {
    /// Input `i` of a node, which must be a constant.
    fn tensor_of(&self, node: NodeAt<'_>, i: usize) -> Result<Cow<'_, Tensor>>;

    /// Input `i` of a node: constant integers.
    fn integers(&self, node: NodeAt<'_>, i: usize) -> Result<Vec<i64>> {
        let tensor = self.tensor_of(node, i)?;
        let integers = tensor.integers().map(<[i64]>::to_vec);
        integers.ok_or_else(|| node.wrong_type(i, "integers", &tensor))
    }

    /// Input `i` of a node: constant floats.
    fn floats_of(&self, node: NodeAt<'_>, i: usize) -> Result<Vec<f32>> {
        let tensor = self.tensor_of(node, i)?;
        let floats = tensor.floats().map(<[f32]>::to_vec);
        floats.ok_or_else(|| node.wrong_type(i, "float32", &tensor))
    }
}

impl<'a> NodeAt<'a> {
    /// The operator, as `Conv`.
    pub(super) fn op(self) -> &'a str {
        &self.node.op
    }

    /// A name for people.
    pub(super) fn name(self) -> &'a str {
        match self.node.name.as_str() {
            "" => self.node.outputs.first().map_or("", String::as_str),
            name => name,
        }
    }

    /// An error at this node.
    pub(super) fn wrong(self, what: impl Into<String>) -> Error {
        Error::Node {
            path: self.graph.path.clone(),
            node: format!(
                "{} `{}` ({}, opset {})",
                self.index,
                self.name(),
                self.node.op,
                self.graph.opset
            ),
            what: what.into(),
        }
    }

    /// The name of input `i`, unless it is left out.
    pub(super) fn optional_input(self, i: usize) -> Option<&'a str> {
        let name = self.node.inputs.get(i)?.as_str();
        (!name.is_empty()).then_some(name)
    }

    /// The name of input `i`.
    pub(super) fn input(self, i: usize) -> Result<&'a str> {
        self.optional_input(i)
            .ok_or_else(|| self.wrong(format!("input {i} is missing")))
    }

    /// The name of the first output.
    pub(super) fn output(self) -> Result<&'a str> {
        match self.node.outputs.first() {
            Some(name) if !name.is_empty() => Ok(name),
            _ => Err(self.wrong("it has no output")),
        }
    }

    /// Input `i`, which must be a constant.
    pub(super) fn constant(self, i: usize) -> Result<&'a Tensor> {
        let name = self.input(i)?;
        self.graph.constant(name).ok_or_else(|| {
            self.wrong(format!(
                "input {i} (`{name}`) must be a constant; fold constants at export"
            ))
        })
    }

    /// Input `i`: constant floats.
    pub(super) fn floats(self, i: usize) -> Result<&'a [f32]> {
        let tensor = self.constant(i)?;
        tensor
            .floats()
            .ok_or_else(|| self.wrong_type(i, "float32", tensor))
    }

    fn wrong_type(self, i: usize, expected: &str, found: &Tensor) -> Error {
        let found = found.describe();
        self.wrong(format!("input {i}: expected {expected}, found {found}"))
    }

    /// An integer attribute, or what it is where it is not given.
    pub(super) fn integer(self, name: &str, default: i64) -> Result<i64> {
        match self.node.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Integer(value)) => Ok(*value),
            Some(_) => Err(self.wrong(format!("{name} must be an integer"))),
        }
    }

    /// A float attribute, or what it is where it is not given.
    pub(super) fn float(self, name: &str, default: f32) -> Result<f32> {
        match self.node.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) => Ok(*value),
            Some(_) => Err(self.wrong(format!("{name} must be a number"))),
        }
    }

    /// A text attribute, or what it is where it is not given.
    pub(super) fn text(self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.node.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Text(value)) => Ok(value),
            Some(_) => Err(self.wrong(format!("{name} must be a text"))),
        }
    }

    /// A constant that is an attribute.
    pub(super) fn tensor(self, name: &str) -> Option<&'a Tensor> {
        match self.node.attributes.get(name) {
            Some(Attribute::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// A list of integers, if it is given.
    pub(super) fn list(self, name: &str) -> Result<Option<&'a [i64]>> {
        match self.node.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Integers(list)) => Ok(Some(list)),
            Some(_) => Err(self.wrong(format!("{name} must be a list of integers"))),
        }
    }

    /// A list of sizes, or what it is where it is not given.
    pub(super) fn sizes<const N: usize>(
        self,
        name: &str,
        default: [usize; N],
    ) -> Result<[usize; N]> {
        let Some(list) = self.list(name)? else {
            return Ok(default);
        };
        let sizes: Option<Vec<usize>> = list.iter().map(|n| usize::try_from(*n).ok()).collect();
        sizes
            .and_then(|sizes| sizes.try_into().ok())
            .ok_or_else(|| self.wrong(format!("{name}: expected {N} sizes, found {list:?}")))
    }
}
