//! PASCAL VOC's matching, as its development kit does it (`VOCevaldet.m`).
//!
//! A detection belongs to the object it overlaps most, if by 0.5 at least. It is a hit if that
//! object was not hit before, a miss if it was (even where a second object lies under it too), and
//! neither if the object is ignored.

use super::Curve;
use super::candidates::{Candidate, Candidates};
use crate::Object;

/// The overlap from which a detection belongs to an object.
const OVERLAP: f64 = 0.5;

/// The curve of a class.
pub(super) fn curve(candidates: &Candidates) -> Curve {
    let mut taken: Vec<Vec<bool>> = candidates
        .objects
        .iter()
        .map(|objects| vec![false; objects.len()])
        .collect();
    let hits = candidates.found.iter().filter_map(|candidate| {
        let picture = candidate.found.picture;
        is_hit(candidate, &candidates.objects[picture], &mut taken[picture])
    });
    Curve::new(hits, candidates.count_wanted())
}

/// Whether a detection is a hit; `None` if it does not count.
fn is_hit(candidate: &Candidate, objects: &[Object], taken: &mut [bool]) -> Option<bool> {
    match nearest(candidate, objects) {
        Some(nearest) if objects[nearest].ignored => None,
        Some(nearest) => Some(!std::mem::replace(&mut taken[nearest], true)),
        None => (!candidate.harmless).then_some(false),
    }
}

/// The object that it overlaps most (the first of equals), if enough.
fn nearest(candidate: &Candidate, objects: &[Object]) -> Option<usize> {
    let mut best = (None, 0.0);
    for (i, object) in objects.iter().enumerate() {
        let overlap = candidate.found.edges.overlap(&object.edges);
        if overlap > best.1 {
            best = (Some(i), overlap);
        }
    }
    best.0.filter(|_| best.1 >= OVERLAP)
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::*;
    use crate::Edges;

    fn object(left: f64, ignored: bool) -> Object {
        let edges = Edges::new([left, 0.0, left + 10.0, 10.0]);
        Object {
            ignored,
            ..Object::new(0, edges)
        }
    }

    fn hits(objects: &[Object], lefts: &[f64]) -> Vec<Option<bool>> {
        let mut taken = vec![false; objects.len()];
        let hit = |left: &f64| {
            let edges = Edges::new([*left, 0.0, left + 10.0, 10.0]);
            let found = Found {
                picture: 0,
                class: 0,
                score: 0.5,
                edges,
            };
            is_hit(
                &Candidate {
                    found,
                    harmless: false,
                },
                objects,
                &mut taken,
            )
        };
        lefts.iter().map(hit).collect()
    }

    #[test]
    fn a_second_hit_is_a_miss_even_over_another_object() {
        let two = [object(0.0, false), object(4.0, false)];
        assert_eq!(
            hits(&two, &[0.0, 1.0, 4.0]),
            [Some(true), Some(false), Some(true)]
        );
    }

    #[test]
    fn ignored_objects_swallow_detections() {
        let objects = [object(0.0, true), object(50.0, false)];
        assert_eq!(
            hits(&objects, &[0.0, 0.0, 50.0, 90.0]),
            [None, None, Some(true), Some(false)]
        );
    }

    #[test]
    fn one_half_is_enough() {
        // Moved by a third of the side, the intersection is half of the union.
        let wide = [Object::new(0, Edges::new([0.0, 0.0, 9.0, 10.0]))];
        let at = |left: f64| Found {
            picture: 0,
            class: 0,
            score: 0.5,
            edges: Edges::new([left, 0.0, left + 9.0, 10.0]),
        };
        let nearest = |left| {
            nearest(
                &Candidate {
                    found: at(left),
                    harmless: false,
                },
                &wide,
            )
        };
        assert_eq!((nearest(3.0), nearest(3.01)), (Some(0), None));
    }
}
