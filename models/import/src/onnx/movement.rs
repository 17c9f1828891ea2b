//! Operators that only put elements elsewhere: `Reshape`, `Transpose`, `Gather`, `Split` and such.

use super::arranged::Arranged;
use super::lower::Lowering;
use super::node::NodeAt;
use super::patches;
use crate::Result;

/// Whether an operator only moves elements.
pub(super) fn moves(op: &str) -> bool {
    matches!(
        op,
        "Reshape"
            | "Flatten"
            | "Squeeze"
            | "Unsqueeze"
            | "Transpose"
            | "Gather"
            | "Slice"
            | "Split"
            | "Concat"
    )
}

/// What the outputs of such a node are, in order, from its inputs.
pub(super) fn moved<T: Copy>(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    inputs: &[Arranged<T>],
) -> Result<Vec<Arranged<T>>> {
    let Some(first) = inputs.first() else {
        return Err(node.wrong("it has no input"));
    };
    let rank = first.dims.len();
    let result = match node.op() {
        "Reshape" => {
            let dims = reshaped(lowering, node, &first.dims)?;
            first.reshaped(dims)
        }
        "Flatten" => {
            let at = axis_up_to(node, node.integer("axis", 1)?, rank)?;
            let (outer, inner) = first.dims.split_at(at);
            first.reshaped(vec![outer.iter().product(), inner.iter().product()])
        }
        "Squeeze" => first.reshaped(squeezed(lowering, node, &first.dims)?),
        "Unsqueeze" => first.reshaped(unsqueezed(lowering, node, &first.dims)?),
        "Transpose" => {
            let order = match node.list("perm")? {
                Some(order) => axes(node, order, rank)?,
                None => (0..rank).rev().collect(),
            };
            first.transposed(&order)
        }
        "Gather" => gathered(lowering, node, first)?,
        "Slice" => sliced(lowering, node, first)?,
        "Split" => return split(lowering, node, first),
        "Concat" => Arranged::joined(inputs, axis(node, node.integer("axis", 0)?, rank)?),
        _ => None,
    };
    let wrong = || node.wrong(format!("it does not fit sizes of {:?}", first.dims));
    Ok(vec![result.ok_or_else(wrong)?])
}

/// An axis, counted from the end where it is negative.
fn axis(node: NodeAt<'_>, axis: i64, rank: usize) -> Result<usize> {
    let from_the_end = if axis < 0 { axis + rank as i64 } else { axis };
    let axis = usize::try_from(from_the_end).ok();
    axis.filter(|axis| *axis < rank)
        .ok_or_else(|| node.wrong(format!("axis {from_the_end} of {rank}")))
}

/// The same, where one beyond the last is one too.
fn axis_up_to(node: NodeAt<'_>, at: i64, rank: usize) -> Result<usize> {
    match usize::try_from(at) == Ok(rank) {
        true => Ok(rank),
        false => axis(node, at, rank),
    }
}

fn axes(node: NodeAt<'_>, list: &[i64], rank: usize) -> Result<Vec<usize>> {
    list.iter().map(|at| axis(node, *at, rank)).collect()
}

/// The sizes that `Reshape` asks for; 0 keeps one, -1 is what is left.
fn reshaped(lowering: &Lowering<'_>, node: NodeAt<'_>, dims: &[usize]) -> Result<Vec<usize>> {
    let asked = lowering.integers(node, 1)?;
    let keeps = node.integer("allowzero", 0)? == 0;
    let size = |(i, size): (usize, &i64)| match *size {
        0 if keeps => dims.get(i).copied(),
        -1 => Some(1),
        size => usize::try_from(size).ok(),
    };
    let sizes: Option<Vec<usize>> = asked.iter().enumerate().map(size).collect();
    let wrong = || node.wrong(format!("sizes of {asked:?} for {dims:?}"));
    let mut sizes = sizes.ok_or_else(wrong)?;
    let product = |sizes: &[usize]| {
        sizes
            .iter()
            .try_fold(1usize, |n, size| n.checked_mul(*size))
    };
    let (all, known) = (product(dims), product(&sizes));
    if let Some(open) = asked.iter().position(|size| *size == -1) {
        let (Some(all), Some(known @ 1..)) = (all, known) else {
            return Err(wrong());
        };
        sizes[open] = all / known;
    }
    Ok(sizes)
}

/// Axes of `Squeeze` and `Unsqueeze`: an attribute before opset 13, then an input.
fn listed_axes(lowering: &Lowering<'_>, node: NodeAt<'_>) -> Result<Option<Vec<i64>>> {
    match node.optional_input(1) {
        Some(_) => lowering.integers(node, 1).map(Some),
        None => Ok(node.list("axes")?.map(<[i64]>::to_vec)),
    }
}

fn squeezed(lowering: &Lowering<'_>, node: NodeAt<'_>, dims: &[usize]) -> Result<Vec<usize>> {
    let gone = match listed_axes(lowering, node)? {
        Some(list) => axes(node, &list, dims.len())?,
        None => (0..dims.len()).filter(|axis| dims[*axis] == 1).collect(),
    };
    let left = dims.iter().enumerate().filter(|(i, _)| !gone.contains(i));
    Ok(left.map(|(_, dim)| *dim).collect())
}

fn unsqueezed(lowering: &Lowering<'_>, node: NodeAt<'_>, dims: &[usize]) -> Result<Vec<usize>> {
    let list = listed_axes(lowering, node)?.unwrap_or_default();
    let rank = dims.len() + list.len();
    let new = axes(node, &list, rank)?;
    let mut old = dims.iter().copied();
    let size = |i: usize| match new.contains(&i) {
        true => 1,
        false => old.next().unwrap_or(1),
    };
    Ok((0..rank).map(size).collect())
}

/// `Gather` with one number, which takes the axis away, or a list of them.
fn gathered<T: Copy>(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    input: &Arranged<T>,
) -> Result<Option<Arranged<T>>> {
    let at = axis(node, node.integer("axis", 0)?, input.dims.len())?;
    let indices = lowering.constant(node, 1)?;
    let places = axes(node, &lowering.integers(node, 1)?, input.dims[at])?;
    let Some(taken) = input.taken(at, &places) else {
        return Ok(None);
    };
    let mut dims = taken.dims.clone();
    dims.splice(at..=at, indices.dims.iter().copied());
    Ok(taken.reshaped(dims))
}

fn sliced<T: Copy>(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    input: &Arranged<T>,
) -> Result<Option<Arranged<T>>> {
    let mut part = input.clone();
    for (at, range) in patches::arguments(lowering, node)? {
        let cut = patches::cut(node, &part.dims, at, range)?;
        let places: Vec<usize> = (cut.start..cut.end).step_by(cut.step).collect();
        match part.taken(cut.axis, &places) {
            Some(taken) => part = taken,
            None => return Ok(None),
        }
    }
    Ok(Some(part))
}

/// `Split`: sizes in an attribute before opset 13, then an input; equal ones where none are given.
fn split<T: Copy>(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    input: &Arranged<T>,
) -> Result<Vec<Arranged<T>>> {
    let at = axis(node, node.integer("axis", 0)?, input.dims.len())?;
    let (length, parts) = (input.dims[at], node.node.outputs.len());
    let sizes = match node.optional_input(1) {
        Some(_) => lowering.integers(node, 1)?,
        None => match node.list("split")? {
            Some(sizes) => sizes.to_vec(),
            None => {
                let size = length.div_ceil(parts);
                let size = |i: usize| size.min(length.saturating_sub(i * size)) as i64;
                (0..parts).map(size).collect()
            }
        },
    };
    let wrong = || node.wrong(format!("parts of {sizes:?} of a side of {length}"));
    let mut start = 0usize;
    let part = |size: &i64| {
        let size = usize::try_from(*size).ok()?;
        let end = start.checked_add(size).filter(|end| *end <= length)?;
        let places: Vec<usize> = (start..end).collect();
        start = end;
        input.taken(at, &places)
    };
    let found: Option<Vec<_>> = sizes.iter().map(part).collect();
    found
        .filter(|found| found.len() == parts && start == length)
        .ok_or_else(wrong)
}
