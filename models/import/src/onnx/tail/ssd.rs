//! The end of single-shot detectors with their priors in the file, as UltraFace's: the softmax of
//! classes of all grids, and boxes around the priors' centres.

use super::super::graph::Graph;
use super::super::node::NodeAt;
use super::super::tensor::Tensor;
use super::walk::{back, maker};
use super::{Detector, Family};
use crate::Result;
use tincy_network::Shape;

/// How far a centre may be from where the grid has it, in fractions of the input.
const TOLERANCE: f32 = 1e-3;

/// Centres and sizes of all boxes, in fractions of the input.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) struct Priors {
    centres: Vec<[f32; 2]>,
    sizes: Vec<[f32; 2]>,
}

pub(super) fn ssd(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let [scores, boxes] = graph.outputs() else {
        return Ok(None);
    };
    let Some(softmax) = maker(graph, scores, "Softmax")? else {
        return Ok(None);
    };
    let Some(scores) = maker(graph, softmax.input(0)?, "Concat")? else {
        return Ok(None);
    };
    let Some(classes) = maps(graph, scores)? else {
        return Ok(None);
    };
    let nodes = back(graph, &[boxes]);
    let Some(priors) = Priors::read(graph, &nodes) else {
        return Ok(None);
    };
    for list in nodes.iter().filter(|node| node.op() == "Concat") {
        let Some(rects) = maps(graph, *list)? else {
            continue;
        };
        if rects.len() == classes.len() {
            let scales = rects.into_iter().zip(classes);
            return Ok(Some(Detector {
                family: Family::Ssd(priors),
                scales: scales.map(|(rect, classes)| vec![rect, classes]).collect(),
            }));
        }
    }
    Ok(None)
}

/// The maps whose pixels a join puts into one list.
fn maps<'a>(graph: &'a Graph, list: NodeAt<'a>) -> Result<Option<Vec<&'a str>>> {
    let mut maps = Vec::new();
    for input in &list.node.inputs {
        let Some(reshape) = maker(graph, input, "Reshape")? else {
            return Ok(None);
        };
        let Some(transpose) = maker(graph, reshape.input(0)?, "Transpose")? else {
            return Ok(None);
        };
        if transpose.sizes("perm", [3, 2, 1, 0])? != [0, 2, 3, 1] {
            return Ok(None);
        }
        maps.push(transpose.input(0)?);
    }
    Ok((!maps.is_empty()).then_some(maps))
}

impl Priors {
    /// `centre = x / 10 * size + centre`, `size = e^(w / 5) * size`.
    fn read(graph: &Graph, nodes: &[NodeAt<'_>]) -> Option<Priors> {
        let constants = |op: &str| -> Vec<&Tensor> {
            let nodes = nodes.iter().filter(|node| node.op() == op);
            let names = nodes.flat_map(|node| &node.node.inputs);
            names.filter_map(|name| graph.constant(name)).collect()
        };
        let products = constants("Mul");
        let single = |value: f32| products.iter().any(|t| t.floats() == Some(&[value]));
        let [centres] = constants("Add")[..] else {
            return None;
        };
        let mut sizes = products.iter().filter_map(|tensor| pairs(tensor));
        let (first, second) = (sizes.next()?, sizes.next()?);
        let centres = pairs(centres)?;
        let fits = first == second && centres.len() == first.len() && single(0.1) && single(0.2);
        fits.then_some(Priors {
            centres,
            sizes: first,
        })
    }

    /// The anchors in pixels of a grid whose first prior has this number, if they are
    /// the same in every cell.
    pub(super) fn of(
        &self,
        grid: Shape,
        input: Shape,
        first: usize,
        channels: usize,
    ) -> Option<Vec<[f32; 2]>> {
        let net = [input.width, input.height].map(|side| side as f32);
        let start = self.centres.get(first)?;
        let sides = [grid.width, grid.height].map(|side| side as f32);
        // The next cell's first prior is the next with another centre.
        let count = self.centres[first..]
            .iter()
            .take_while(|at| *at == start)
            .count();
        let count = count.min(channels / 5);
        let anchors = self.sizes.get(first..first + count)?;
        for cell in 0..grid.pixels() {
            let own = first + cell * count..first + (cell + 1) * count;
            let at = [cell % grid.width, cell / grid.width].map(|at| at as f32 + 0.5);
            let near = |centre: &[f32; 2]| {
                [0, 1]
                    .iter()
                    .all(|i| (centre[*i] - at[*i] / sides[*i]).abs() < TOLERANCE)
            };
            if self.sizes.get(own.clone())? != anchors || !self.centres.get(own)?.iter().all(near) {
                return None;
            }
        }
        let pixels = |size: &[f32; 2]| [size[0] * net[0], size[1] * net[1]];
        (count > 0).then(|| anchors.iter().map(pixels).collect())
    }
}

/// `[1, boxes, 2]`
fn pairs(tensor: &Tensor) -> Option<Vec<[f32; 2]>> {
    let [1, _, 2] = tensor.dims[..] else {
        return None;
    };
    Some(tensor.floats()?.as_chunks().0.to_vec())
}
