//! The layers without weights: pools, joins, enlarged maps, sums, activations.

use super::activation::{follower, unary};
use super::affine;
use super::convolution::{self, padding};
use super::lower::{Lowering, Value};
use super::node::NodeAt;
use super::patches::Patches;
use super::quantized;
use crate::Result;
use tincy_network::{
    Activation, Affine, Convolution, Finish, Number, Op, Padding, Pool, Shape, Source, Weights,
};

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
            _ => None,
        })
        .collect();
    if !patches.is_empty() {
        let all = patches.len() == values.len();
        let joined = Patches::joined(&patches).filter(|_| all);
        let joined = joined.ok_or_else(|| node.wrong("patches of different maps"))?;
        return Ok(Value::Patches(joined));
    }
    let maps = (0..values.len())
        .map(|i| lowering.map(node, i))
        .collect::<Result<Vec<Source>>>()?;
    let numbers: Vec<Number> = maps.iter().map(|map| lowering.tensor(*map).1).collect();
    if numbers.iter().all(|number| *number == numbers[0]) {
        return Ok(Value::Map(lowering.emit(node, Op::Concat, &maps)?));
    }
    if let Some((code, _)) = quantized::quantizers(lowering, node.output()?)? {
        return Ok(Value::Map(quantized::joined(lowering, node, &maps, code)?));
    }
    let maps = (0..maps.len())
        .map(|i| lowering.floats(node, i))
        .collect::<Result<Vec<Source>>>()?;
    Ok(Value::Map(lowering.emit(node, Op::Concat, &maps)?))
}

/// `AveragePool` as a convolution of equal weights that keeps channels apart.
pub(super) fn average_pool<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let (source, around) = match lowering.value(node, 0)? {
        Value::Padded(..) => {
            let Value::Padded(source, around) = lowering.value(node, 0)? else {
                return Err(node.wrong("it has no input"));
            };
            (quantized::as_floats(lowering, node, source)?, around)
        }
        _ => (lowering.floats(node, 0)?, Padding::default()),
    };
    let (input, _) = lowering.tensor(source);
    let size = node.sizes("kernel_shape", [0, 0])?;
    let stride = node.sizes("strides", [1, 1])?;
    let count = size[0].saturating_mul(size[1]);
    if !(1..=1 << 16).contains(&count) || node.integer("ceil_mode", 0)? != 0 {
        return Err(node.wrong(format!(
            "a window of {size:?}, or ceil_mode, is not supported"
        )));
    }
    let own = padding(node, input, size, stride, [1, 1])?;
    if own != Padding::default() && node.integer("count_include_pad", 0)? == 0 {
        return Err(
            node.wrong("padding that is not counted is not supported; set count_include_pad")
        );
    }
    let channels = input.channels;
    let weights = vec![1.0 / count as f32; count.saturating_mul(channels)];
    let op = Op::Convolution(Convolution {
        out_channels: channels,
        kernel: size,
        stride,
        dilation: [1, 1],
        padding: Padding {
            top: own.top.saturating_add(around.top),
            left: own.left.saturating_add(around.left),
            bottom: own.bottom.saturating_add(around.bottom),
            right: own.right.saturating_add(around.right),
        },
        groups: channels,
        weights: Weights::floats(weights),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: vec![0.0; channels].into(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
    });
    Ok(Value::Map(lowering.emit(node, op, &[source])?))
}

/// `Pad` of zeros around a map, for a convolution or a mean to read.
pub(super) fn pad<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let source = lowering.map(node, 0)?;
    let pads = match node.optional_input(1) {
        Some(_) => lowering.integers(node, 1)?,
        None => node.list("pads")?.unwrap_or_default().to_vec(),
    };
    let value = match node.optional_input(2) {
        Some(_) => lowering.floats_of(node, 2)?.first().copied().unwrap_or(0.0),
        None => node.float("value", 0.0)?,
    };
    let sides: Option<Vec<usize>> = pads.iter().map(|n| usize::try_from(*n).ok()).collect();
    let mode = node.text("mode", "constant")?;
    match sides.as_deref() {
        Some([0, 0, top, left, 0, 0, bottom, right]) if mode == "constant" && value == 0.0 => {
            let padding = Padding {
                top: *top,
                left: *left,
                bottom: *bottom,
                right: *right,
            };
            Ok(match padding == Padding::default() {
                true => Value::Map(source),
                false => Value::Padded(source, padding),
            })
        }
        _ => Err(node.wrong(format!(
            "mode {mode}, pads {pads:?} of {value} are not supported, only zeros around rows and \
             columns"
        ))),
    }
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
        padding.bottom += rest(
            input.height + padding.top + padding.bottom,
            size[0],
            stride[0],
        );
        padding.right += rest(
            input.width + padding.left + padding.right,
            size[1],
            stride[1],
        );
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
    beyond.next_multiple_of(stride) - beyond
}

/// `Resize` and `Upsample` that repeat every pixel.
pub(super) fn resize<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let source = lowering.map(node, 0)?;
    let (shape, _) = lowering.tensor(source);
    let mode = node.text("mode", "nearest")?;
    if mode == "linear" {
        return linear(lowering, node);
    }
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
    let factor = factor(lowering, node, shape)?;
    let op = Op::Upsample { factor };
    Ok(Value::Map(lowering.emit(node, op, &[source])?))
}

/// `Resize` by means of neighbours.
fn linear<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let source = lowering.floats(node, 0)?;
    let (shape, _) = lowering.tensor(source);
    let place = node.text("coordinate_transformation_mode", "half_pixel")?;
    let size = size(lowering, node, shape)?;
    let one = [size.height, size.width].contains(&1);
    // The two differ where a side of one pixel is made, and only there.
    let known = place == "half_pixel" || place == "pytorch_half_pixel" && !one;
    if !known || node.integer("antialias", 0)? != 0 {
        return Err(node.wrong(format!(
            "mode linear ({place}) to {size} is not supported, only half_pixel without antialias"
        )));
    }
    let op = Op::Resize {
        size: [size.height, size.width],
    };
    Ok(Value::Map(lowering.emit(node, op, &[source])?))
}

/// The whole number that both sides grow by.
fn factor(lowering: &Lowering<'_>, node: NodeAt<'_>, shape: Shape) -> Result<usize> {
    let size = size(lowering, node, shape)?;
    let factor = size.height / shape.height;
    let whole = (size.height, size.width) == (factor * shape.height, factor * shape.width);
    match whole && (1..=64).contains(&factor) {
        true => Ok(factor),
        false => Err(node.wrong(format!(
            "rows and columns must grow by one whole factor, found {size} from {shape}"
        ))),
    }
}

/// The shape of a resized map, from its scales or its sizes.
fn size(lowering: &Lowering<'_>, node: NodeAt<'_>, shape: Shape) -> Result<Shape> {
    let wrong = |found: String| node.wrong(format!("{found} for {shape}"));
    let scales = if node.op() == "Upsample" || node.graph.opset < 11 {
        1
    } else {
        2
    };
    let given = match (node.op(), node.optional_input(scales)) {
        ("Upsample", None) => None,
        (_, Some(_)) => Some(lowering.floats_of(node, scales)?),
        (_, None) => None,
    };
    let grown = |side: usize, scale: f32| {
        let side = (side as f64 * f64::from(scale)).floor();
        (1.0..=65536.0).contains(&side).then_some(side as usize)
    };
    if let Some(scales) = given.filter(|scales| !scales.is_empty()) {
        let sides = match scales[..] {
            [1.0, 1.0, y, x] => grown(shape.height, y).zip(grown(shape.width, x)),
            _ => None,
        };
        let (height, width) = sides.ok_or_else(|| wrong(format!("scales {scales:?}")))?;
        return Ok(Shape::new(height, width, shape.channels));
    }
    let sizes = lowering.integers(node, 3)?;
    match sizes[..] {
        [1, channels, y @ 1..=65536, x @ 1..=65536] if channels == shape.channels as i64 => {
            Ok(Shape::new(y as usize, x as usize, shape.channels))
        }
        _ => Err(wrong(format!("sizes {sizes:?}"))),
    }
}

/// `Add` of two maps of one shape, `Mul` of a map and a number for each of its channels; either
/// takes an activation along. With a constant they are layers of their own.
pub(super) fn binary<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    for map in [0, 1] {
        if lowering.constant_named(node.input(1 - map)?).is_some() {
            return affine::constant(lowering, node, map);
        }
    }
    let maps = [lowering.floats(node, 0)?, lowering.floats(node, 1)?];
    let [first, second] = maps.map(|map| lowering.tensor(map).0);
    let (activation, output) = convolution::activation(lowering, node.output()?)?;
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
    let map = match lowering.tensor(source).1 {
        Number::F32 => lowering.emit(node, Op::Activation { activation }, &[source])?,
        Number::Code(_) => quantized::floats(lowering, node, source, activation)?,
    };
    lowering.set(output, Value::Map(map));
    Ok(())
}
