//! The ends of Yolo-FastestV2 and FastestDet.

use super::super::graph::Graph;
use super::super::node::NodeAt;
use super::walk::maker;
use super::{Detector, Family};
use crate::Result;

/// The anchors of Yolo-FastestV2's published networks for COCO, in pixels of an input of 352 x 352
/// (`data/coco.data` of dog-qiuqiu/Yolo-FastestV2): the file does not say them.
pub(super) const ANCHORS: [[[f32; 2]; 3]; 2] = [
    [[12.64, 19.39], [37.88, 51.48], [55.71, 138.31]],
    [[126.91, 78.23], [131.57, 214.55], [279.92, 258.87]],
];

/// Yolo-FastestV2: for each of two grids boxes of three anchors, their objectness, and the classes,
/// all as they leave the convolutions.
pub(super) fn fastest_v2(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let (outputs, dims) = (graph.outputs(), graph.output_dims());
    let dims = dims.unwrap_or_default();
    let fits = |scale: &[Vec<usize>]| match scale {
        [boxes, objectness, classes] => match (&boxes[..], &objectness[..], &classes[..]) {
            ([1, 12, h, w], [1, 3, h2, w2], [1, _, h3, w3]) => {
                [h, w] == [h2, w2] && [h, w] == [h3, w3]
            }
            _ => false,
        },
        _ => false,
    };
    if dims.len() != 3 * ANCHORS.len() || !dims.chunks(3).all(fits) {
        return Ok(None);
    }
    let names = outputs.chunks(3);
    let scales = names.map(|scale| scale.iter().map(String::as_str).collect());
    Ok(Some(Detector {
        family: Family::FastestV2,
        scales: scales.collect(),
    }))
}

/// FastestDet: one grid of the logistic function of objectness, boxes, and the classes' softmax.
pub(super) fn fastest_det(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let [output] = graph.outputs() else {
        return Ok(None);
    };
    let Some(join) = maker(graph, output, "Concat")? else {
        return Ok(None);
    };
    if !matches!(join.integer("axis", 0)?, 1 | -3) || join.node.inputs.len() != 3 {
        return Ok(None);
    }
    let Some(squash) = maker(graph, join.input(0)?, "Sigmoid")? else {
        return Ok(None);
    };
    let Some(classes) = shares(graph, join)? else {
        return Ok(None);
    };
    Ok(Some(Detector {
        family: Family::FastestDet,
        // As a head has them: the box, the objectness, the classes.
        scales: vec![vec![join.input(1)?, squash.input(0)?, classes]],
    }))
}

/// The map whose softmax over channels a join takes last: computed there with channels at the end.
fn shares<'a>(graph: &'a Graph, join: NodeAt<'a>) -> Result<Option<&'a str>> {
    let order = |node: NodeAt<'a>| node.sizes("perm", [3, 2, 1, 0]);
    let Some(after) = maker(graph, join.input(2)?, "Transpose")? else {
        return Ok(None);
    };
    let Some(softmax) = maker(graph, after.input(0)?, "Softmax")? else {
        return Ok(None);
    };
    let Some(before) = maker(graph, softmax.input(0)?, "Transpose")? else {
        return Ok(None);
    };
    let swaps = order(before)? == [0, 3, 2, 1] && order(after)? == [0, 3, 2, 1];
    let last = matches!(softmax.integer("axis", -1)?, 3 | -1);
    Ok(match swaps && last {
        true => Some(before.input(0)?),
        false => None,
    })
}
