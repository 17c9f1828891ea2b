//! The end of YOLOv8 and YOLO11: for each grid a join of bins and classes, all grids one after the
//! other, then the mean of the bins, boxes around points, and the logistic function.

use super::super::graph::Graph;
use super::super::node::NodeAt;
use super::walk::{back, maker};
use super::{Detector, Family};
use crate::Result;

pub(super) fn yolov8(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let outputs: Vec<&str> = graph.outputs().iter().map(String::as_str).collect();
    let nodes = back(graph, &outputs);
    if !nodes.iter().any(|node| node.op() == "Softmax") {
        return Ok(None);
    }
    for list in nodes.iter().filter(|node| node.op() == "Concat") {
        if let Some(scales) = scales(graph, *list)? {
            return Ok(Some(Detector {
                family: Family::Yolov8,
                scales,
            }));
        }
    }
    Ok(None)
}

/// The bins and the classes of each grid, if a join is the list of all.
fn scales<'a>(graph: &'a Graph, list: NodeAt<'a>) -> Result<Option<Vec<Vec<&'a str>>>> {
    let mut scales = Vec::new();
    for input in &list.node.inputs {
        let Some(flat) = maker(graph, input, "Reshape")? else {
            return Ok(None);
        };
        let Some(join) = maker(graph, flat.input(0)?, "Concat")? else {
            return Ok(None);
        };
        if join.node.inputs.len() != 2 || !matches!(join.integer("axis", 0)?, 1 | -3) {
            return Ok(None);
        }
        scales.push(vec![join.input(0)?, join.input(1)?]);
    }
    Ok((matches!(list.integer("axis", 0)?, 2 | -1) && !scales.is_empty()).then_some(scales))
}
