//! The end of YOLOX.

use super::super::graph::Graph;
use super::super::node::NodeAt;
use super::{Detector, Family};
use crate::Result;

/// The maps of YOLOX, if the only result is such a list: rows for all cells of maps that are
/// boxes, the logistic function of objectness, and that of the classes, side by side.
pub(super) fn yolox(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let [output] = graph.outputs() else {
        return Ok(None);
    };
    let Some(list) = transposed(graph, output)? else {
        return Ok(None);
    };
    let Some(list) = graph.producer(list).filter(|node| node.op() == "Concat") else {
        return Ok(None);
    };
    if !matches!(list.integer("axis", 0)?, 2 | -1) {
        return Ok(None);
    }
    let maps = list.node.inputs.iter().map(|rows| map(graph, rows));
    let maps = maps.collect::<Result<Option<Vec<_>>>>()?;
    Ok(maps.filter(|maps| !maps.is_empty()).map(|scales| Detector {
        family: Family::Yolox,
        scales,
    }))
}

/// What `[1, columns, rows]` a tensor is the transpose of.
fn transposed<'a>(graph: &'a Graph, tensor: &str) -> Result<Option<&'a str>> {
    match graph.producer(tensor) {
        Some(node) if node.op() == "Transpose" => {
            let swaps = node.sizes("perm", [2, 1, 0])? == [0, 2, 1];
            Ok(if swaps { Some(node.input(0)?) } else { None })
        }
        _ => Ok(None),
    }
}

/// The tensors of the map of which these are the pixels, before any function: boxes, objectness,
/// classes.
fn map<'a>(graph: &'a Graph, rows: &str) -> Result<Option<Vec<&'a str>>> {
    let flat = |node: &NodeAt<'_>| matches!(node.op(), "Reshape" | "Flatten");
    let Some(reshape) = graph.producer(rows).filter(flat) else {
        return Ok(None);
    };
    let join = graph.producer(reshape.input(0)?);
    let Some(join) = join.filter(|node| node.op() == "Concat") else {
        return Ok(None);
    };
    if !matches!(join.integer("axis", 0)?, 1 | -3) || join.node.inputs.len() != 3 {
        return Ok(None);
    }
    let (objectness, classes) = (squashed(graph, join, 1)?, squashed(graph, join, 2)?);
    let (Some(objectness), Some(classes)) = (objectness, classes) else {
        return Ok(None);
    };
    Ok(Some(vec![join.input(0)?, objectness, classes]))
}

/// The tensor of which input `i` is the logistic function.
fn squashed<'a>(graph: &'a Graph, node: NodeAt<'a>, i: usize) -> Result<Option<&'a str>> {
    match graph.producer(node.input(i)?) {
        Some(sigmoid) if sigmoid.op() == "Sigmoid" => Ok(Some(sigmoid.input(0)?)),
        _ => Ok(None),
    }
}
