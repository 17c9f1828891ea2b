//! The end of NanoDet: for each grid the logistic function of the classes, then for each the bins.

use super::super::graph::Graph;
use super::walk::maker;
use super::{Detector, Family};
use crate::Result;

pub(super) fn nanodet(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let outputs = graph.outputs();
    let half = outputs.len() / 2;
    if half == 0 || outputs.len() != 2 * half {
        return Ok(None);
    }
    let (mut scales, mut bins) = (Vec::new(), 0);
    for (classes, distances) in outputs[..half].iter().zip(&outputs[half..]) {
        let Some(classes) = rows(graph, classes)? else {
            return Ok(None);
        };
        let Some(squash) = maker(graph, classes, "Sigmoid")? else {
            return Ok(None);
        };
        let Some(distances) = rows(graph, distances)? else {
            return Ok(None);
        };
        scales.push(vec![squash.input(0)?, distances]);
    }
    for dims in graph.output_dims().unwrap_or_default().iter().skip(half) {
        bins = dims.last().map_or(0, |channels| channels / 4);
    }
    let family = Family::Nanodet(u32::try_from(bins).unwrap_or(0));
    Ok((bins > 1).then_some(Detector { family, scales }))
}

/// The map of which a tensor holds the pixels, row by row.
fn rows<'a>(graph: &'a Graph, tensor: &'a str) -> Result<Option<&'a str>> {
    let Some(transpose) = maker(graph, tensor, "Transpose")? else {
        return Ok(None);
    };
    if transpose.sizes("perm", [2, 1, 0])? != [0, 2, 1] {
        return Ok(None);
    }
    match maker(graph, transpose.input(0)?, "Reshape")? {
        Some(reshape) => reshape.input(0).map(Some),
        None => Ok(None),
    }
}
