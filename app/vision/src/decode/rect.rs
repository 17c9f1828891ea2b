//! The rectangle of a box.

use super::score::squash;
use super::{Map, logistic, softmax};
use crate::Rect;
use tincy_network::{HeadKind, Shape};

/// Where a box lies in fractions of the network's input, if its edges are numbers. `place` is the
/// column and row of its cell, `numbers` are those of the box, `of_cell` which of the cell's it is.
pub(super) fn rect(
    map: &Map,
    input: Shape,
    place: [usize; 2],
    numbers: &[f32],
    of_cell: usize,
) -> Option<Rect> {
    let net = [input.width, input.height].map(|side| side as f64);
    let place = place.map(|at| at as f64);
    let edges = match map.head.kind {
        HeadKind::Yolov8 { stride, .. } => distances(numbers, place, 0.5, stride, net),
        HeadKind::Nanodet { stride, .. } => {
            let middle = (f64::from(stride) - 1.0) / 2.0 / f64::from(stride);
            let edges = distances(numbers, place, middle, stride, net);
            edges.map(|pair| pair.map(|edge| edge.clamp(0.0, 1.0)))
        }
        _ => {
            let grid = [map.shape.width, map.shape.height].map(|side| side as f64);
            let anchor = map.head.kind.anchors().get(of_cell).copied();
            let anchor = anchor.unwrap_or_default().map(f64::from);
            [0, 1].map(|axis| {
                let side = Side {
                    cell: place[axis],
                    grid: grid[axis],
                    net: net[axis],
                    anchor: anchor[axis],
                };
                let (centre, size) = side.decode(&map.head.kind, numbers[axis], numbers[2 + axis]);
                [(centre - size / 2.0) as f32, (centre + size / 2.0) as f32]
            })
        }
    };
    let [[left, right], [top, bottom]] = edges;
    let numbers = edges.iter().flatten().all(|edge| edge.is_finite());
    numbers.then_some(Rect {
        left,
        top,
        right,
        bottom,
    })
}

/// One axis of a box that is a centre and a size.
struct Side {
    /// Column or row of the cell.
    cell: f64,
    /// Cells of the grid.
    grid: f64,
    /// Pixels of the network's input.
    net: f64,
    anchor: f64,
}

impl Side {
    /// Centre and size in fractions of the input.
    fn decode(&self, kind: &HeadKind, at: f32, size: f32) -> (f64, f64) {
        let Side {
            cell,
            grid,
            net,
            anchor,
        } = *self;
        let (x, w) = (f64::from(at), f64::from(size));
        match kind {
            HeadKind::Region { .. } => ((cell + logistic(at)) / grid, w.exp() * anchor / grid),
            HeadKind::Yolo {
                scale_xy,
                new_coords,
                ..
            } => {
                let scale = f64::from(*scale_xy);
                let factor = if *new_coords { 4.0 * w * w } else { w.exp() };
                let at = squash(kind, at) * scale - (scale - 1.0) / 2.0;
                ((cell + at) / grid, factor * anchor / net)
            }
            HeadKind::Yolox { stride } => {
                let stride = f64::from(*stride);
                ((cell + x) * stride / net, w.exp() * stride / net)
            }
            HeadKind::Yolov5 { .. } | HeadKind::FastestV2 { .. } => {
                let factor = (2.0 * logistic(size)).powi(2);
                let at = 2.0 * logistic(at) - 0.5;
                ((cell + at) / grid, factor * anchor / net)
            }
            HeadKind::FastestDet => ((cell + x.tanh()) / grid, logistic(size)),
            HeadKind::Ssd { .. } => {
                let anchor = anchor / net;
                (
                    (cell + 0.5) / grid + x * 0.1 * anchor,
                    (w * 0.2).exp() * anchor,
                )
            }
            HeadKind::Yolov8 { .. } | HeadKind::Nanodet { .. } => {
                unreachable!("its boxes are distances")
            }
        }
    }
}

/// Left and right, top and bottom of a box that is given by its distances from a point, `middle` of
/// a cell from the cell's corner. A distance is the mean of the numbers of its bins, weighted by the
/// bins' softmax.
fn distances(
    numbers: &[f32],
    place: [f64; 2],
    middle: f64,
    stride: u32,
    net: [f64; 2],
) -> [[f32; 2]; 2] {
    let bins = numbers.len() / 4;
    let distance = |side: usize| {
        let shares = softmax(&numbers[side * bins..][..bins]).enumerate();
        shares.map(|(bin, share)| bin as f64 * share).sum::<f64>()
    };
    [0, 1].map(|axis| {
        let scale = f64::from(stride) / net[axis];
        let point = place[axis] + middle;
        [
            ((point - distance(axis)) * scale) as f32,
            ((point + distance(2 + axis)) * scale) as f32,
        ]
    })
}
