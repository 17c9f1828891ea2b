//! Nodes that read constants only, computed at import: sizes above all.

use super::arranged::{Arranged, count};
use super::lower::Lowering;
use super::movement::{moved, moves};
use super::node::NodeAt;
use super::tensor::{Data, Tensor};
use crate::Result;
use std::borrow::Cow;

/// The constants that a node's outputs are, or `None` if it is none that is computed at import.
pub(super) fn folded(lowering: &Lowering<'_>, node: NodeAt<'_>) -> Result<Option<Vec<Tensor>>> {
    if node.op() == "Shape" {
        return Ok(lowering
            .dims(node.input(0)?)
            .map(|dims| vec![sizes(node, &dims)]));
    }
    let inputs = node.node.inputs.iter().filter(|name| !name.is_empty());
    let inputs: Option<Vec<Cow<'_, Tensor>>> =
        inputs.map(|name| lowering.constant_named(name)).collect();
    let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else {
        return Ok(None);
    };
    Ok(match node.op() {
        op if moves(op) => {
            let data = if op == "Concat" {
                &inputs[..]
            } else {
                &inputs[..1]
            };
            Some(rearranged(lowering, node, data)?)
        }
        "Identity" => Some(vec![inputs[0].clone().into_owned()]),
        "Cast" => Some(vec![cast(node, &inputs[0])?]),
        "Floor" => Some(vec![each(&inputs[0], f32::floor)]),
        "ConstantOfShape" => Some(vec![filled(node, &inputs[0])?]),
        "Add" | "Sub" | "Mul" | "Div" => {
            let [a, b] = &inputs[..] else {
                return Ok(None);
            };
            Some(vec![arithmetic(node, a, b)?])
        }
        "DequantizeLinear" => Some(vec![super::quantized::dequantized(node, &inputs)?]),
        _ => None,
    })
}

/// `Shape`, or a run of it.
fn sizes(node: NodeAt<'_>, dims: &[usize]) -> Tensor {
    let place = |name: &str, open: i64| {
        let at = node.integer(name, open).unwrap_or(open);
        let at = if at < 0 { at + dims.len() as i64 } else { at };
        at.clamp(0, dims.len() as i64) as usize
    };
    let (start, end) = (place("start", 0), place("end", i64::MAX));
    let values: Vec<i64> = dims[start..end.max(start)]
        .iter()
        .map(|dim| *dim as i64)
        .collect();
    Tensor::new(vec![values.len()], Data::Integers(values))
}

fn rearranged(
    lowering: &Lowering<'_>,
    node: NodeAt<'_>,
    inputs: &[Cow<'_, Tensor>],
) -> Result<Vec<Tensor>> {
    let kind = inputs[0].kind;
    let tensor = |dims, data| Tensor { dims, data, kind };
    if let Some(lists) = all(inputs, Tensor::integers) {
        let moved = moved(lowering, node, &lists)?.into_iter();
        return Ok(moved
            .map(|part| tensor(part.dims, Data::Integers(part.elements.to_vec())))
            .collect());
    }
    let lists = all(inputs, Tensor::floats)
        .ok_or_else(|| node.wrong("constants of several or of other types"))?;
    let moved = moved(lowering, node, &lists)?.into_iter();
    Ok(moved
        .map(|part| tensor(part.dims, Data::Floats(part.elements.to_vec())))
        .collect())
}

/// All constants by their elements, if they are of one type.
fn all<T: Copy>(
    inputs: &[Cow<'_, Tensor>],
    elements: impl Fn(&Tensor) -> Option<&[T]>,
) -> Option<Vec<Arranged<T>>> {
    let arranged = |tensor: &Cow<'_, Tensor>| {
        Some(Arranged {
            dims: tensor.dims.clone(),
            elements: elements(tensor)?.into(),
        })
    };
    inputs.iter().map(arranged).collect()
}

fn cast(node: NodeAt<'_>, input: &Tensor) -> Result<Tensor> {
    let kind = node.integer("to", 0)?;
    let data = match (kind, &input.data) {
        (1, Data::Integers(values)) => {
            Data::Floats(values.iter().map(|value| *value as f32).collect())
        }
        (1, Data::Floats(_)) | (2 | 3 | 6 | 7, Data::Integers(_)) => input.data.clone(),
        (6 | 7, Data::Floats(values)) => {
            Data::Integers(values.iter().map(|value| *value as i64).collect())
        }
        _ => {
            let (from, to) = (input.describe(), super::tensor::name(kind));
            return Err(node.wrong(format!("{from} cannot be made {to}")));
        }
    };
    Ok(Tensor {
        dims: input.dims.clone(),
        data,
        kind,
    })
}

fn each(input: &Tensor, function: impl Fn(f32) -> f32) -> Tensor {
    let data = match &input.data {
        Data::Floats(values) => Data::Floats(values.iter().map(|x| function(*x)).collect()),
        other => other.clone(),
    };
    Tensor {
        data,
        ..input.clone()
    }
}

fn filled(node: NodeAt<'_>, sizes: &Tensor) -> Result<Tensor> {
    let wrong = || node.wrong(format!("sizes of {}", sizes.describe()));
    let list = sizes.integers().ok_or_else(wrong)?;
    let dims: Option<Vec<usize>> = list.iter().map(|n| usize::try_from(*n).ok()).collect();
    let dims = dims.ok_or_else(wrong)?;
    let count = count(&dims).ok_or_else(wrong)?;
    let (data, kind) = match node.tensor("value") {
        Some(Tensor {
            data: Data::Integers(value),
            kind,
            ..
        }) => (
            Data::Integers(vec![value.first().copied().unwrap_or(0); count]),
            *kind,
        ),
        Some(Tensor {
            data: Data::Floats(value),
            ..
        }) => (
            Data::Floats(vec![value.first().copied().unwrap_or(0.0); count]),
            1,
        ),
        _ => (Data::Floats(vec![0.0; count]), 1),
    };
    Ok(Tensor { dims, data, kind })
}

/// One number with each, or two lists of the same sizes.
fn arithmetic(node: NodeAt<'_>, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let wrong = || {
        let (a, b) = (a.describe(), b.describe());
        node.wrong(format!("constants of {a} and {b} are not supported"))
    };
    let (lengths, dims) = match (count(&a.dims), count(&b.dims)) {
        (Some(n), Some(1)) => ((n, 1), a.dims.clone()),
        (Some(1), Some(m)) => ((1, m), b.dims.clone()),
        (Some(n), Some(m)) if a.dims == b.dims => ((n, m), a.dims.clone()),
        _ => return Err(wrong()),
    };
    let pairs = (0..lengths.0.max(lengths.1)).map(|i| [i.min(lengths.0 - 1), i.min(lengths.1 - 1)]);
    let op = node.op();
    let data = match (&a.data, &b.data) {
        (Data::Integers(a), Data::Integers(b)) => {
            let values = pairs.map(|[i, j]| match op {
                "Add" => a[i].checked_add(b[j]),
                "Sub" => a[i].checked_sub(b[j]),
                "Mul" => a[i].checked_mul(b[j]),
                _ => a[i].checked_div(b[j]),
            });
            let values: Option<Vec<i64>> = values.collect();
            Data::Integers(values.ok_or_else(wrong)?)
        }
        (Data::Floats(a), Data::Floats(b)) => {
            let values = pairs.map(|[i, j]| match op {
                "Add" => a[i] + b[j],
                "Sub" => a[i] - b[j],
                "Mul" => a[i] * b[j],
                _ => a[i] / b[j],
            });
            Data::Floats(values.collect())
        }
        _ => return Err(wrong()),
    };
    Ok(Tensor::new(dims, data))
}
