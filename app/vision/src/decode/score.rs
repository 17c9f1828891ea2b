//! The scores of a box's classes.

use super::numbers::Numbers;
use super::{logistic, softmax};
use tincy_network::HeadKind;

/// The logistic function, unless the map holds its values already.
pub(super) fn squash(kind: &HeadKind, x: f32) -> f64 {
    match kind {
        HeadKind::Yolo {
            new_coords: true, ..
        } => f64::from(x),
        _ => logistic(x),
    }
}

/// A number that no score of the box is above, quick to compute.
pub(super) fn bound(kind: &HeadKind, numbers: &Numbers<'_>) -> f64 {
    match (numbers.objectness, kind) {
        (Some(objectness), _) => presence(kind, objectness),
        (None, HeadKind::Ssd { .. }) => 1.0,
        (None, _) => logistic(
            numbers
                .classes
                .iter()
                .copied()
                .fold(f32::NEG_INFINITY, f32::max),
        ),
    }
}

/// What the objectness does to every score.
fn presence(kind: &HeadKind, objectness: f32) -> f64 {
    let presence = squash(kind, objectness);
    match kind {
        HeadKind::FastestDet => presence.powf(0.6),
        _ => presence,
    }
}

/// The score of every class.
pub(super) fn scores(kind: &HeadKind, numbers: &Numbers<'_>, scores: &mut Vec<f32>) {
    scores.clear();
    let presence = numbers.objectness.map_or(1.0, |x| presence(kind, x));
    let classes = numbers.classes;
    match kind {
        HeadKind::Region { softmax: true, .. } | HeadKind::FastestV2 { .. } => {
            scores.extend(softmax(classes).map(|share| (presence * share) as f32));
        }
        HeadKind::FastestDet => {
            scores.extend(softmax(classes).map(|share| (presence * share.powf(0.4)) as f32));
            only_the_best(scores);
        }
        HeadKind::Ssd { .. } => scores.extend(softmax(classes).skip(1).map(|share| share as f32)),
        _ => {
            scores.extend(classes.iter().map(|&x| (presence * squash(kind, x)) as f32));
        }
    }
}

/// Takes every score but the first of the largest away.
fn only_the_best(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let best = scores.iter().position(|score| *score == largest);
    for (class, score) in scores.iter_mut().enumerate() {
        if Some(class) != best {
            *score = f32::NEG_INFINITY;
        }
    }
}
