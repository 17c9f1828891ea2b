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
//! | `settle` | values to layers |
//! | `moves` | pools, joins and everything else that moves elements |
//! | `own` | what this project's own files say beside the graph |
//! | `lower` | node by node |

mod broadcast;
mod chain;
mod fold;
mod integers;
mod layout;
mod linear;
mod lower;
mod moves;
mod nodes;
mod own;
mod settle;
mod step;
mod value;

use super::graph::Graph;
use crate::Result;
use tincy_network::Builder;

/// Whether a file is one of these: it has an operator of QONNX, or a fully connected layer.
pub(super) fn is_quantized(graph: &Graph) -> bool {
    let is_own = |domain: &str| !matches!(domain, "" | "ai.onnx");
    graph.nodes.iter().any(|node| {
        is_own(&node.domain)
            || matches!(node.op.as_str(), "Gemm" | "MatMul")
                && node
                    .inputs
                    .get(1)
                    .is_some_and(|weights| is_constant(graph, weights, 8))
    })
}

/// Whether a tensor depends on no input, followed over a few nodes.
fn is_constant(graph: &Graph, tensor: &str, depth: usize) -> bool {
    graph.constant(tensor).is_some()
        || depth > 0
            && graph.producer(tensor).is_some_and(|node| {
                let mut inputs = node.node.inputs.iter();
                inputs.all(|input| is_constant(graph, input, depth - 1))
            })
}

/// The layers of a quantized network. Its results are numbers as in the file, by pixel.
pub(super) fn lower(graph: &Graph) -> Result<Builder> {
    lower::Lowering::run(graph)
}
