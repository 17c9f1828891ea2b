//! From a result back to the convolutions.

use super::super::graph::Graph;
use super::super::node::NodeAt;
use crate::Result;
use std::collections::BTreeSet;

/// The nodes that tensors are made by, back to the last convolutions, in running order. Of those the
/// weighted mean of bins is no convolution that the walk ends at.
pub(super) fn back<'a>(graph: &'a Graph, tensors: &[&'a str]) -> Vec<NodeAt<'a>> {
    let mut seen = BTreeSet::new();
    let mut open = tensors.to_vec();
    while let Some(tensor) = open.pop() {
        let Some(node) = graph.producer(tensor) else {
            continue;
        };
        if seen.insert(node.index) && !is_convolution(node) {
            open.extend(node.node.inputs.iter().map(String::as_str));
        }
    }
    seen.into_iter().map(|index| graph.node(index)).collect()
}

/// Whether a node is a convolution, and not one that counts bins: weights 0, 1, 2, ...
pub(super) fn is_convolution(node: NodeAt<'_>) -> bool {
    match node.op() {
        "Conv" => {
            let weights = node
                .optional_input(1)
                .and_then(|name| node.graph.constant(name));
            let weights = weights
                .and_then(|weights| weights.floats())
                .unwrap_or_default();
            let counts = weights.iter().enumerate().all(|(i, w)| *w == i as f32);
            weights.len() < 2 || !counts
        }
        "QLinearConv" | "ConvInteger" => true,
        _ => false,
    }
}

/// What a tensor was before it was quantized and dequantized again.
pub(super) fn unquantized<'a>(graph: &'a Graph, mut tensor: &'a str) -> Result<&'a str> {
    while let Some(node) = graph.producer(tensor)
        && matches!(
            node.op(),
            "QuantizeLinear" | "DequantizeLinear" | "Identity"
        )
    {
        tensor = node.input(0)?;
    }
    Ok(tensor)
}

/// The node that makes a tensor, if it is this operator; a quantized result is looked through.
pub(super) fn maker<'a>(graph: &'a Graph, tensor: &'a str, op: &str) -> Result<Option<NodeAt<'a>>> {
    let node = graph.producer(unquantized(graph, tensor)?);
    Ok(node.filter(|node| node.op() == op))
}
