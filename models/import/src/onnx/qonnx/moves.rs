//! Pools, joins and everything else that moves, compares or joins elements.

use super::input::data_type;
use super::layout::Layout;
use super::lower::Lowering;
use super::step::{Rounding, Step};
use super::value::{Base, Chain, Map, Value};
use crate::Result;
use crate::onnx::node::NodeAt;
use crate::onnx::{layers, patches};
use std::rc::Rc;
use tincy_network::{Activation, BlockOrder, Op, Source};

impl<'a> Lowering<'a> {
    /// Input `i` of a node: a map of `[1, channels, height, width]`.
    pub(super) fn picture(&mut self, node: NodeAt<'a>, i: usize) -> Result<Map> {
        let (map, layout) = self.map_with_layout(node, i)?;
        match layout == Layout::channels_first(map.shape) {
            true => Ok(map),
            false => Err(node.wrong("a map of 1 x channels x height x width is expected")),
        }
    }

    /// The same, whose levels are those of all channels, so that channels can change places.
    fn even(&mut self, node: NodeAt<'a>, i: usize) -> Result<Map> {
        let map = self.map(node, i)?;
        match &map.levels {
            Some(levels) if levels.single().is_none() => self.numbers(node, i),
            _ => Ok(map),
        }
    }

    /// Input `i` of a node as numbers.
    fn numbers(&mut self, node: NodeAt<'a>, i: usize) -> Result<Map> {
        self.map(node, i)?;
        let value = self.value(node, i)?;
        self.real(value)
    }

    /// A layer whose output has the levels of its input.
    fn moved(&mut self, node: NodeAt<'a>, op: Op, map: Map) -> Result<Value<'a>> {
        let source = self.emit(Some(node), op, &[map.source])?;
        Ok(self.of_map(node, source, &map))
    }

    /// A picture of the network, with levels as `like` has them.
    fn of_map(&self, node: NodeAt<'a>, source: Source, like: &Map) -> Value<'a> {
        let (shape, _) = self.tensor(source);
        Value {
            base: Base::Map(Map {
                source,
                shape,
                levels: like.levels.clone(),
            }),
            chain: Chain::new(),
            layout: Layout::channels_first(shape),
            node: Some(node),
        }
    }
}

/// A layer without weights.
pub(super) fn layer<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    match node.op() {
        "MaxPool" => {
            let map = lowering.picture(node, 0)?;
            let pool = layers::pool(node, map.shape)?;
            lowering.moved(node, Op::MaxPool(pool), map)
        }
        "GlobalAveragePool" => {
            lowering.picture(node, 0)?;
            let map = lowering.numbers(node, 0)?;
            lowering.moved(node, Op::GlobalAverage, map)
        }
        "Resize" | "Upsample" => {
            let map = lowering.picture(node, 0)?;
            let factor = layers::repetition(&lowering.constants, node, map.shape)?;
            lowering.moved(node, Op::Upsample { factor }, map)
        }
        "DepthToSpace" => {
            lowering.picture(node, 0)?;
            let map = lowering.even(node, 0)?;
            let order = match node.text("mode", "DCR")? {
                "DCR" => BlockOrder::PixelFirst,
                "CRD" => BlockOrder::ChannelFirst,
                mode => return Err(node.wrong(format!("mode {mode} is not known"))),
            };
            let block = usize::try_from(node.integer("blocksize", 0)?).unwrap_or(0);
            lowering.moved(node, Op::DepthToSpace { block, order }, map)
        }
        "Concat" => concat(lowering, node),
        "Slice" => slice(lowering, node),
        "Softmax" => softmax(lowering, node),
        _ => Err(node.wrong("the operator is not supported in a quantized network")),
    }
}

/// Channels side by side: codes, if all are the same.
fn concat<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let axis = node.integer("axis", 1)?;
    let count = node.node.inputs.len();
    let mut maps = Vec::with_capacity(count);
    for i in 0..count {
        let (map, layout) = lowering.map_with_layout(node, i)?;
        let rank = layout.rank() as i64;
        let axis = if axis < 0 { axis + rank } else { axis };
        if layout != Layout::channels_first(map.shape) && rank != 2 || axis != 1 {
            return Err(node.wrong("only channels can be joined"));
        }
        maps.push(lowering.even(node, i)?);
    }
    let kind = |map: &Map| (lowering.tensor(map.source).1, map.levels.clone());
    if maps.iter().any(|map| kind(map) != kind(&maps[0])) {
        for (i, map) in maps.iter_mut().enumerate() {
            *map = lowering.numbers(node, i)?;
        }
    }
    let sources: Vec<Source> = maps.iter().map(|map| map.source).collect();
    let source = lowering.emit(Some(node), Op::Concat, &sources)?;
    let layout = lowering.value(node, 0)?.layout;
    let value = lowering.of_map(node, source, &maps[0]);
    Ok(match layout.rank() {
        2 => Value {
            layout: Layout::vector(value.shape()),
            ..value
        },
        _ => value,
    })
}

/// A run of channels.
fn slice<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    lowering.picture(node, 0)?;
    let map = lowering.even(node, 0)?;
    let size = [1, map.shape.channels, map.shape.height, map.shape.width];
    let [(axis, limits)] = patches::arguments(&lowering.constants, node)?[..] else {
        return Err(node.wrong("only one axis can be cut"));
    };
    let cut = patches::cut(node, &size, axis, limits)?;
    if cut.axis != 1 || cut.step != 1 || cut.start >= cut.end {
        return Err(node.wrong("only a run of channels can be taken"));
    }
    let (start, count) = (cut.start, cut.end - cut.start);
    lowering.moved(node, Op::Slice { start, count }, map)
}

/// Over all numbers of a vector.
fn softmax<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let map = lowering.numbers(node, 0)?;
    let layout = lowering.value(node, 0)?.layout;
    let rank = layout.rank() as i64;
    let axis = node.integer("axis", if lowering.graph.opset < 13 { 1 } else { -1 })?;
    let axis = if axis < 0 { axis + rank } else { axis };
    let is_all = usize::try_from(axis).is_ok_and(|axis| {
        axis < layout.rank() && layout.dims(map.shape)[axis] == map.shape.elements()
    });
    if !is_all {
        return Err(node.wrong("only a vector's numbers can share a sum"));
    }
    let value = lowering.moved(node, Op::Softmax, map)?;
    Ok(Value { layout, ..value })
}

/// `Add` and `Sub` of two maps of one shape.
pub(super) fn add<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let layouts = [
        lowering.value(node, 0)?.layout,
        lowering.value(node, 1)?.layout,
    ];
    let first = lowering.numbers(node, 0)?;
    lowering.map(node, 1)?;
    let mut second = lowering.value(node, 1)?;
    if node.op() == "Sub" {
        second.chain.push(Step::Multiply(vec![-1.0]));
    }
    let second = lowering.real(second)?;
    if first.shape != second.shape || layouts[0] != layouts[1] {
        let what = format!(
            "maps of {} and {} are not supported",
            first.shape, second.shape
        );
        return Err(node.wrong(what));
    }
    let op = Op::Add {
        activation: Activation::Linear,
    };
    let source = lowering.emit(Some(node), op, &[first.source, second.source])?;
    let [layout, _] = layouts;
    let mut value = Value {
        layout,
        ..lowering.of_map(node, source, &first)
    };
    if let Some([low, high]) = whole(lowering, node)? {
        // They are whole numbers already; rounding makes them codes.
        let round = Step::Round(Rounding::HalfEven);
        value.chain.extend([Step::Clip(low, high), round]);
    }
    Ok(value)
}

/// The limits of a tensor of integers of 8 bits at most, by QONNX's name of its data type.
fn whole(lowering: &Lowering<'_>, node: NodeAt<'_>) -> Result<Option<[f32; 2]>> {
    let kind = lowering.graph.kinds.get(node.output()?);
    let code = kind.and_then(|kind| data_type(kind));
    Ok(code.map(|code| [code.min(), code.max()].map(|end| end as f32)))
}

/// `Mul` of two maps: a function times its own argument, or a number for each channel.
pub(super) fn multiply<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let values = [lowering.value(node, 0)?, lowering.value(node, 1)?];
    for (argument, gate) in [(0, 1), (1, 0)] {
        if let Some(activation) = gated(&values[argument], &values[gate]) {
            let mut value = values[argument].clone();
            value.chain.push(Step::Function(activation));
            value.node = Some(node);
            return Ok(value);
        }
    }
    let maps = [lowering.numbers(node, 0)?, lowering.numbers(node, 1)?];
    let is_pixel = |map: &Map| map.shape.pixels() == 1;
    let (map, scales) = match (is_pixel(&maps[1]), is_pixel(&maps[0])) {
        (true, _) => (0, 1),
        (_, true) => (1, 0),
        _ => {
            let [first, second] = [maps[0].shape, maps[1].shape];
            let what = format!("maps of {first} and {second} are not supported");
            return Err(node.wrong(what));
        }
    };
    let op = Op::ScaleChannels {
        activation: Activation::Linear,
    };
    let source = lowering.emit(Some(node), op, &[maps[map].source, maps[scales].source])?;
    Ok(lowering.of_map(node, source, &maps[map]))
}

/// The function `x * gate(x)`, if the second value is a gate of the first.
fn gated(argument: &Value<'_>, gate: &Value<'_>) -> Option<Activation> {
    let is_same = match (&argument.base, &gate.base) {
        (Base::Map(a), Base::Map(b)) => a == b,
        (Base::Sum(a), Base::Sum(b)) => Rc::ptr_eq(a, b),
        _ => false,
    };
    let rest = gate.chain.strip_prefix(&argument.chain[..])?;
    match rest {
        [Step::Function(Activation::Logistic)] if is_same => Some(Activation::Swish),
        [Step::Function(Activation::HardSigmoid)] if is_same => Some(Activation::HardSwish),
        _ => None,
    }
}

/// Darknet's space-to-depth, as this project writes it: a reshape to five axes, a transposition, and a
/// reshape back. `None` if the nodes after this one are others.
pub(super) fn reorg<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    blocks: &[usize],
) -> Result<Option<Value<'a>>> {
    let graph = lowering.graph;
    let only = |node: NodeAt<'a>, op: &str| -> Result<Option<NodeAt<'a>>> {
        let output = node.output()?;
        Ok(match *graph.readers(output) {
            [index]
                if graph.node(index).op() == op && !graph.outputs().iter().any(|o| o == output) =>
            {
                Some(graph.node(index))
            }
            _ => None,
        })
    };
    let [_, _, stride, _, last] = *blocks else {
        return Ok(None);
    };
    let Some(transpose) = only(node, "Transpose")? else {
        return Ok(None);
    };
    let Some(reshape) = only(transpose, "Reshape")? else {
        return Ok(None);
    };
    let map = lowering.picture(node, 0)?;
    let shape = map.shape;
    let area = stride.saturating_mul(stride).max(1);
    let expected = [
        shape.channels / area,
        shape.height,
        stride,
        shape.width,
        stride,
    ];
    let back = lowering.constants.integers(reshape, 1)?;
    let sides = [
        shape.channels.saturating_mul(area),
        shape.height / stride.max(1),
        shape.width / stride.max(1),
    ];
    let is_back = matches!(*back, [1, c, h, w] if [c, h, w] == sides.map(|side| side as i64));
    let is_turned = transpose.list("perm")? == Some(&[2, 4, 0, 1, 3]);
    if last != stride || *blocks != expected || !is_turned || !is_back {
        return Ok(None);
    }
    let map = if map
        .levels
        .as_ref()
        .is_some_and(|levels| levels.single().is_none())
    {
        lowering.numbers(node, 0)?
    } else {
        map
    };
    let value = lowering.moved(reshape, Op::Reorg { stride }, map)?;
    for node in [transpose, reshape] {
        lowering.done(node.index);
        lowering.insert(node.output()?, value.clone());
    }
    Ok(Some(value))
}
