//! Convolutions: quantized weights, sums, and what becomes of them.
//!
//! Sums of integers are exact in floats below 2^24, in any order, which is proved from the weights.

use super::activation::activation;
use super::count::count;
use super::graph::{Attribute, Graph, Kind, Node, Tensor};
use super::steps::{LIMIT, Steps};
use crate::Error;
use tincy_network::accumulator::{Bound, bound};
use tincy_network::{Affine, Convolution, Finish, Number, Shape, WeightKind};

/// A convolution with its finish. Of `input` codes, the zero point is already taken off.
pub(super) fn convolution(
    graph: &mut Graph,
    layer: &str,
    input: &Tensor,
    read: Number,
    convolution: &Convolution,
    output: Shape,
) -> Result<(), Error> {
    let bound = match (convolution.weights.kind(), read.code()) {
        (WeightKind::F32, _) | (_, None) => None,
        (_, Some(code)) => Some(exact(layer, bound(convolution, code))?),
    };
    let weights = weights(graph, convolution);
    let mut inputs = vec![input.name.clone(), weights];
    if let Finish::Affine(affine) = &convolution.finish
        && has_own_bias(affine, bound)
    {
        inputs.push(graph.floats("bias", &[affine.bias.len()], &affine.bias, Kind::Real));
    }
    let dims = [1, output.channels, output.height, output.width];
    let kind = bound.map_or(Kind::Real, |bound| Kind::Range(bound.min, bound.max));
    let node = node(convolution, &inputs);
    let sums = graph.node("sums", node, &dims, kind);
    finish(graph, layer, sums, bound, convolution)
}

/// The bound, if floats hold every sum below and the next number too.
fn exact(layer: &str, bound: Bound) -> Result<Bound, Error> {
    if bound.min <= -LIMIT || bound.max >= LIMIT {
        let Bound { min, max } = bound;
        let what = format!(
            "its sums, {min} to {max}, can go beyond the 24 bits that QONNX's floats hold; train it \
             with fewer bits"
        );
        return Err(Error::layer(layer, what));
    }
    Ok(bound)
}

/// The weights, `[out][in][ky][kx]`, as they enter the convolution.
fn weights(graph: &mut Graph, convolution: &Convolution) -> String {
    let [height, width] = convolution.kernel;
    let outputs = convolution.out_channels;
    let area = height * width;
    let inputs = convolution.weights.count() / outputs / area;
    let dims = [outputs, inputs, height, width];
    let ordered = |values: &[f32]| -> Vec<f32> {
        let at = |i: usize| {
            let (filter, channel, place) = (i / (inputs * area), i / area % inputs, i % area);
            (filter * area + place) * inputs + channel
        };
        (0..values.len()).map(|i| values[at(i)]).collect()
    };
    let is_multiplied = !convolution.weights.multipliers().is_empty();
    let (bits, kind) = match convolution.weights.kind() {
        WeightKind::F32 => {
            let values = ordered(convolution.weights.as_floats());
            return graph.floats("weights", &dims, &values, Kind::Real);
        }
        // Signs times their position's multiplier: integers like any others.
        WeightKind::Binary | WeightKind::Ternary if is_multiplied => (8, Kind::Range(-127, 127)),
        WeightKind::Binary => (1, Kind::Bipolar),
        WeightKind::Ternary => (2, Kind::Range(-1, 1)),
        WeightKind::Int { bits } => (bits, Kind::Range(-1 << (bits - 1), (1 << (bits - 1)) - 1)),
    };
    let values: Vec<f32> = convolution
        .weights
        .unpack()
        .iter()
        .map(|w| f32::from(*w))
        .collect();
    let floats = graph.floats("weights", &dims, &ordered(&values), kind);
    let scale = graph.scalar(1.0);
    let is_symmetric = matches!(kind, Kind::Range(least, most) if least == -most);
    let node = match kind {
        Kind::Bipolar => Node::new("BipolarQuant", &[&floats, &scale]),
        _ => {
            let [zero, bits] = [0.0, f32::from(bits)].map(|value| graph.scalar(value));
            Node::new("Quant", &[&floats, &scale, &zero, &bits])
                .with("signed", Attribute::Integer(1))
                .with("narrow", Attribute::Integer(is_symmetric.into()))
                .with("rounding_mode", Attribute::Text("ROUND".into()))
        }
    };
    graph.node("quantized", node, &dims, kind).name
}

/// Whether the operator adds the bias: to floats that nothing is to multiply first.
fn has_own_bias(affine: &Affine, bound: Option<Bound>) -> bool {
    bound.is_none() && affine.scale.is_empty()
}

fn node(convolution: &Convolution, inputs: &[String]) -> Node {
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let padding = convolution.padding;
    let pads = [padding.top, padding.left, padding.bottom, padding.right];
    Node::new("Conv", &inputs)
        .with(
            "kernel_shape",
            Attribute::Integers(convolution.kernel.into()),
        )
        .with("strides", Attribute::Integers(convolution.stride.into()))
        .with(
            "dilations",
            Attribute::Integers(convolution.dilation.into()),
        )
        .with("group", Attribute::Integer(convolution.groups))
        .with("pads", Attribute::Integers(pads.into()))
}

fn finish(
    graph: &mut Graph,
    layer: &str,
    sums: Tensor,
    bound: Option<Bound>,
    convolution: &Convolution,
) -> Result<(), Error> {
    let steps = match (&convolution.finish, bound) {
        (Finish::Affine(finish), _) => return affine(graph, layer, sums, bound, finish),
        (Finish::Thresholds(thresholds), Some(bound)) => Steps::of_thresholds(thresholds, bound),
        (Finish::Requantize(requantize), Some(bound)) => Steps::of_requantize(requantize, bound)
            .ok_or_else(|| {
                let what = "thresholds cannot say its table, which goes up and down too often or differs by channel";
                Error::layer(layer, what)
            })?,
        (finish, None) => unreachable!("{} on float sums", finish.name()),
    };
    let kind = number(convolution.finish.output());
    count(graph, &sums, &steps, kind);
    Ok(())
}

/// One product, one sum, a function, and codes by its steps.
fn affine(
    graph: &mut Graph,
    layer: &str,
    sums: Tensor,
    bound: Option<Bound>,
    affine: &Affine,
) -> Result<(), Error> {
    let (dims, channels) = (sums.dims.clone(), sums.dims[1]);
    let is_done = has_own_bias(affine, bound);
    let parts = [
        ("scale", "Mul", &affine.scale),
        ("bias", "Add", &affine.bias),
    ];
    let mut map = sums;
    for (part, op, values) in parts {
        if !values.is_empty() && !is_done {
            let values = graph.floats(part, &[1, channels, 1, 1], values, Kind::Real);
            let node = Node::new(op, &[&map.name, &values]);
            map = graph.node(&op.to_lowercase(), node, &dims, Kind::Real);
        }
    }
    let Number::Code(code) = affine.output else {
        activation(graph, map, affine.activation);
        return Ok(());
    };
    let steps = Steps::of_rounding(affine.activation, code).ok_or_else(|| {
        let name = format!("{:?}", affine.activation).to_lowercase();
        let what = format!("{name} of floats is rounded to codes, which thresholds cannot say");
        Error::layer(layer, what)
    })?;
    count(graph, &map, &steps, number(affine.output));
    Ok(())
}

/// What the elements of a map are.
pub(super) fn number(number: Number) -> Kind {
    match number {
        Number::F32 => Kind::Real,
        Number::Code(code) => Kind::Range(code.min().into(), code.max().into()),
    }
}
