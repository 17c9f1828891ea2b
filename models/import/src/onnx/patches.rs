//! Maps whose pixels are patches of a larger map: space-to-depth in ONNX's clothes.
//!
//! YOLOX and YOLOv5 begin with a "focus": every second row and column four times, the four maps
//! side by side. A convolution of k x k over that is one of 2k x 2k over the map itself with twice
//! the stride, so nothing is moved: the patches are remembered here, and the convolution that
//! reads them takes them into its weights.

use super::lower::{Lowering, Value};
use super::node::NodeAt;
use crate::Result;
use tincy_network::{Op, Shape, Source};

/// All channels of pixel `(y * step[0] + place[0], x * step[1] + place[1])` of a map, for one place
/// after the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Patches {
    pub(super) source: Source,
    pub(super) step: [usize; 2],
    pub(super) places: Vec<[usize; 2]>,
}

impl Patches {
    fn whole(source: Source) -> Patches {
        Patches {
            source,
            step: [1, 1],
            places: vec![[0, 0]],
        }
    }

    /// What a map of this shape becomes.
    pub(super) fn shape(&self, map: Shape) -> Shape {
        Shape::new(
            map.height / self.step[0],
            map.width / self.step[1],
            map.channels * self.places.len(),
        )
    }

    /// Several side by side, if they are patches of one map.
    pub(super) fn joined(parts: &[Patches]) -> Option<Patches> {
        let (first, rest) = parts.split_first()?;
        let mut joined = first.clone();
        for part in rest {
            if (part.source, part.step) != (first.source, first.step) {
                return None;
            }
            joined.places.extend(&part.places);
        }
        Some(joined)
    }
}

/// A `Slice` along one axis: elements `start`, `start + step`, ... up to `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) axis: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) step: usize,
}

/// `Slice` of channels, or of every n-th row or column.
pub(super) fn slice<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let mut value = lowering.value(node, 0)?;
    for (axis, [start, end, step]) in arguments(lowering, node)? {
        let shape = lowering.shape(&value);
        let size = [1, shape.channels, shape.height, shape.width];
        let cut = cut(node, &size, axis, [start, end, step])?;
        if (cut.start, cut.end, cut.step) == (0, size[cut.axis], 1) {
            continue;
        }
        value = match (cut.axis, value) {
            (1, Value::Map(source)) if cut.step == 1 && cut.start < cut.end => {
                let (start, count) = (cut.start, cut.end - cut.start);
                let op = Op::Slice { start, count };
                Value::Map(lowering.emit(node, op, &[source])?)
            }
            (2 | 3, Value::Map(source)) => sampled(node, Patches::whole(source), size, cut)?,
            (2 | 3, Value::Patches(patches)) => sampled(node, patches, size, cut)?,
            _ => return Err(node.wrong("of channels, only runs can be taken")),
        };
    }
    Ok(value)
}

/// Axes with start, end and step: attributes in opset 9, then inputs.
pub(super) fn arguments(lowering: &Lowering<'_>, node: NodeAt<'_>) -> Result<Vec<(i64, [i64; 3])>> {
    let list = |i: usize, name: &str| match node.optional_input(i) {
        Some(_) => lowering.integers(node, i).map(Some),
        None => Ok(node.list(name)?.map(<[i64]>::to_vec)),
    };
    let missing = || node.wrong("it has no starts or no ends");
    let starts = list(1, "starts")?.ok_or_else(missing)?;
    let ends = list(2, "ends")?.ok_or_else(missing)?;
    let (axes, steps) = (list(3, "axes")?, list(4, "steps")?);
    let same =
        |list: &Option<Vec<i64>>| list.as_ref().is_none_or(|list| list.len() == starts.len());
    if ends.len() != starts.len() || !same(&axes) || !same(&steps) {
        return Err(node.wrong("starts, ends, axes and steps differ in number"));
    }
    let argument = |i: usize| {
        let axis = axes.as_ref().map_or(i as i64, |axes| axes[i]);
        let step = steps.as_ref().map_or(1, |steps| steps[i]);
        (axis, [starts[i], ends[i], step])
    };
    Ok((0..starts.len()).map(argument).collect())
}

/// A slice of a tensor of these sizes.
pub(super) fn cut(
    node: NodeAt<'_>,
    size: &[usize],
    axis: i64,
    [start, end, step]: [i64; 3],
) -> Result<Cut> {
    let rank = size.len();
    let from_the_end = if axis < 0 { axis + rank as i64 } else { axis };
    let axis = usize::try_from(from_the_end)
        .ok()
        .filter(|axis| *axis < rank);
    let axis = axis.ok_or_else(|| node.wrong(format!("an axis beyond {rank} of them")))?;
    let step = usize::try_from(step).ok().filter(|step| *step > 0);
    let step = step.ok_or_else(|| node.wrong("steps must be positive"))?;
    let length = size[axis] as i64;
    let place = |at: i64| match at < 0 {
        true => at.saturating_add(length).max(0) as usize,
        false => at.min(length) as usize,
    };
    Ok(Cut {
        axis,
        start: place(start),
        end: place(end),
        step,
    })
}

/// Every n-th row or column, of patches that have all of them.
fn sampled(node: NodeAt<'_>, mut patches: Patches, size: [usize; 4], cut: Cut) -> Result<Value> {
    let axis = cut.axis - 2;
    let whole = cut.end == size[cut.axis] && size[cut.axis].is_multiple_of(cut.step);
    if patches.step[axis] != 1 || cut.start >= cut.step || !whole {
        return Err(node.wrong(
            "only every n-th row or column of a whole map can be taken, for a convolution",
        ));
    }
    patches.step[axis] = cut.step;
    patches
        .places
        .iter_mut()
        .for_each(|place| place[axis] = cut.start);
    Ok(Value::Patches(patches))
}

/// `Gather` of patches in another order; each keeps its channels.
pub(super) fn reordered(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    patches: &Patches,
) -> Result<Value> {
    let order = lowering.integers(node, 1)?;
    let channels = lowering.tensor(patches.source).0.channels;
    let mut reordered = patches.clone();
    reordered.places = order
        .chunks(channels)
        .filter_map(|run| {
            let first = usize::try_from(*run.first()?).ok()?;
            let whole = first.is_multiple_of(channels) && run.len() == channels;
            let rises = run
                .windows(2)
                .all(|pair| pair[0].checked_add(1) == Some(pair[1]));
            let place = patches.places.get(first / channels)?;
            (whole && rises).then_some(*place)
        })
        .collect();
    let axis = node.integer("axis", 0)?;
    if reordered.places.len() * channels != order.len() || !matches!(axis, 1 | -3) {
        return Err(node.wrong("of patches, only whole ones can be taken"));
    }
    Ok(Value::Patches(reordered))
}

/// `SpaceToDepth`: the places of a block row by row, all channels of each.
pub(super) fn space_to_depth<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value> {
    let source = lowering.map(node, 0)?;
    let block = usize::try_from(node.integer("blocksize", 0)?).unwrap_or(0);
    let (shape, _) = lowering.tensor(source);
    if block == 0 || !shape.height.is_multiple_of(block) || !shape.width.is_multiple_of(block) {
        return Err(node.wrong(format!("blocks of {block} do not divide {shape}")));
    }
    Ok(Value::Patches(Patches {
        source,
        step: [block, block],
        places: (0..block * block)
            .map(|place| [place / block, place % block])
            .collect(),
    }))
}
