//! The end of YOLOv5: for each grid the boxes of some anchors, their logistic function, and the
//! anchors in pixels that sizes are multiplied by.

use super::super::graph::Graph;
use super::super::node::NodeAt;
use super::super::tensor::Tensor;
use super::walk::{back, maker};
use super::{Detector, Family};
use crate::Result;

pub(super) fn yolov5(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let Some(output) = graph.outputs().first() else {
        return Ok(None);
    };
    let nodes = back(graph, &[output]);
    for list in nodes.iter().filter(|node| node.op() == "Concat") {
        if let Some(detector) = detector(graph, *list)? {
            return Ok(Some(detector));
        }
    }
    Ok(None)
}

/// The detector whose boxes a join puts into one list.
fn detector<'a>(graph: &'a Graph, list: NodeAt<'a>) -> Result<Option<Detector<'a>>> {
    let (mut scales, mut anchors) = (Vec::new(), Vec::new());
    for input in &list.node.inputs {
        if maker(graph, input, "Reshape")?.is_none() {
            return Ok(None);
        }
        let nodes = back(graph, &[input]);
        let mut maps = nodes.iter().filter(|node| by_anchor(**node));
        let (Some(transpose), None) = (maps.next(), maps.next()) else {
            return Ok(None);
        };
        let Some(reshape) = maker(graph, transpose.input(0)?, "Reshape")? else {
            return Ok(None);
        };
        let Some(own) = nodes.iter().find_map(|node| anchors_of(graph, *node)) else {
            return Ok(None);
        };
        scales.push(vec![reshape.input(0)?]);
        anchors.push(own);
    }
    let family = Family::Yolov5(anchors);
    Ok((!scales.is_empty()).then_some(Detector { family, scales }))
}

/// Whether a node takes the numbers of a box to the end: `[1, anchors, numbers, rows, columns]`
/// before.
fn by_anchor(node: NodeAt<'_>) -> bool {
    node.op() == "Transpose" && matches!(node.list("perm"), Ok(Some([0, 1, 3, 4, 2])))
}

/// The widths and heights that a product has as a constant: the same in all cells, and positive.
fn anchors_of(graph: &Graph, node: NodeAt<'_>) -> Option<Vec<[f32; 2]>> {
    if node.op() != "Mul" {
        return None;
    }
    let constants = node
        .node
        .inputs
        .iter()
        .filter_map(|name| graph.constant(name));
    constants.filter_map(anchors).next()
}

fn anchors(tensor: &Tensor) -> Option<Vec<[f32; 2]>> {
    let ([1, count, height, width, 2], floats) = (&tensor.dims[..], tensor.floats()?) else {
        return None;
    };
    let cells = height * width;
    let (sides, _) = floats.as_chunks::<2>();
    if cells == 0 || sides.len() != count * cells {
        return None;
    }
    let own = sides.chunks_exact(cells);
    let same = own
        .clone()
        .all(|own| own.iter().all(|sides| *sides == own[0]));
    let positive = floats.iter().all(|side| *side > 0.0);
    (same && positive).then(|| own.map(|own| own[0]).collect())
}
