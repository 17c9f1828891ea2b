//! Constants that the file computes: weights through their quantizers, sizes of tensors.

use super::super::graph::Graph;
use super::super::node::{Computed, NodeAt};
use super::super::tensor::{Data, FLOAT32, Tensor, is_integer};
use super::step::Step;
use super::{broadcast, nodes};
use crate::Result;
use std::borrow::Cow;
use std::collections::HashMap;

/// The most elements of a constant that is computed.
const MAX_ELEMENTS: usize = 1 << 27;

/// The most axes of a tensor.
pub(super) const MAX_RANK: usize = 8;

/// The constants of the file and those computed so far.
pub(super) struct Constants<'a> {
    graph: &'a Graph,
    computed: HashMap<&'a str, Tensor>,
}

impl Computed for Constants<'_> {
    fn tensor_of(&self, node: NodeAt<'_>, i: usize) -> Result<Cow<'_, Tensor>> {
        self.of_node(node, i).map(Cow::Borrowed)
    }
}

impl<'a> Constants<'a> {
    /// Those of the file.
    pub(super) fn new(graph: &'a Graph) -> Constants<'a> {
        Constants {
            graph,
            computed: HashMap::new(),
        }
    }

    /// A constant, by name.
    pub(super) fn get(&self, name: &str) -> Option<&Tensor> {
        self.computed
            .get(name)
            .or_else(|| self.graph.constant(name))
    }

    /// Input `i` of a node, which must be a constant.
    pub(super) fn of_node(&self, node: NodeAt<'_>, i: usize) -> Result<&Tensor> {
        let name = node.input(i)?;
        self.get(name)
            .ok_or_else(|| node.wrong(format!("input {i} (`{name}`) must be a constant")))
    }

    /// Input `i` of a node: constant integers.
    pub(super) fn integers(&self, node: NodeAt<'_>, i: usize) -> Result<&[i64]> {
        let tensor = self.of_node(node, i)?;
        tensor.integers().ok_or_else(|| {
            let found = tensor.describe();
            node.wrong(format!("input {i}: expected integers, found {found}"))
        })
    }

    /// Notes a constant.
    pub(super) fn insert(&mut self, name: &'a str, tensor: Tensor) {
        self.computed.insert(name, tensor);
    }

    /// Whether a node reads constants only.
    pub(super) fn has_all(&self, node: NodeAt<'_>) -> bool {
        let mut inputs = node.node.inputs.iter().filter(|name| !name.is_empty());
        inputs.all(|name| self.get(name).is_some())
    }

    /// What a node that reads constants only computes.
    pub(super) fn evaluate(&self, node: NodeAt<'_>) -> Result<Tensor> {
        let tensor = self.of_node(node, 0)?;
        for i in 0..node.node.inputs.len() {
            if node.optional_input(i).is_some() && self.of_node(node, i)?.dims.len() > MAX_RANK {
                return Err(node.wrong(format!("constants of more than {MAX_RANK} axes")));
            }
        }
        match node.op() {
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
                let dims = self.dims(node, &tensor.dims)?;
                Ok(Tensor {
                    dims,
                    ..tensor.clone()
                })
            }
            "Transpose" => {
                let order = order(node, tensor.dims.len())?;
                let places = broadcast::transposed(&tensor.dims, &order);
                let dims = order.iter().map(|axis| tensor.dims[*axis]).collect();
                Ok(tensor.taken(dims, places.into_iter()))
            }
            "Shape" => Ok(sizes(&tensor.dims)),
            "Gather" => self.gather(node, tensor),
            "Concat" => self.concat(node),
            "Pow" => self.binary(node, f32::powf),
            "Sqrt" => Ok(tensor.mapped(node, f32::sqrt)?),
            "Neg" => Ok(tensor.mapped(node, |x| -x)?),
            "Add" | "Sub" | "Mul" | "Div" if tensor.integers().is_some() => self.whole(node),
            "Add" => self.binary(node, |a, b| a + b),
            "Sub" => self.binary(node, |a, b| a - b),
            "Mul" => self.binary(node, |a, b| a * b),
            "Div" => self.binary(node, |a, b| a / b),
            "Cast" => Ok(tensor.cast(node.integer("to", FLOAT32)?)),
            "Identity" | "Dropout" => Ok(tensor.clone()),
            _ => match nodes::steps(node, self, 0, tensor.dims.len())? {
                Some(steps) => steps
                    .iter()
                    .try_fold(tensor.clone(), |tensor, step| applied(node, &tensor, step)),
                None => Err(node
                    .wrong("the operator is not supported on constants; fold constants at export")),
            },
        }
    }

    /// The sizes that a tensor of sizes `dims` has after a node that only changes these.
    pub(super) fn dims(&self, node: NodeAt<'_>, dims: &[usize]) -> Result<Vec<usize>> {
        let new = self.resized(node, dims)?;
        match new.len() <= MAX_RANK {
            true => Ok(new),
            false => Err(node.wrong(format!("more than {MAX_RANK} axes"))),
        }
    }

    fn resized(&self, node: NodeAt<'_>, dims: &[usize]) -> Result<Vec<usize>> {
        let wrong = |found: &[i64]| node.wrong(format!("{dims:?} cannot become {found:?}"));
        let axes = |i: usize| match node.optional_input(i) {
            Some(_) => self.integers(node, i).map(Some),
            None => node.list("axes"),
        };
        match node.op() {
            "Reshape" => {
                let wanted = self.integers(node, 1)?;
                reshaped(dims, wanted).ok_or_else(|| wrong(wanted))
            }
            "Flatten" => {
                let axis = node.integer("axis", 1)?;
                let split = place(axis, dims.len() + 1).ok_or_else(|| wrong(&[axis]))?;
                Ok(vec![
                    dims[..split].iter().product(),
                    dims[split..].iter().product(),
                ])
            }
            "Squeeze" => {
                let axes = axes(1)?;
                let gone = |axis: usize| match axes {
                    Some(axes) => axes.iter().any(|a| place(*a, dims.len()) == Some(axis)),
                    None => dims[axis] == 1,
                };
                let kept = (0..dims.len()).filter(|axis| !gone(*axis) || dims[*axis] != 1);
                Ok(kept.map(|axis| dims[axis]).collect())
            }
            _ => {
                let axes = axes(1)?.ok_or_else(|| node.wrong("it has no axes"))?;
                let rank = dims.len() + axes.len();
                let mut new = dims.to_vec();
                let mut places: Option<Vec<usize>> = axes.iter().map(|a| place(*a, rank)).collect();
                places.iter_mut().for_each(|places| places.sort_unstable());
                for at in places.ok_or_else(|| wrong(axes))? {
                    if at > new.len() {
                        return Err(wrong(axes));
                    }
                    new.insert(at, 1);
                }
                Ok(new)
            }
        }
    }

    fn gather(&self, node: NodeAt<'_>, tensor: &Tensor) -> Result<Tensor> {
        let (indices, axis) = (self.of_node(node, 1)?, node.integer("axis", 0)?);
        let wrong = || {
            node.wrong(format!(
                "only a list can be gathered from, found {}",
                tensor.describe()
            ))
        };
        let ([count], 0 | -1, Some(list)) = (&tensor.dims[..], axis, indices.integers()) else {
            return Err(wrong());
        };
        let places: Option<Vec<usize>> = list.iter().map(|i| place(*i, *count)).collect();
        let places = places.ok_or_else(wrong)?;
        Ok(tensor.taken(indices.dims.clone(), places.into_iter()))
    }

    fn concat(&self, node: NodeAt<'_>) -> Result<Tensor> {
        let mut joined: Vec<i64> = Vec::new();
        for i in 0..node.node.inputs.len() {
            if self.of_node(node, i)?.dims.len() != 1 {
                return Err(node.wrong("only lists of integers can be joined at import"));
            }
            joined.extend(self.integers(node, i)?);
        }
        Ok(Tensor::new(vec![joined.len()], Data::Integers(joined)))
    }

    fn binary(&self, node: NodeAt<'_>, f: impl Fn(f32, f32) -> f32) -> Result<Tensor> {
        with(node, self.of_node(node, 0)?, self.of_node(node, 1)?, f)
    }

    /// Arithmetic of sizes: lists of integers, or one with a list.
    fn whole(&self, node: NodeAt<'_>) -> Result<Tensor> {
        let (a, b) = (self.integers(node, 0)?, self.integers(node, 1)?);
        let count = a.len().max(b.len());
        let odd = |list: &[i64]| list.is_empty() || list.len() != 1 && list.len() != count;
        let result = |i: usize| {
            let (a, b) = (a[i % a.len()], b[i % b.len()]);
            match node.op() {
                "Add" => a.checked_add(b),
                "Sub" => a.checked_sub(b),
                "Mul" => a.checked_mul(b),
                _ => a.checked_div(b),
            }
        };
        let results: Option<Vec<i64>> = match odd(a) || odd(b) {
            true => None,
            false => (0..count).map(result).collect(),
        };
        let results = results.ok_or_else(|| node.wrong("integers that do not fit"))?;
        let longer = usize::from(b.len() > a.len());
        Ok(Tensor::new(
            self.of_node(node, longer)?.dims.clone(),
            Data::Integers(results),
        ))
    }
}

impl Tensor {
    /// The numbers as floats, or as integers where the type asked for is one.
    fn cast(&self, kind: i64) -> Tensor {
        let data = match &self.data {
            Data::Floats(floats) if is_integer(kind) => {
                Data::Integers(floats.iter().map(|x| *x as i64).collect())
            }
            Data::Integers(integers) if kind == FLOAT32 => {
                Data::Floats(integers.iter().map(|n| *n as f32).collect())
            }
            data => data.clone(),
        };
        Tensor {
            dims: self.dims.clone(),
            kind,
            data,
        }
    }

    /// Some of its elements, with other sizes.
    fn taken(&self, dims: Vec<usize>, places: impl Iterator<Item = usize>) -> Tensor {
        let data = match &self.data {
            Data::Floats(floats) => Data::Floats(places.map(|i| floats[i]).collect()),
            Data::Integers(integers) => Data::Integers(places.map(|i| integers[i]).collect()),
            other => other.clone(),
        };
        Tensor {
            dims,
            kind: self.kind,
            data,
        }
    }

    fn mapped(&self, node: NodeAt<'_>, f: impl Fn(f32) -> f32) -> Result<Tensor> {
        let numbers = numbers(node, self)?;
        let floats = Data::Floats(numbers.into_iter().map(f).collect());
        Ok(Tensor::new(self.dims.clone(), floats))
    }
}

fn numbers(node: NodeAt<'_>, tensor: &Tensor) -> Result<Vec<f32>> {
    tensor
        .numbers()
        .ok_or_else(|| node.wrong(format!("{} cannot be read", tensor.describe())))
}

/// A function of two constants.
fn with(node: NodeAt<'_>, a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32) -> Result<Tensor> {
    let dims = broadcast::sizes(&a.dims, &b.dims);
    let dims = dims.filter(|dims| {
        let count = dims
            .iter()
            .try_fold(1usize, |count, dim| count.checked_mul(*dim));
        count.is_some_and(|count| count <= MAX_ELEMENTS)
    });
    let dims =
        dims.ok_or_else(|| node.wrong(format!("{:?} and {:?} do not fit", a.dims, b.dims)))?;
    let (x, y) = (numbers(node, a)?, numbers(node, b)?);
    let places = broadcast::places(&a.dims, &dims).zip(broadcast::places(&b.dims, &dims));
    let values = places.map(|(i, j)| f(x[i], y[j])).collect();
    Ok(Tensor::new(dims, Data::Floats(values)))
}

fn applied(node: NodeAt<'_>, tensor: &Tensor, step: &Step<Tensor>) -> Result<Tensor> {
    match step {
        Step::Add(c) => with(node, tensor, c, |x, c| x + c),
        Step::Multiply(c) => with(node, tensor, c, |x, c| x * c),
        Step::Divide(c) => with(node, tensor, c, |x, c| x / c),
        Step::Count { lists, .. } if *lists > 1 => {
            Err(node.wrong("constants can have one list of thresholds only"))
        }
        step => {
            let step = step
                .clone()
                .map(|c| c.numbers().and_then(|c| c.first().copied()).ok_or(()));
            let step = step.map_err(|()| node.wrong("an empty constant"))?;
            tensor.mapped(node, |x| step.apply(x))
        }
    }
}

/// A tensor's sizes as a tensor.
pub(super) fn sizes(dims: &[usize]) -> Tensor {
    let sizes = dims.iter().map(|dim| *dim as i64).collect();
    Tensor::new(vec![dims.len()], Data::Integers(sizes))
}

/// `Transpose`'s order of axes.
pub(super) fn order(node: NodeAt<'_>, rank: usize) -> Result<Vec<usize>> {
    let Some(list) = node.list("perm")? else {
        return Ok((0..rank).rev().collect());
    };
    let order: Option<Vec<usize>> = list
        .iter()
        .map(|axis| usize::try_from(*axis).ok())
        .collect();
    let mut sorted = order.clone().unwrap_or_default();
    sorted.sort_unstable();
    match order {
        Some(order) if sorted.iter().copied().eq(0..rank) => Ok(order),
        _ => Err(node.wrong(format!("perm {list:?} of {rank} axes"))),
    }
}

/// `Reshape`: 0 keeps a size, -1 is what is left over.
fn reshaped(dims: &[usize], wanted: &[i64]) -> Option<Vec<usize>> {
    let count = |dims: &[usize]| {
        dims.iter()
            .try_fold(1usize, |count, dim| count.checked_mul(*dim))
    };
    let mut new = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (axis, size) in wanted.iter().enumerate() {
        new.push(match *size {
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            0 => *dims.get(axis)?,
            size => usize::try_from(size).ok()?,
        });
    }
    let (all, known) = (count(dims)?, count(&new)?);
    if let Some(axis) = open {
        new[axis] = all.checked_div(known)?;
    }
    (count(&new) == Some(all)).then_some(new)
}

/// An axis or index, which may be counted from the end.
fn place(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 {
        axis.checked_add(rank as i64)?
    } else {
        axis
    };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_are_left_open() {
        assert_eq!(reshaped(&[1, 1, 28, 28], &[1, -1]), Some(vec![1, 784]));
        assert_eq!(reshaped(&[2, 3, 4], &[0, -1]), Some(vec![2, 12]));
        assert_eq!(reshaped(&[2, 3], &[-1, -1]), None);
        assert_eq!(reshaped(&[2, 3], &[4, -1]), None);
        assert_eq!(reshaped(&[2, 3], &[0, 0, 0]), None);
        assert_eq!(reshaped(&[0], &[-1, 0]), None);
    }
}
