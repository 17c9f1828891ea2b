//! Maps of numbers to boxes.
//!
//! Functions are computed in f64 and rounded once, so that the standard library's precision does
//! not show in the results.

use crate::{Error, Rect};
use tincy_network::{Head, HeadKind, Shape};

/// A network's output and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// How it is read.
    pub head: &'a Head,
    /// Its shape.
    pub shape: Shape,
    /// Its elements, NHWC.
    pub values: &'a [f32],
}

/// A box that may be an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Class number.
    pub class: usize,
    /// 0 to 1.
    pub score: f32,
    /// Where, in fractions of the network's input; it may reach beyond 0 and 1.
    pub rect: Rect,
}

/// Adds to `found` every box and class whose score is above the class's threshold.
///
/// A box is listed once for each such class. Boxes whose numbers are NaN, or whose edges are
/// beyond f32, are left out. `thresholds` has one for each class (missing ones never pass);
/// `input` is the shape of the network's input, in which YOLOv3's anchors are measured.
///
/// # Errors
/// If the map does not fit its head.
pub fn decode(
    map: Map,
    input: Shape,
    thresholds: &[f32],
    found: &mut Vec<Candidate>,
) -> Result<(), Error> {
    check(&map)?;
    let lowest = thresholds.iter().copied().fold(f32::INFINITY, f32::min);
    let stride = 5 + map.head.classes;
    let mut scores = Vec::with_capacity(map.head.classes);
    for (index, numbers) in map.values.chunks_exact(stride).enumerate() {
        let objectness = objectness(&map.head.kind, numbers[4]);
        if objectness as f32 > lowest {
            class_scores(&map.head.kind, objectness, &numbers[5..], &mut scores);
            let passing = scores.iter().zip(thresholds).enumerate();
            let mut passing = passing
                .filter(|(_, (score, least))| score > least)
                .peekable();
            let Some(rect) = passing
                .peek()
                .and_then(|_| rect(&map, input, index, numbers))
            else {
                continue;
            };
            found.extend(passing.map(|(class, (&score, _))| Candidate { class, score, rect }));
        }
    }
    Ok(())
}

fn check(map: &Map) -> Result<(), Error> {
    let (anchors, classes) = (map.head.kind.anchors().len(), map.head.classes);
    let channels = (5 + classes) * anchors;
    if channels == 0 || channels != map.shape.channels || map.values.len() != map.shape.elements() {
        return Err(Error::Map {
            anchors,
            classes,
            shape: map.shape,
            values: map.values.len(),
        });
    }
    Ok(())
}

fn logistic(x: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(x)).exp())
}

/// The logistic function, unless the map holds its values already.
fn squash(kind: &HeadKind, x: f32) -> f64 {
    match kind {
        HeadKind::Yolo {
            new_coords: true, ..
        } => f64::from(x),
        _ => logistic(x),
    }
}

fn objectness(kind: &HeadKind, x: f32) -> f64 {
    squash(kind, x)
}

fn class_scores(kind: &HeadKind, objectness: f64, numbers: &[f32], scores: &mut Vec<f32>) {
    scores.clear();
    if let HeadKind::Region { softmax: true, .. } = kind {
        let largest = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let power = |x: &f32| (f64::from(*x) - f64::from(largest)).exp();
        let sum: f64 = numbers.iter().map(power).sum();
        scores.extend(numbers.iter().map(|x| (objectness * power(x) / sum) as f32));
    } else {
        scores.extend(
            numbers
                .iter()
                .map(|&x| (objectness * squash(kind, x)) as f32),
        );
    }
}

/// The rectangle of box `index` of a map, if its edges are numbers.
fn rect(map: &Map, input: Shape, index: usize, numbers: &[f32]) -> Option<Rect> {
    let kind = &map.head.kind;
    let anchors = kind.anchors();
    let cell = index / anchors.len();
    let anchor = anchors[index % anchors.len()].map(f64::from);
    let place = [cell % map.shape.width, cell / map.shape.width];
    let grid = [map.shape.width, map.shape.height].map(|side| side as f64);
    let net = [input.width, input.height].map(|side| side as f64);
    let edges = [0, 1].map(|axis| {
        let (at, size) = (squash(kind, numbers[axis]), f64::from(numbers[2 + axis]));
        let (at, size) = match kind {
            HeadKind::Region { .. } => (at, size.exp() * anchor[axis] / grid[axis]),
            HeadKind::Yolo {
                scale_xy,
                new_coords,
                ..
            } => {
                let scale = f64::from(*scale_xy);
                let factor = if *new_coords {
                    4.0 * size * size
                } else {
                    size.exp()
                };
                (
                    at * scale - (scale - 1.0) / 2.0,
                    factor * anchor[axis] / net[axis],
                )
            }
        };
        let centre = (place[axis] as f64 + at) / grid[axis];
        [(centre - size / 2.0) as f32, (centre + size / 2.0) as f32]
    });
    let [[left, right], [top, bottom]] = edges;
    let numbers = edges.iter().flatten().all(|edge| edge.is_finite());
    numbers.then_some(Rect {
        left,
        top,
        right,
        bottom,
    })
}
