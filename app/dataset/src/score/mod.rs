//! How good detections are, against what is known to be there.
//!
//! | measure | rule |
//! | --- | --- |
//! | area | PASCAL VOC since 2010: area under the precision-recall curve, a hit overlaps by 0.5 |
//! | 11-point | PASCAL VOC 2007: mean of the precision at recalls 0, 0.1, ... 1 |
//! | .5:.95 | COCO: mean over ten overlaps of the mean precision at 101 recalls |
//!
//! Means are over the classes that have an object to be found. Everything is deterministic: equal
//! scores keep the order of the pictures, and within a picture the order of the detections.

mod candidates;
mod coco;
mod curve;
mod report;
mod voc;

pub use curve::Curve;
pub use report::{ClassScore, CocoScore, Report};

use crate::{Dataset, Edges};
use candidates::Candidates;
use tincy_vision::{Detection, Rect};

/// A detection, as the scorer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Number of the picture in the data set.
    pub picture: usize,
    /// Number of the class among the data set's.
    pub class: usize,
    /// Only the order matters.
    pub score: f64,
    /// Where.
    pub edges: Edges,
}

/// What is counted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Objects smaller than this fraction of their picture are neither to be found nor wrong to
    /// find, and detections so small that hit nothing are not wrong.
    pub ignore_below: f64,
    /// Classes of the data set that are not counted at all: those that the model does not know.
    pub left_out: Vec<usize>,
}

/// Scores detections.
pub fn score(dataset: &Dataset, found: &[Found], options: &Options) -> Report {
    let counted = (0..dataset.classes.len()).filter(|class| !options.left_out.contains(class));
    let classes = counted.map(|class| {
        let candidates = Candidates::of_class(dataset, found, class, options.ignore_below);
        let curve = voc::curve(&candidates);
        ClassScore {
            name: dataset.classes[class].clone(),
            objects: candidates.count_wanted(),
            ignored: candidates.count_ignored(),
            found: candidates.found.len(),
            area: curve.area(),
            eleven_point: curve.eleven_point(),
            coco: coco::score(&candidates),
            curve,
        }
    });
    Report::new(classes.collect(), dataset.pictures.len())
}

/// Detections of a model as the scorer sees them; `classes` has the data set's class of each of
/// the model's.
pub fn found(picture: usize, detections: &[Detection], classes: &[Option<usize>]) -> Vec<Found> {
    let found = detections.iter().filter_map(|detection| {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = detection.rect;
        Some(Found {
            picture,
            class: classes[detection.class]?,
            score: f64::from(detection.score),
            edges: Edges::new([left, top, right, bottom].map(f64::from)),
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Form, Object, Oddities, Picture, Place};

    fn set() -> Dataset {
        let picture = |name: &str, objects: Vec<Object>| Picture {
            name: name.into(),
            place: Place::File(name.into()),
            size: Some([100, 100]),
            objects,
        };
        let object = |class, edges| Object::new(class, Edges::new(edges));
        let small = object(0, [50.0, 50.0, 52.0, 52.0]);
        Dataset {
            form: Form::Voc,
            root: "".into(),
            classes: vec!["cat".into(), "dog".into(), "cow".into()],
            pictures: vec![
                picture("a", vec![object(0, [0.0, 0.0, 10.0, 10.0]), small]),
                picture("b", vec![object(1, [0.0, 0.0, 10.0, 10.0])]),
            ],
            oddities: Oddities::default(),
        }
    }

    fn found(picture: usize, class: usize, score: f64, edges: [f64; 4]) -> Found {
        Found {
            picture,
            class,
            score,
            edges: Edges::new(edges),
        }
    }

    #[test]
    fn means_are_over_classes_with_objects() {
        let hits = [
            found(0, 0, 0.9, [0.0, 0.0, 10.0, 10.0]),
            found(1, 2, 0.9, [0.0; 4]),
        ];
        let report = score(&set(), &hits, &Options::default());
        let areas: Vec<_> = report.classes.iter().map(|class| class.area).collect();
        assert_eq!(areas, [0.5, 0.0, 0.0]);
        assert_eq!((report.area, report.objects), (0.25, 3));
        let left_out = Options {
            left_out: vec![1],
            ..Options::default()
        };
        assert_eq!(score(&set(), &hits, &left_out).area, 0.5);
    }

    #[test]
    fn small_objects_and_small_misses_can_be_ignored() {
        let hits = [
            found(0, 0, 0.95, [80.0, 80.0, 82.0, 82.0]),
            found(0, 0, 0.9, [0.0, 0.0, 10.0, 10.0]),
        ];
        let options = Options {
            ignore_below: 0.001,
            ..Options::default()
        };
        let cat = &score(&set(), &hits, &options).classes[0];
        assert_eq!((cat.objects, cat.ignored, cat.area), (1, 1, 1.0));
        assert_eq!(cat.coco.mean, 1.0);
        let cat = &score(&set(), &hits, &Options::default()).classes[0];
        assert_eq!((cat.objects, cat.ignored, cat.area), (2, 0, 0.25));
    }

    #[test]
    fn classes_that_the_set_lacks_are_dropped() {
        let detection = |class, score| Detection {
            class,
            score,
            rect: Rect {
                left: 0.0,
                top: 0.0,
                right: 1.0,
                bottom: 1.0,
            },
        };
        let found = super::found(
            2,
            &[detection(0, 0.5), detection(1, 0.25)],
            &[None, Some(0)],
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].picture, found[0].class, found[0].score),
            (2, 0, 0.25)
        );
    }
}
