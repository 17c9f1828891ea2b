//! Quantized networks: QONNX, FINN's forms of it, and quantize-dequantize pairs around layers that are
//! fully connected.
//!
//! Such files compute in floats what is meant to run in integers. They are read literally: every tensor
//! is a linear layer or a map, followed by a chain of functions that are not yet applied. Where a chain
//! rounds to few levels, the code of a level is a count of thresholds, and these are found by computing
//! the file's own chain for candidates, operator by operator; so codes are the file's. What has no integer
//! form stays float.
//!
//! The operators are those of ONNX and of the `qonnx` package, under the names of domains that exporters
//! give them.
//!
//! | module | subject |
//! | --- | --- |
//! | `broadcast` | constants with constants |
//! | `fold` | constants that the file computes |
//! | `step` | functions of single numbers |
//! | `nodes` | operators to such functions |
//! | `layout` | how a tensor lies on a map |
//! | `value` | what a tensor has become |
//! | `linear` | `Conv`, `MatMul`, `Gemm`, `Im2Col`, FINN's `MVAU` |
//! | `integers` | constant weights to integers and scales |
//! | `chain` | levels, and where a chain goes from one to the next |
//! | `coding` | levels as codes |
//! | `sums` | linear layers of codes as sums of integers |
//! | `settle` | values to layers: which |
//! | `count` | layers whose results are codes by thresholds |
//! | `real` | layers whose results are numbers |
//! | `input` | the input |
//! | `moves` | pools, joins and everything else that moves elements |
//! | `own` | what this project's own files say beside the graph |
//! | `lower` | node by node |

mod broadcast;
mod chain;
mod coding;
mod count;
mod fold;
mod input;
mod integers;
mod layout;
mod linear;
mod lower;
mod moves;
mod nodes;
mod own;
mod real;
mod settle;
mod step;
mod sums;
mod value;

use super::graph::Graph;
use crate::Result;
use std::collections::HashSet;
use tincy_network::Builder;

/// Whether a file is one of these: it has an operator of QONNX, or a fully connected layer.
pub(super) fn is_quantized(graph: &Graph) -> bool {
    let Ok(input) = graph.input() else {
        return false;
    };
    // What depends on the input.
    let mut live = HashSet::from([input.name.as_str()]);
    graph.nodes.iter().any(|node| {
        let is_live = |name: &String| live.contains(name.as_str());
        let has_constant = node.inputs.get(1).is_some_and(|weights| !is_live(weights));
        let is_connected = matches!(node.op.as_str(), "Gemm" | "MatMul") && has_constant;
        if node.inputs.iter().any(is_live) {
            live.extend(node.outputs.iter().map(String::as_str));
        }
        is_connected || !matches!(node.domain.as_str(), "" | "ai.onnx")
    })
}

/// The layers of a quantized network. Its results are numbers as in the file, by pixel.
pub(super) fn lower(graph: &Graph) -> Result<Builder> {
    lower::Lowering::run(graph)
}
