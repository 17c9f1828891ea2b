//! COCO's matching and its summary figures, as `pycocotools` computes them.
//!
//! At most 100 detections a picture and class count. Each takes the free object that it overlaps
//! most, one that is to be found before one that is ignored; crowds (whose overlap is the part of
//! the detection inside) can be taken again and again. An object outside the range of areas is
//! ignored, and a detection outside it that takes nothing is not wrong.

use super::Curve;
use super::candidates::{Candidate, Candidates};
use super::report::CocoScore;
use crate::Object;
use std::collections::BTreeMap;
use std::ops::Range;

/// Detections of a class that count in a picture.
const MOST: usize = 100;

/// The ten overlaps, in hundredths.
const OVERLAPS: Range<u32> = 10..20;

/// Areas in square pixels: all, and COCO's small, medium and large.
const RANGES: [Range<f64>; 4] = [
    0.0..f64::INFINITY,
    0.0..1024.0,
    1024.0..9216.0,
    9216.0..f64::INFINITY,
];

/// The figures of a class.
pub(super) fn score(candidates: &Candidates) -> CocoScore {
    let pictures = by_picture(candidates);
    let [all, small, medium, large] = RANGES.map(|range| {
        let overlaps = OVERLAPS.map(|step| f64::from(5 * step) / 100.0);
        let curves = overlaps.map(|overlap| curve(candidates, &pictures, overlap, &range));
        curves.collect::<Option<Vec<Curve>>>().map(|curves| {
            curves
                .iter()
                .map(Curve::hundred_point)
                .collect::<Vec<f64>>()
        })
    });
    let mean = |precisions: Option<Vec<f64>>| {
        precisions.map(|all| all.iter().sum::<f64>() / all.len() as f64)
    };
    let at = |i: usize| all.as_ref().map_or(0.0, |all| all[i]);
    CocoScore {
        at_half: at(0),
        at_three_quarters: at(5),
        small: mean(small),
        medium: mean(medium),
        large: mean(large),
        mean: mean(all).unwrap_or(0.0),
    }
}

/// For each picture with detections, the places of its best ones among the class's, in order.
fn by_picture(candidates: &Candidates) -> BTreeMap<usize, Vec<usize>> {
    let mut pictures: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, candidate) in candidates.found.iter().enumerate() {
        let places = pictures.entry(candidate.found.picture).or_default();
        if places.len() < MOST {
            places.push(place);
        }
    }
    pictures
}

/// The curve at one overlap, or `None` if no object of the range is to be found.
fn curve(
    candidates: &Candidates,
    pictures: &BTreeMap<usize, Vec<usize>>,
    overlap: f64,
    range: &Range<f64>,
) -> Option<Curve> {
    let is_wanted = |object: &Object| !object.ignored && inside(range, object.area);
    let wanted = candidates
        .objects
        .iter()
        .flatten()
        .filter(|object| is_wanted(object))
        .count();
    if wanted == 0 {
        return None;
    }
    let mut hits = vec![None; candidates.found.len()];
    for (picture, places) in pictures {
        let mut objects: Vec<Target<'_>> = candidates.objects[*picture]
            .iter()
            .map(|object| Target {
                object,
                wanted: is_wanted(object),
                free: true,
            })
            .collect();
        objects.sort_by_key(|target| !target.wanted);
        for place in places {
            hits[*place] = is_hit(&candidates.found[*place], &mut objects, overlap, range);
        }
    }
    Some(Curve::new(hits.into_iter().flatten(), wanted))
}

/// COCO's ranges include both ends.
fn inside(range: &Range<f64>, area: f64) -> bool {
    range.start <= area && area <= range.end
}

/// An object that a detection may take.
struct Target<'a> {
    object: &'a Object,
    wanted: bool,
    free: bool,
}

/// Whether a detection is a hit; `None` if it does not count. Objects that are to be found come
/// first among the `targets`.
fn is_hit(
    candidate: &Candidate,
    targets: &mut [Target<'_>],
    overlap: f64,
    range: &Range<f64>,
) -> Option<bool> {
    let mut best: (Option<usize>, f64) = (None, overlap);
    for (i, target) in targets.iter().enumerate() {
        let taken_wanted = best.0.is_some_and(|best| targets[best].wanted);
        if taken_wanted && !target.wanted {
            break;
        }
        let reached = covered(candidate, target.object);
        // Of equal overlaps the later one, as in pycocotools.
        if (target.free || target.object.crowd) && reached >= best.1 {
            best = (Some(i), reached);
        }
    }
    match best.0 {
        Some(i) => {
            targets[i].free = false;
            targets[i].wanted.then_some(true)
        }
        None if candidate.harmless || !inside(range, candidate.found.edges.area()) => None,
        None => Some(false),
    }
}

fn covered(candidate: &Candidate, object: &Object) -> f64 {
    let edges = &candidate.found.edges;
    if object.crowd && edges.area() > 0.0 {
        edges.intersection(&object.edges) / edges.area()
    } else {
        edges.overlap(&object.edges)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::*;
    use crate::Edges;

    fn edges(left: f64) -> Edges {
        Edges::new([left, 0.0, left + 100.0, 100.0])
    }

    fn candidates(objects: Vec<Object>, found: &[f64]) -> Candidates {
        let candidate = |left: &f64| Candidate {
            found: Found {
                picture: 0,
                class: 0,
                score: 0.5,
                edges: edges(*left),
            },
            harmless: false,
        };
        Candidates {
            objects: vec![objects],
            found: found.iter().map(candidate).collect(),
        }
    }

    #[test]
    fn ten_overlaps() {
        // Overlap 90 / 110 = 0.818: a hit at .5, .55, ... .8, seven of ten.
        let score = score(&candidates(vec![Object::new(0, edges(0.0))], &[10.0]));
        assert!((score.mean - 0.7).abs() < 1e-12);
        assert_eq!((score.at_half, score.at_three_quarters), (1.0, 1.0));
        assert_eq!((score.small, score.medium), (None, None));
        assert!((score.large.unwrap() - 0.7).abs() < 1e-12);
    }

    #[test]
    fn crowds_swallow_and_wanted_objects_come_first() {
        let crowd = Object {
            crowd: true,
            ignored: true,
            ..Object::new(0, Edges::new([0.0, 0.0, 900.0, 100.0]))
        };
        let wanted = Object::new(0, edges(0.0));
        // All four lie in the crowd; the second and third take nothing else.
        let score = score(&candidates(vec![crowd, wanted], &[300.0, 500.0, 0.0, 0.0]));
        assert_eq!(score.mean, 1.0);
    }

    #[test]
    fn an_ignored_object_that_is_no_crowd_is_taken_once() {
        let ignored = Object {
            ignored: true,
            ..Object::new(0, edges(500.0))
        };
        let score = score(&candidates(
            vec![ignored, Object::new(0, edges(0.0))],
            &[500.0, 500.0, 0.0],
        ));
        assert_eq!(score.at_half, 0.5);
    }

    #[test]
    fn a_hundred_detections_a_picture_count() {
        let mut lefts = vec![500.0; 100];
        lefts.push(0.0);
        let objects = || vec![Object::new(0, edges(0.0))];
        assert_eq!(score(&candidates(objects(), &lefts)).mean, 0.0);
        assert!(score(&candidates(objects(), &lefts[1..])).mean > 0.0);
    }
}
