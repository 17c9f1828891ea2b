//! The objects and detections of one class, sorted for matching.

use super::Found;
use crate::{Dataset, Object};

/// One class: what is there, and what was found.
#[derive(Debug)]
pub(super) struct Candidates {
    /// The objects of each picture, in the data set's order.
    pub(super) objects: Vec<Vec<Object>>,
    /// The detections, the best score first; equal scores in the order of the pictures.
    pub(super) found: Vec<Candidate>,
}

/// A detection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) found: Found,
    /// Not wrong if it hits nothing.
    pub(super) harmless: bool,
}

impl Candidates {
    /// Those of `class`. Objects below the fraction of their picture's area are ignored.
    pub(super) fn of_class(
        dataset: &Dataset,
        found: &[Found],
        class: usize,
        below: f64,
    ) -> Candidates {
        let limits: Vec<f64> = dataset
            .pictures
            .iter()
            .map(|picture| picture.area() * below)
            .collect();
        let of_class = |(picture, limit): (&crate::Picture, &f64)| -> Vec<Object> {
            let objects = picture
                .objects
                .iter()
                .filter(|object| object.class == class);
            let mark = |object: &Object| Object {
                ignored: object.ignored || object.edges.area() < *limit,
                ..*object
            };
            objects.map(mark).collect()
        };
        let mut candidates: Vec<_> = found
            .iter()
            .filter(|found| found.class == class)
            .map(|found| Candidate {
                found: *found,
                harmless: found.edges.area() < limits[found.picture],
            })
            .collect();
        candidates.sort_by(|a, b| {
            let (a, b) = (&a.found, &b.found);
            b.score.total_cmp(&a.score).then(a.picture.cmp(&b.picture))
        });
        Candidates {
            objects: dataset.pictures.iter().zip(&limits).map(of_class).collect(),
            found: candidates,
        }
    }

    /// Objects to be found.
    pub(super) fn count_wanted(&self) -> usize {
        self.objects
            .iter()
            .flatten()
            .filter(|object| !object.ignored)
            .count()
    }

    /// Objects that do not count.
    pub(super) fn count_ignored(&self) -> usize {
        self.objects
            .iter()
            .flatten()
            .filter(|object| object.ignored)
            .count()
    }
}
