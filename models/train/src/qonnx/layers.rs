//! Layers that are not convolutions.

use super::activation::activation;
use super::convolution::number;
use super::count::count;
use super::graph::{Attribute, Graph, Kind, Node, Tensor};
use super::steps::Steps;
use crate::Error;
use tincy_network::{Activation, Code, Layer, Op, Pool, Shape};

/// One layer, whose maps to read are given.
pub(super) fn layer(graph: &mut Graph, layer: &Layer, inputs: &[Tensor]) -> Result<(), Error> {
    let (first, kind) = (&inputs[0], number(layer.number()));
    let dims = dims(layer.shape());
    match layer.op() {
        Op::Convolution(_) => unreachable!("convolutions have a module of their own"),
        Op::MaxPool(pool) => {
            graph.node("largest", max_pool(pool, &first.name), &dims, kind);
        }
        Op::GlobalAverage => {
            let node = Node::new("GlobalAveragePool", &[&first.name]);
            graph.node("mean", node, &dims, kind);
        }
        Op::Upsample { factor } => upsample(graph, first, *factor, &dims, kind),
        Op::Concat => {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            let node = Node::new("Concat", &names).with("axis", Attribute::Integer(1));
            graph.node("joined", node, &dims, kind);
        }
        Op::Slice { start, count } => {
            let ends = [*start, start + count, 1].map(|end| end as i64);
            let parts = ["first", "end", "axis"].into_iter().zip(ends);
            let parts: Vec<_> = parts
                .map(|(part, end)| graph.integers(part, &[end]))
                .collect();
            let node = Node::new("Slice", &[&first.name, &parts[0], &parts[1], &parts[2]]);
            graph.node("part", node, &dims, kind);
        }
        Op::Gather { channels } => {
            let numbers: Vec<i64> = channels.iter().map(|c| i64::from(*c)).collect();
            let numbers = graph.integers("channels", &numbers);
            let node =
                Node::new("Gather", &[&first.name, &numbers]).with("axis", Attribute::Integer(1));
            graph.node("shuffled", node, &dims, kind);
        }
        Op::Resize { .. } => {
            return Err(Error::layer(
                layer.name(),
                "resize is not exported; end the network before it",
            ));
        }
        Op::Add { activation } => add(graph, layer, inputs, *activation)?,
        Op::ScaleChannels { activation: then } => {
            let node = Node::new("Mul", &[&first.name, &inputs[1].name]);
            let product = graph.node("product", node, &dims, kind);
            activation(graph, product, *then);
        }
        Op::Reorg { stride } => reorg(graph, first, *stride, &dims, kind),
        Op::Activation { activation: then } => {
            let node = Node::new("Identity", &[&first.name]);
            let same = match then {
                Activation::Linear => graph.node("same", node, &dims, kind),
                _ => first.clone(),
            };
            activation(graph, same, *then);
        }
        Op::Softmax => softmax(graph, first),
    }
    Ok(())
}

/// Sizes of a map in the graph.
pub(super) fn dims(shape: Shape) -> [usize; 4] {
    [1, shape.channels, shape.height, shape.width]
}

/// The map of a code less its zero point, which is what convolutions sum; padding is zero then.
pub(super) fn without_zero(graph: &mut Graph, map: &Tensor, code: Code) -> Tensor {
    let zero = graph.scalar(code.zero as f32);
    let node = Node::new("Sub", &[&map.name, &zero]);
    let [low, high] = [code.min() - code.zero, code.max() - code.zero].map(i64::from);
    graph.node("centred", node, &map.dims, Kind::Range(low, high))
}

fn max_pool(pool: &Pool, input: &str) -> Node {
    let padding = pool.padding;
    let pads = [padding.top, padding.left, padding.bottom, padding.right];
    Node::new("MaxPool", &[input])
        .with("kernel_shape", Attribute::Integers(pool.size.into()))
        .with("strides", Attribute::Integers(pool.stride.into()))
        .with("pads", Attribute::Integers(pads.into()))
}

fn upsample(graph: &mut Graph, map: &Tensor, factor: usize, dims: &[usize], kind: Kind) {
    let factor = factor as f32;
    // Unused, but QONNX's execution knows no inputs that are left out.
    let whole = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let region = graph.floats("region", &[8], &whole, Kind::Real);
    let scales = graph.floats("scales", &[4], &[1.0, 1.0, factor, factor], Kind::Real);
    let node = Node::new("Resize", &[&map.name, &region, &scales])
        .with("mode", Attribute::Text("nearest".into()))
        .with(
            "coordinate_transformation_mode",
            Attribute::Text("asymmetric".into()),
        )
        .with("nearest_mode", Attribute::Text("floor".into()));
    graph.node("repeated", node, dims, kind);
}

fn add(graph: &mut Graph, layer: &Layer, inputs: &[Tensor], then: Activation) -> Result<(), Error> {
    let (first, second) = (&inputs[0], &inputs[1]);
    if first.dims != second.dims {
        let what = "adds maps of two sizes, as Darknet does and ONNX does not";
        return Err(Error::layer(layer.name(), what));
    }
    let node = Node::new("Add", &[&first.name, &second.name]);
    match layer.number().code() {
        None => {
            let sum = graph.node("sum", node, &first.dims, Kind::Real);
            activation(graph, sum, then);
        }
        Some(code) => {
            let kind = Kind::Range(2 * i64::from(code.min()), 2 * i64::from(code.max()));
            let sum = graph.node("sum", node, &first.dims, kind);
            count(graph, &sum, &Steps::of_sum(code), number(layer.number()));
        }
    }
    Ok(())
}

/// Darknet's order: the flat map is read as `[C / s^2][H][s][W][s]`, the offsets first then.
fn reorg(graph: &mut Graph, map: &Tensor, stride: usize, dims: &[usize], kind: Kind) {
    let [_, channels, height, width] = map.dims[..] else {
        unreachable!("maps have four sizes");
    };
    let blocks = [channels / (stride * stride), height, stride, width, stride];
    let map = reshape(graph, "blocks", &map.name, &blocks, kind);
    let order = [2, 4, 0, 1, 3];
    let turned = order.map(|axis| blocks[axis]);
    let node = Node::new("Transpose", &[&map.name]);
    let node = node.with("perm", Attribute::Integers(order.into()));
    let map = graph.node("turned", node, &turned, kind);
    reshape(graph, "reorganised", &map.name, dims, kind);
}

/// Over all elements.
fn softmax(graph: &mut Graph, map: &Tensor) {
    let flat = [1, map.dims.iter().product()];
    let all = reshape(graph, "flat", &map.name, &flat, Kind::Real);
    let node = Node::new("Softmax", &[&all.name]).with("axis", Attribute::Integer(1));
    let shares = graph.node("shares", node, &flat, Kind::Real);
    reshape(graph, "whole", &shares.name, &map.dims, Kind::Real);
}

fn reshape(graph: &mut Graph, part: &str, map: &str, dims: &[usize], kind: Kind) -> Tensor {
    let sizes: Vec<i64> = dims.iter().map(|dim| *dim as i64).collect();
    let sizes = graph.integers(&format!("{part}.sizes"), &sizes);
    graph.node(part, Node::new("Reshape", &[map, &sizes]), dims, kind)
}
