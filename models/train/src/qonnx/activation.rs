//! Activation functions of real maps, by operators of opset 13.

use super::graph::{Attribute, Graph, Kind, Node, Tensor};
use tincy_network::Activation;

/// The function of a map; the map itself for the linear one.
pub(super) fn activation(graph: &mut Graph, map: Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::Linear => map,
        Activation::Relu => simple(graph, "Relu", &map),
        Activation::Relu6 => {
            let [low, high] = [0.0, 6.0].map(|limit| graph.scalar(limit));
            let node = Node::new("Clip", &[&map.name, &low, &high]);
            apply(graph, "clip", node, &map)
        }
        Activation::Leaky { slope } => {
            let node = Node::new("LeakyRelu", &[&map.name]);
            let node = node.with("alpha", Attribute::Float(slope));
            apply(graph, "leaky", node, &map)
        }
        Activation::Logistic => simple(graph, "Sigmoid", &map),
        Activation::Tanh => simple(graph, "Tanh", &map),
        Activation::Elu => simple(graph, "Elu", &map),
        Activation::HardSigmoid => hard_sigmoid(graph, &map),
        Activation::Swish => {
            let gate = simple(graph, "Sigmoid", &map);
            product(graph, &map, &gate)
        }
        Activation::HardSwish => {
            let gate = hard_sigmoid(graph, &map);
            product(graph, &map, &gate)
        }
        Activation::Mish => {
            let soft = simple(graph, "Softplus", &map);
            let gate = simple(graph, "Tanh", &soft);
            product(graph, &map, &gate)
        }
    }
}

fn apply(graph: &mut Graph, part: &str, node: Node, map: &Tensor) -> Tensor {
    graph.node(part, node, &map.dims, Kind::Real)
}

/// An operator without constants.
fn simple(graph: &mut Graph, op: &'static str, map: &Tensor) -> Tensor {
    apply(graph, &op.to_lowercase(), Node::new(op, &[&map.name]), map)
}

/// min(max(x / 6 + 0.5, 0), 1)
fn hard_sigmoid(graph: &mut Graph, map: &Tensor) -> Tensor {
    let node = Node::new("HardSigmoid", &[&map.name])
        .with("alpha", Attribute::Float(1.0 / 6.0))
        .with("beta", Attribute::Float(0.5));
    apply(graph, "hardsigmoid", node, map)
}

fn product(graph: &mut Graph, map: &Tensor, gate: &Tensor) -> Tensor {
    let node = Node::new("Mul", &[&map.name, &gate.name]);
    apply(graph, "gated", node, map)
}
