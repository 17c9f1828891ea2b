//! Activations: one node, or a function times its own argument.

use super::graph::Graph;
use super::node::NodeAt;
use crate::Result;
use tincy_network::Activation;

/// An activation that follows a tensor, and the nodes that it takes.
#[derive(Clone, Debug)]
pub(super) struct Follower<'a> {
    pub(super) activation: Activation,
    pub(super) nodes: Vec<usize>,
    /// The tensor that it makes.
    pub(super) output: &'a str,
}

/// The function of a node with one argument, or `None` if the node is something else.
pub(super) fn unary(node: NodeAt<'_>) -> Result<Option<Activation>> {
    Ok(Some(match node.op() {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::Leaky {
            slope: node.float("alpha", 0.01)?,
        },
        "Sigmoid" => Activation::Logistic,
        "Tanh" => Activation::Tanh,
        "Mish" => Activation::Mish,
        "HardSwish" => Activation::HardSwish,
        "Elu" if node.float("alpha", 1.0)? == 1.0 => Activation::Elu,
        "HardSigmoid" if is_sixth(node.float("alpha", 0.2)?) && node.float("beta", 0.5)? == 0.5 => {
            Activation::HardSigmoid
        }
        "Clip" if limits(node)? == [0.0, 6.0] => Activation::Relu6,
        "Clip" => {
            let [low, high] = limits(node)?;
            return Err(node.wrong(format!(
                "limits of {low} and {high} are not supported, only 0 and 6"
            )));
        }
        "Elu" => return Err(node.wrong("only alpha = 1 is supported")),
        "HardSigmoid" => {
            return Err(node.wrong("only alpha = 1/6 with beta = 1/2 is supported"));
        }
        _ => return Ok(None),
    }))
}

fn is_sixth(alpha: f32) -> bool {
    (alpha - 1.0 / 6.0).abs() < 1e-6
}

/// The limits of a `Clip`: attributes before opset 11, then inputs.
fn limits(node: NodeAt<'_>) -> Result<[f32; 2]> {
    let limit = |i: usize, name: &str, open: f32| match node.optional_input(i) {
        Some(_) => node
            .floats(i)?
            .first()
            .copied()
            .ok_or_else(|| node.wrong(format!("{name} is empty"))),
        None => node.float(name, open),
    };
    Ok([limit(1, "min", f32::MIN)?, limit(2, "max", f32::MAX)?])
}

/// The activation that alone reads `tensor`: `f(x)`, or `x * f(x)` for the functions that have a
/// name in that form. `ends` are tensors that must stay as they are.
pub(super) fn follower<'a>(
    graph: &'a Graph,
    tensor: &str,
    ends: &[&str],
) -> Result<Option<Follower<'a>>> {
    if ends.contains(&tensor) {
        return Ok(None);
    }
    match *graph.readers(tensor) {
        [only] => {
            let node = graph.node(only);
            let Some(activation) = unary(node)? else {
                return Ok(None);
            };
            Ok(Some(Follower {
                activation,
                nodes: vec![only],
                output: node.output()?,
            }))
        }
        [first, second] => {
            for (gate, product) in [(first, second), (second, first)] {
                if let Some(activation) = gated(graph, tensor, [gate, product], ends)? {
                    return Ok(Some(Follower {
                        activation,
                        nodes: vec![gate, product],
                        output: graph.node(product).output()?,
                    }));
                }
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// The function `x * gate(x)`, if these two nodes compute one.
fn gated(
    graph: &Graph,
    tensor: &str,
    [gate, product]: [usize; 2],
    ends: &[&str],
) -> Result<Option<Activation>> {
    let (gate, product) = (graph.node(gate), graph.node(product));
    if !matches!(gate.op(), "Sigmoid" | "HardSigmoid") || product.op() != "Mul" {
        return Ok(None);
    }
    let value = gate.output()?;
    let inputs = [product.input(0)?, product.input(1)?];
    let is_product = inputs == [tensor, value] || inputs == [value, tensor];
    if !is_product || ends.contains(&value) || graph.readers(value) != [product.index] {
        return Ok(None);
    }
    Ok(match unary(gate)? {
        Some(Activation::Logistic) => Some(Activation::Swish),
        Some(Activation::HardSigmoid) => Some(Activation::HardSwish),
        _ => None,
    })
}
