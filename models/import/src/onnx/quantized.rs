//! Files of integers: `QuantizeLinear` and `DequantizeLinear`, `QLinearConv`, `QLinearConcat`.
//!
//! A map that was quantized is a map of codes, and stands for its real values: what dequantizes it does
//! nothing. A convolution whose weights and input are codes sums integers; where its sum is quantized
//! again, a product and a sum in f32 make the code, as ONNX Runtime does it but for the last bit, and a
//! function of the code that is quantized once more is a table. Whatever else reads a map of codes gets it as floats.

use super::convolution::{self, Filters};
use super::graph::Graph;
use super::lower::{Lowering, Value};
use super::node::{Computed, NodeAt};
use super::tensor::{Data, Tensor};
use crate::Result;
use std::borrow::Cow;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Number, Op, Requantize, Source, Table,
    WeightKind, Weights,
};

/// Element types that codes have.
const UNSIGNED: i64 = 2;
const SIGNED: i64 = 3;

/// `DequantizeLinear` of a constant: `(x - zero) * scale`, by number or along an axis.
pub(super) fn dequantized(node: NodeAt<'_>, inputs: &[Cow<'_, Tensor>]) -> Result<Tensor> {
    let coded = Coded::read(
        node,
        &inputs[0],
        &inputs[1],
        inputs.get(2).map(|zero| &**zero),
    )?;
    let floats = (coded.values.iter().enumerate())
        .map(|(i, value)| (*value as f64 * coded.scale(i)) as f32)
        .collect();
    Ok(Tensor {
        dims: inputs[0].dims.clone(),
        data: Data::Floats(floats),
        kind: 1,
    })
}

/// Constants as integers with scales.
pub(super) struct Coded {
    /// Less their zero points.
    pub(super) values: Vec<i64>,
    scales: Vec<f32>,
    /// Values that share a scale.
    run: usize,
}

impl Coded {
    fn read(node: NodeAt<'_>, x: &Tensor, scale: &Tensor, zero: Option<&Tensor>) -> Result<Coded> {
        let wrong = |what: &str| node.wrong(format!("{what} of {}", x.describe()));
        let values = x.integers().ok_or_else(|| wrong("codes"))?;
        let scales = scale.floats().ok_or_else(|| wrong("scales"))?;
        let zeros = match zero {
            Some(zero) => zero.integers().ok_or_else(|| wrong("zero points"))?,
            None => &[],
        };
        let axis = node.integer("axis", 1)?;
        let axis = if axis < 0 {
            axis + x.dims.len() as i64
        } else {
            axis
        };
        let (length, inner) = match scales.len() {
            1 => (1, values.len().max(1)),
            count => {
                // Weights of a QLinearConv have their scales along the first axis.
                let axis = if node.op() == "QLinearConv" {
                    0
                } else {
                    axis as usize
                };
                let inner = x.dims.get(axis + 1..).ok_or_else(|| wrong("scales"))?;
                let fits = x.dims.get(axis) == Some(&count) && node.integer("block_size", 0)? == 0;
                if !fits {
                    return Err(wrong("scales"));
                }
                (count, inner.iter().product())
            }
        };
        if !(zeros.is_empty() || zeros.len() == 1 || zeros.len() == length) {
            return Err(wrong("zero points"));
        }
        let zero = |i: usize| match zeros {
            [] => 0,
            [zero] => *zero,
            _ => zeros[i / inner % length],
        };
        let values = values.iter().enumerate();
        Ok(Coded {
            values: values
                .map(|(i, value)| value.saturating_sub(zero(i)))
                .collect(),
            scales: scales.to_vec(),
            run: inner,
        })
    }

    /// The scale of value `i`.
    fn scale(&self, i: usize) -> f64 {
        f64::from(self.scales[i / self.run.max(1) % self.scales.len()])
    }

    /// The scale of each of the filters, if it is the same within them and values are bytes.
    fn per_filter(&self, filters: usize) -> Option<Vec<f64>> {
        let bytes = self.values.iter().all(|value| i8::try_from(*value).is_ok());
        let along = self.scales.len() == 1
            || self.scales.len() == filters && self.run * filters == self.values.len();
        let scale = |o: usize| f64::from(self.scales[o % self.scales.len()]);
        (bytes && along).then(|| (0..filters).map(scale).collect())
    }
}

/// The format that a node's scale and zero point describe; inputs `i` and `i + 1`.
fn format(lowering: &Lowering<'_>, node: NodeAt<'_>, i: usize) -> Result<Code> {
    let scale = lowering.constant(node, i)?;
    let zero = match node.optional_input(i + 1) {
        Some(_) => Some(lowering.constant(node, i + 1)?),
        None => None,
    };
    described(node, &scale, zero.as_deref())
}

fn described(node: NodeAt<'_>, scale: &Tensor, zero: Option<&Tensor>) -> Result<Code> {
    let [scale] = scale.floats().unwrap_or_default() else {
        return Err(node.wrong("maps with a scale for each channel are not supported"));
    };
    let (zero, kind) = match zero {
        Some(zero) => {
            let first = zero.integers().and_then(|zero| zero.first().copied());
            (first.unwrap_or(0), zero.kind)
        }
        None => (0, UNSIGNED),
    };
    let code = Code {
        bits: 8,
        signed: kind == SIGNED,
        scale: f64::from(*scale),
        zero: i32::try_from(zero).unwrap_or(i32::MAX),
    };
    if !matches!(kind, UNSIGNED | SIGNED) || !code.is_valid() {
        let kind = super::tensor::name(kind);
        let what = format!("{kind} with scale {scale} and zero point {zero} is not supported");
        return Err(node.wrong(what));
    }
    Ok(code)
}

/// The codes that an input becomes, if nothing but what quantizes it reads it.
pub(super) fn input_code(graph: &Graph) -> Result<Option<Code>> {
    let readers = graph.readers(&graph.input()?.name).iter();
    let mut found = None;
    for node in readers.map(|index| graph.node(*index)) {
        if node.op() != "QuantizeLinear" {
            return Ok(None);
        }
        let zero = node
            .optional_input(2)
            .map(|_| node.constant(2))
            .transpose()?;
        let code = described(node, node.constant(1)?, zero)?;
        if found.is_some_and(|found| found != code) {
            return Ok(None);
        }
        found = Some(code);
    }
    Ok(found)
}

/// `DequantizeLinear` of a map, which already stands for its real values.
pub(super) fn dequantize<'a>(lowering: &Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let value = lowering.value(node, 0)?;
    let source = match &value {
        Value::View(view) => view.elements.first().map(|(source, _)| *source),
        value => Some(value.source()),
    };
    let found = source.map(|source| (source, lowering.tensor(source).1));
    match found {
        Some((source, Number::Code(code)))
            if same(code, lowering.step(source), format(lowering, node, 1)?) =>
        {
            Ok(value)
        }
        _ => Err(node.wrong("its scale or zero point are not those of what it reads")),
    }
}

/// The format that the only readers of a tensor quantize it to, if it is one, and these readers.
pub(super) fn quantizers<'a>(
    lowering: &Lowering<'a>,
    tensor: &str,
) -> Result<Option<(Code, Vec<NodeAt<'a>>)>> {
    if lowering.ends.contains(&tensor) {
        return Ok(None);
    }
    let readers = lowering.graph.readers(tensor).iter();
    let nodes: Vec<NodeAt<'a>> = readers.map(|index| lowering.graph.node(*index)).collect();
    let Some(first) = nodes.first().filter(|node| node.op() == "QuantizeLinear") else {
        return Ok(None);
    };
    let code = format(lowering, *first, 1)?;
    for node in &nodes {
        if node.op() != "QuantizeLinear" || format(lowering, *node, 1)? != code {
            return Ok(None);
        }
    }
    Ok(Some((code, nodes)))
}

/// Whether two formats mean the same, given what a step of the first really is.
fn same(code: Code, step: f64, other: Code) -> bool {
    let close = (step - other.scale).abs() <= 1e-6 * other.scale;
    close && (code.bits, code.signed, code.zero) == (other.bits, other.signed, other.zero)
}

/// `QuantizeLinear`.
pub(super) fn quantize<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    let code = format(lowering, node, 1)?;
    let value = lowering.value(node, 0)?;
    let same = |source: Source| match lowering.tensor(source).1 {
        Number::Code(found) => same(found, lowering.step(source), code),
        Number::F32 => false,
    };
    let unchanged = match &value {
        Value::Map(source) => same(*source),
        Value::Patches(patches) => same(patches.source),
        Value::View(view) => view.elements.first().is_some_and(|(source, _)| {
            same(*source) && view.elements.iter().all(|(from, _)| from == source)
        }),
        Value::Padded(..) | Value::Constant(_) => false,
    };
    let output = node.output()?;
    if unchanged {
        lowering.set(output, value);
        return Ok(());
    }
    let source = lowering.map(node, 0)?;
    let map = recoded(lowering, node, source, code)?;
    lowering.set(output, Value::Map(map));
    Ok(())
}

/// A map in another format of codes, or a map of floats in one.
fn recoded<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    source: Source,
    code: Code,
) -> Result<Source> {
    match lowering.tensor(source).1 {
        Number::Code(from) if same(from, lowering.step(source), code) => Ok(source),
        Number::Code(from) => {
            let from = Code {
                scale: lowering.step(source),
                ..from
            };
            tabulated(lowering, node, source, Table::of(from, code, |x| x))
        }
        Number::F32 => {
            let channels = lowering.tensor(source).0.channels;
            let finish = Affine {
                scale: Default::default(),
                bias: vec![0.0; channels].into(),
                activation: Activation::Linear,
                output: Number::Code(code),
            };
            let weights = Weights::floats(vec![1.0; channels]);
            each(lowering, node, source, weights, Finish::Affine(finish))
        }
    }
}

/// Every code of a map through a table.
fn tabulated<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    source: Source,
    table: Table,
) -> Result<Source> {
    let (shape, number) = lowering.tensor(source);
    let code = number.code().unwrap_or(table.output);
    let finish = Requantize {
        negative_shift: 0,
        bias: vec![0; shape.channels].into(),
        multiplier: vec![1; shape.channels].into(),
        shift: vec![0; shape.channels].into(),
        code,
        table: Some(table),
    };
    let weights = ones(lowering, shape.channels)?;
    each(
        lowering,
        node,
        source,
        weights,
        Finish::Requantize(Box::new(finish)),
    )
}

/// A map of codes as floats, through a function.
pub(super) fn floats<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    source: Source,
    activation: Activation,
) -> Result<Source> {
    let channels = lowering.tensor(source).0.channels;
    let step = lowering.step(source) as f32;
    let finish = Affine {
        scale: vec![step; channels].into(),
        bias: vec![0.0; channels].into(),
        activation,
        output: Number::F32,
    };
    let weights = ones(lowering, channels)?;
    each(lowering, node, source, weights, Finish::Affine(finish))
}

/// A map as floats, whatever it is.
pub(super) fn as_floats<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    source: Source,
) -> Result<Source> {
    match lowering.tensor(source).1 {
        Number::F32 => Ok(source),
        Number::Code(_) => floats(lowering, node, source, Activation::Linear),
    }
}

fn ones(lowering: &Lowering<'_>, channels: usize) -> Result<Weights> {
    let kind = WeightKind::Int { bits: 2 };
    Weights::integers(kind, &vec![1; channels]).map_err(crate::Error::network(&lowering.graph.path))
}

/// A convolution of one pixel that keeps channels apart.
pub(super) fn each<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    source: Source,
    weights: Weights,
    finish: Finish,
) -> Result<Source> {
    let op = Op::Convolution(Convolution::by_channel(weights, finish));
    lowering.emit(node, op, &[source])
}

/// The integers of a convolution's weights, if they and its input are codes.
pub(super) fn coded_weights(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    filters: usize,
) -> Result<Option<(Coded, Vec<f64>)>> {
    let coded = match node.op() {
        "QLinearConv" => {
            let constant = |i: usize| lowering.constant(node, i);
            let (w, scale, zero) = (constant(3)?, constant(4)?, constant(5)?);
            Coded::read(node, &w, &scale, Some(&zero))?
        }
        _ => {
            let maker = lowering.graph.producer(node.input(1)?);
            let Some(maker) = maker.filter(|maker| maker.op() == "DequantizeLinear") else {
                return Ok(None);
            };
            let zero = match maker.optional_input(2) {
                Some(_) => Some(lowering.constant(maker, 2)?),
                None => None,
            };
            let (w, scale) = (lowering.constant(maker, 0)?, lowering.constant(maker, 1)?);
            Coded::read(maker, &w, &scale, zero.as_deref())?
        }
    };
    Ok(coded.per_filter(filters).map(|scales| (coded, scales)))
}

/// What becomes of a convolution's integer sums, and the tensor that is made then.
struct Ending<'a> {
    finish: Finish,
    /// A function of the code that the finish makes.
    table: Option<Table>,
    output: &'a str,
}

/// The ending of a convolution: `steps` are the real values of a step of each sum, `bias` is real.
fn ending<'a>(
    lowering: &mut Lowering<'a>,
    output: &'a str,
    steps: &[f64],
    bias: &[f32],
) -> Result<Ending<'a>> {
    let (activation, after) = convolution::activation(lowering, output)?;
    let quantized = quantizers(lowering, after)?;
    let number = quantized
        .as_ref()
        .map_or(Number::F32, |(code, _)| Number::Code(*code));
    let mut ending = Ending {
        finish: affine(steps, bias, activation, number),
        table: None,
        output: after,
    };
    if let Some((code, nodes)) = quantized
        && let [quantizer] = nodes[..]
        && let Some((table, output)) = function(lowering, quantizer, code)?
    {
        ending.table = Some(table);
        ending.output = output;
    }
    Ok(ending)
}

fn affine(steps: &[f64], bias: &[f32], activation: Activation, output: Number) -> Finish {
    Finish::Affine(Affine {
        scale: steps
            .iter()
            .map(|step| *step as f32)
            .collect::<Vec<_>>()
            .into(),
        bias: bias.to_vec().into(),
        activation,
        output,
    })
}

/// A function of a code that alone reads it and is quantized itself; its nodes are marked as done.
fn function<'a>(
    lowering: &mut Lowering<'a>,
    quantizer: NodeAt<'a>,
    code: Code,
) -> Result<Option<(Table, &'a str)>> {
    let Some(back) = lowering.only_reader(quantizer.output()?) else {
        return Ok(None);
    };
    if back.op() != "DequantizeLinear" || format(lowering, back, 1)? != code {
        return Ok(None);
    }
    let real = back.output()?;
    let Some(next) = super::activation::follower(lowering.graph, real, &lowering.ends)? else {
        return Ok(None);
    };
    let Some((output, _)) = quantizers(lowering, next.output)? else {
        return Ok(None);
    };
    lowering.done(quantizer.index);
    lowering.done(back.index);
    next.nodes.iter().for_each(|index| lowering.done(*index));
    let table = Table::of(code, output, |x| next.activation.apply(x));
    Ok(Some((table, next.output)))
}

/// The largest bias, in steps of its sum: more is beside what sums have room for.
const MAX_BIAS: f64 = (1 << 30) as f64;

/// Filters that training left without weights have scales so small that their biases are beyond all
/// sums. They get coarser steps and weights of 0, which changes their sums by less than a 500th.
fn silence(filters: &mut Filters, steps: &mut [f64]) {
    let window = filters.weights.len() / steps.len().max(1);
    for (o, step) in steps.iter_mut().enumerate() {
        let bias = f64::from(filters.bias[o]).abs();
        if bias / *step >= MAX_BIAS || *step == 0.0 {
            *step = (bias / f64::from(1 << 20)).max(f64::from(f32::MIN_POSITIVE));
            filters.weights[o * window..(o + 1) * window].fill(0.0);
        }
    }
}

/// The convolution with integer weights.
pub(super) fn convolution<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    mut filters: Filters,
    (coded, scales): (Coded, Vec<f64>),
    input: &Value,
) -> Result<()> {
    filters.weights = coded.values.iter().map(|value| *value as f32).collect();
    let step = lowering.step(input.source());
    let mut steps: Vec<f64> = scales.iter().map(|scale| scale * step).collect();
    silence(&mut filters, &mut steps);
    let placed = convolution::place(lowering, node, &filters, input)?;
    let ending = match node.op() {
        "QLinearConv" => {
            let code = format(lowering, node, 6)?;
            let output = Number::Code(code);
            Ending {
                finish: affine(&steps, &filters.bias, Activation::Linear, output),
                table: None,
                output: node.output()?,
            }
        }
        _ => ending(lowering, node.output()?, &steps, &filters.bias)?,
    };
    let weights: Vec<i8> = placed.weights.iter().map(|weight| *weight as i8).collect();
    let weights = Weights::integers(WeightKind::Int { bits: 8 }, &weights)
        .map_err(crate::Error::network(&lowering.graph.path))?;
    let op = placed.op(weights, ending.finish);
    let mut map = lowering.emit(node, op, &[input.source()])?;
    if let Some(table) = ending.table {
        map = tabulated(lowering, node, map, table)?;
    }
    lowering.set(ending.output, Value::Map(map));
    Ok(())
}

/// The real biases of a `QLinearConv`, whose integers are in steps of its sums.
pub(super) fn linear_bias(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    filters: usize,
) -> Result<Vec<f32>> {
    if node.optional_input(8).is_none() {
        return Ok(vec![0.0; filters]);
    }
    let (scale, x) = (lowering.constant(node, 4)?, lowering.constant(node, 1)?);
    let (scales, x) = (
        scale.floats().unwrap_or_default(),
        x.floats().unwrap_or_default(),
    );
    let ([x], true) = (x, matches!(scales.len(), n if n == 1 || n == filters)) else {
        return Err(node.wrong("scales that do not fit its weights"));
    };
    let step = |o: usize| f64::from(scales[o % scales.len()]) * f64::from(*x);
    let bias = lowering.integers(node, 8)?;
    Ok(bias
        .iter()
        .enumerate()
        .map(|(o, bias)| (*bias as f64 * step(o)) as f32)
        .collect())
}

/// `QLinearConcat`: scale and zero point of the result, then each map with its own.
pub(super) fn concat<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    let axis = node.integer("axis", 1)?;
    if axis != 1 && axis != -3 {
        return Err(node.wrong(format!("axis {axis} is not supported, only 1 (channels)")));
    }
    let code = format(lowering, node, 0)?;
    let maps = (2..node.node.inputs.len())
        .step_by(3)
        .map(|i| lowering.map(node, i))
        .collect::<Result<Vec<Source>>>()?;
    let map = joined(lowering, node, &maps, code)?;
    lowering.set(node.output()?, Value::Map(map));
    Ok(())
}

/// Maps side by side in one format.
pub(super) fn joined<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    maps: &[Source],
    code: Code,
) -> Result<Source> {
    let maps = maps
        .iter()
        .map(|map| recoded(lowering, node, *map, code))
        .collect::<Result<Vec<Source>>>()?;
    lowering.emit(node, Op::Concat, &maps)
}
