//! The layers without weights: pools, joins, enlarged maps, sums, activations.

use super::activation::{follower, unary};
use super::convolution::padding;
use super::lower::{Lowering, Value};
use super::node::NodeAt;
use super::patches::Patches;
use crate::Result;
use tincy_network::{Activation, Op, Padding, Pool, Shape, Source};

/// The axis of channels in the file's order.
const CHANNELS: i64 = 1;

/// `Concat` of channels.
pub(super) fn concat<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let axis = node.integer("axis", CHANNELS)?;
    if axis != CHANNELS && axis != CHANNELS - 4 {
        return Err(node.wrong(format!("axis {axis} is not supported, only 1 (channels)")));
    }
    let values = (0..node.node.inputs.len())
        .map(|i| lowering.value(node, i))
        .collect::<Result<Vec<Value>>>()?;
    let patches: Vec<Patches> = values
        .iter()
        .filter_map(|value| match value {
            Value::Patches(patches) => Some(patches.clone()),
            Value::Map(_) => None,
        })
        .collect();
    if !patches.is_empty() {
        let all = patches.len() == values.len();
        let joined = Patches::joined(&patches).filter(|_| all);
        let joined = joined.ok_or_else(|| node.wrong("patches of different maps, or too many"))?;
        return Ok(Value::Patches(joined));
    }
    let maps = (0..values.len())
        .map(|i| lowering.map(node, i))
        .collect::<Result<Vec<Source>>>()?;
    Ok(Value::Map(lowering.emit(node, Op::Concat, &maps)?))
}

/// `MaxPool`.
pub(super) fn max_pool<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let source = lowering.map(node, 0)?;
    let (input, _) = lowering.tensor(source);
    let size = node.sizes("kernel_shape", [0, 0])?;
    let stride = node.sizes("strides", [1, 1])?;
    if node.sizes("dilations", [1, 1])? != [1, 1] {
        return Err(node.wrong("dilations are not supported"));
    }
    if size.contains(&0) || stride.contains(&0) {
        return Err(node.wrong(format!("a window of {size:?} with strides {stride:?}")));
    }
    let mut padding = padding(node, input, size, stride, [1, 1])?;
    if node.integer("ceil_mode", 0)? != 0 {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = padding;
        let sum = |length: usize, sides: [usize; 2]| {
            let padded = sides
                .iter()
                .try_fold(length, |sum, side| sum.checked_add(*side));
            padded.ok_or_else(|| node.wrong("pads that cannot be"))
        };
        padding.bottom += rest(sum(input.height, [top, bottom])?, size[0], stride[0]);
        padding.right += rest(sum(input.width, [left, right])?, size[1], stride[1]);
    }
    let op = Op::MaxPool(Pool {
        size,
        stride,
        padding,
    });
    Ok(Value::Map(lowering.emit(node, op, &[source])?))
}

/// What must be added to a length so that windows end exactly at its end.
fn rest(length: usize, size: usize, stride: usize) -> usize {
    let beyond = length.saturating_sub(size);
    (stride - beyond % stride) % stride
}

/// `Resize` and `Upsample` that repeat every pixel.
pub(super) fn resize<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let source = lowering.map(node, 0)?;
    let (shape, _) = lowering.tensor(source);
    let mode = node.text("mode", "nearest")?;
    let place = node.text("coordinate_transformation_mode", "half_pixel")?;
    let rounding = node.text("nearest_mode", "round_prefer_floor")?;
    // Opsets before 11 had no choice: every pixel is repeated.
    let repeats = lowering.graph.opset < 11
        || matches!(
            (place, rounding),
            ("asymmetric" | "tf_half_pixel_for_nn", "floor")
                | (
                    "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric",
                    "round_prefer_floor" | "round_prefer_ceil"
                )
        );
    if mode != "nearest" || !repeats {
        return Err(node.wrong(format!(
            "mode {mode} ({place}, {rounding}) is not supported, only nearest with asymmetric and \
             floor, or half_pixel"
        )));
    }
    let factor = factor(node, shape)?;
    let op = Op::Upsample { factor };
    Ok(Value::Map(lowering.emit(node, op, &[source])?))
}

/// The whole number that both sides grow by.
fn factor(node: NodeAt<'_>, shape: Shape) -> Result<usize> {
    let wrong = |found: String| {
        node.wrong(format!(
            "rows and columns must grow by one whole factor, found {found}"
        ))
    };
    let scales = if node.op() == "Upsample" || node.graph.opset < 11 {
        1
    } else {
        2
    };
    if let Some(name) = node.optional_input(scales)
        && let Some(scales) = node.graph.constant(name)
        && let Some(scales) = scales.floats().filter(|scales| !scales.is_empty())
    {
        return match *scales {
            [1.0, 1.0, y, x] if y == x && (1.0..=64.0).contains(&y) && y.fract() == 0.0 => {
                Ok(y as usize)
            }
            _ => Err(wrong(format!("scales {scales:?}"))),
        };
    }
    let sizes = node.integers(3)?;
    let [height, width] = [shape.height, shape.width].map(|side| side as i64);
    match *sizes {
        [1, channels, y, x]
            if channels == shape.channels as i64
                && y > 0
                && y % height == 0
                && x % width == 0
                && y / height == x / width =>
        {
            Ok((y / height) as usize)
        }
        _ => Err(wrong(format!("sizes {sizes:?} from {shape}"))),
    }
}

/// `Add` of two maps of one shape, `Mul` of a map and a number for each of its channels; either
/// takes an activation along.
pub(super) fn binary<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    let maps = [lowering.map(node, 0)?, lowering.map(node, 1)?];
    let [first, second] = maps.map(|map| lowering.tensor(map).0);
    let (activation, output) = fused(lowering, node)?;
    let is_pixel = |shape: Shape, of: Shape| shape == Shape::new(1, 1, of.channels);
    let (op, maps) = match node.op() {
        "Add" if first == second => (Op::Add { activation }, maps),
        "Mul" if is_pixel(second, first) => (Op::ScaleChannels { activation }, maps),
        "Mul" if is_pixel(first, second) => (Op::ScaleChannels { activation }, [maps[1], maps[0]]),
        _ => {
            let what = format!("maps of {first} and {second} are not supported");
            return Err(node.wrong(what));
        }
    };
    let map = lowering.emit(node, op, &maps)?;
    lowering.set(output, Value::Map(map));
    Ok(())
}

/// The activation that follows a node, and the tensor after it.
fn fused<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<(Activation, &'a str)> {
    let output = node.output()?;
    Ok(match follower(lowering.graph, output, &lowering.ends)? {
        Some(next) => {
            next.nodes
                .into_iter()
                .for_each(|index| lowering.done(index));
            (next.activation, next.output)
        }
        None => (Activation::Linear, output),
    })
}

/// An activation that no layer could take along, alone or with the product that makes it another.
pub(super) fn activation<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    let source = lowering.map(node, 0)?;
    let input = node.input(0)?;
    let whole = follower(lowering.graph, input, &lowering.ends)?;
    let (activation, output) = match whole.filter(|next| next.nodes.contains(&node.index)) {
        Some(next) => {
            next.nodes
                .into_iter()
                .for_each(|index| lowering.done(index));
            (next.activation, next.output)
        }
        None => match unary(node)? {
            Some(activation) => (activation, node.output()?),
            None => return Err(node.wrong("the operator is not supported")),
        },
    };
    let map = lowering.emit(node, Op::Activation { activation }, &[source])?;
    lowering.set(output, Value::Map(map));
    Ok(())
}
