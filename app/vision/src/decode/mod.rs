//! Maps of numbers to boxes.
//!
//! Functions are computed in f64 and rounded once, so that the standard library's precision does
//! not show in the results.
//!
//! | module | subject |
//! | --- | --- |
//! | `numbers` | which numbers of a cell are a box, its objectness, its classes |
//! | `score` | what they say of classes |
//! | `rect` | what they say of the box |

mod numbers;
mod rect;
mod score;

use crate::{Error, Rect};
use numbers::Numbers;
use tincy_network::{Head, Shape};

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
/// A box is listed once for each such class, of FastestDet's only the best. Boxes whose numbers are NaN, or whose edges are
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
    let kind = &map.head.kind;
    let lowest = thresholds.iter().copied().fold(f32::INFINITY, f32::min);
    let mut scores = Vec::with_capacity(map.head.classes);
    for (cell, channels) in map.values.chunks_exact(map.shape.channels).enumerate() {
        for of_cell in 0..kind.boxes() {
            let numbers = Numbers::of(map.head, channels, of_cell);
            if score::bound(kind, &numbers) as f32 <= lowest {
                continue;
            }
            score::scores(kind, &numbers, &mut scores);
            let passing = scores.iter().zip(thresholds).enumerate();
            let mut passing = passing
                .filter(|(_, (score, least))| score > least)
                .peekable();
            if passing.peek().is_none() {
                continue;
            }
            let place = [cell % map.shape.width, cell / map.shape.width];
            let Some(rect) = rect::rect(&map, input, place, numbers.rect, of_cell) else {
                continue;
            };
            found.extend(passing.map(|(class, (&score, _))| Candidate { class, score, rect }));
        }
    }
    Ok(())
}

fn check(map: &Map) -> Result<(), Error> {
    let (kind, classes) = (&map.head.kind, map.head.classes);
    let fits = kind.channels(classes) == Some(map.shape.channels);
    if map.shape.channels == 0 || !fits || map.values.len() != map.shape.elements() {
        return Err(Error::Map {
            boxes: kind.boxes(),
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

/// `e^x / sum(e^x)` of each, without overflow.
fn softmax(numbers: &[f32]) -> impl Iterator<Item = f64> {
    let largest = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let power = move |x: &f32| (f64::from(*x) - f64::from(largest)).exp();
    let sum: f64 = numbers.iter().map(power).sum();
    numbers.iter().map(move |x| power(x) / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_network::{HeadKind, Source};

    fn head(classes: usize, kind: HeadKind) -> Head {
        Head {
            source: Source::Input,
            classes,
            kind,
        }
    }

    fn region(anchors: usize, classes: usize) -> Head {
        let kind = HeadKind::Region {
            anchors: vec![[1.0, 2.0]; anchors],
            softmax: true,
        };
        head(classes, kind)
    }

    fn run(head: &Head, shape: Shape, values: &[f32], least: f32) -> Vec<Candidate> {
        let map = Map {
            head,
            shape,
            values,
        };
        let mut found = Vec::new();
        let input = Shape::new(64, 128, 3);
        decode(map, input, &vec![least; head.classes], &mut found).unwrap();
        found
    }

    #[test]
    fn a_region_box_by_hand() {
        let mut values = vec![-50.0; 2 * 4 * 7];
        // Row 1, column 2 of a 2 x 4 grid: everything logistic is 1/2, both classes alike.
        values[6 * 7..7 * 7].copy_from_slice(&[0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0]);
        let head = region(1, 2);
        let found = run(&head, Shape::new(2, 4, 7), &values, 0.2);
        // Centre (2.5 / 4, 1.5 / 2), size (1 / 4, 2 / 2).
        let rect = Rect {
            left: 0.5,
            top: 0.25,
            right: 0.75,
            bottom: 1.25,
        };
        let expected = [0, 1].map(|class| Candidate {
            class,
            score: 0.25,
            rect,
        });
        assert_eq!(found, expected);
        // A score must be above its threshold.
        assert!(run(&head, Shape::new(2, 4, 7), &values, 0.25).is_empty());
    }

    #[test]
    fn a_yolo_box_by_hand() {
        let kind = |new_coords| HeadKind::Yolo {
            anchors: vec![[32.0, 16.0]],
            scale_xy: 2.0,
            new_coords,
        };
        let values = [0.5, 0.75, 1.0, 0.5, 0.5, 0.5];
        let found = run(&head(1, kind(true)), Shape::new(1, 1, 6), &values, 0.2);
        // Centre 0.5 * 2 - 0.5 and 0.75 * 2 - 0.5; size 4 * 32 / 128 and 16 / 64.
        let rect = Rect {
            left: 0.0,
            top: 0.875,
            right: 1.0,
            bottom: 1.125,
        };
        let [box_] = found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((box_.score, box_.rect), (0.25, rect));
        let values = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let found = run(&head(1, kind(false)), Shape::new(1, 1, 6), &values, 0.2);
        assert_eq!(found[0].rect.left, 0.375);
        assert_eq!(found[0].rect.bottom, 0.625);
    }

    #[test]
    fn a_yolox_box_by_hand() {
        let mut values = vec![-50.0; 2 * 4 * 7];
        // Row 1, column 2: the centre is given in cells as it is, the size as its logarithm.
        let doubled = std::f32::consts::LN_2;
        values[6 * 7..7 * 7].copy_from_slice(&[0.25, -0.5, 0.0, doubled, 0.0, 0.0, -50.0]);
        let head = head(2, HeadKind::Yolox { stride: 16 });
        let found = run(&head, Shape::new(2, 4, 7), &values, 0.2);
        // Centre (2.25 * 16, 0.5 * 16), size (16, 32), of an input of 128 x 64 pixels.
        let [Candidate { class, score, rect }] = found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((class, score), (0, 0.25));
        let edges = [rect.left, rect.top, rect.right, rect.bottom];
        let expected = [28.0 / 128.0, -8.0 / 64.0, 44.0 / 128.0, 24.0 / 64.0];
        for (edge, expected) in edges.into_iter().zip(expected) {
            assert!((edge - expected).abs() < 1e-6, "{rect:?}");
        }
    }

    fn edges(rect: Rect) -> [f32; 4] {
        [rect.left, rect.top, rect.right, rect.bottom]
    }

    fn near(found: [f32; 4], expected: [f32; 4]) {
        let far = found
            .iter()
            .zip(expected)
            .any(|(a, b)| (a - b).abs() > 1e-6);
        assert!(!far, "{found:?}, not {expected:?}");
    }

    /// Row 1, column 2 of a 2 x 4 grid on an input of 128 x 64 pixels; all else says "nothing".
    fn one_cell(channels: usize, numbers: &[f32]) -> Vec<f32> {
        let mut values = vec![-50.0; 2 * 4 * channels];
        values[6 * channels..][..channels].copy_from_slice(numbers);
        values
    }

    #[test]
    fn a_yolov5_box_by_hand() {
        let kind = HeadKind::Yolov5 {
            anchors: vec![[32.0, 16.0]],
        };
        let values = one_cell(6, &[0.0; 6]);
        let found = run(&head(1, kind), Shape::new(2, 4, 6), &values, 0.2);
        // Centre (2.5 / 4, 1.5 / 2), size as the anchor.
        assert_eq!(found[0].score, 0.25);
        near(edges(found[0].rect), [0.5, 0.625, 0.75, 0.875]);
    }

    #[test]
    fn boxes_of_yolo_fastestv2_share_classes() {
        let anchors = vec![[32.0, 16.0], [64.0, 32.0]];
        let kind = HeadKind::FastestV2 { anchors };
        let mut numbers = [0.0; 12];
        // The first box is none; of two classes the second has nine tenths.
        numbers[8] = -50.0;
        numbers[11] = 9f32.ln();
        let values = one_cell(12, &numbers);
        let found = run(&head(2, kind), Shape::new(2, 4, 12), &values, 0.2);
        let [found] = found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(found.class, 1);
        assert!((found.score - 0.45).abs() < 1e-6, "{found:?}");
        near(edges(found.rect), [0.375, 0.5, 0.875, 1.0]);
    }

    #[test]
    fn fastestdet_lists_the_best_class() {
        let values = one_cell(7, &[0.0, 0.0, 0.0, 0.0, 50.0, 0.0, 0.0]);
        let found = run(
            &head(2, HeadKind::FastestDet),
            Shape::new(2, 4, 7),
            &values,
            0.2,
        );
        let [found] = found[..] else {
            panic!("{found:?}")
        };
        assert!((found.score - 0.5f32.powf(0.4)).abs() < 1e-6, "{found:?}");
        near(edges(found.rect), [0.25, 0.25, 0.75, 0.75]);
    }

    #[test]
    fn boxes_of_distances_by_hand() {
        // Bins alike: their mean is 1 of 0, 1, 2. The class comes last in one, first in the other.
        let [mut last, mut first] = [[0.0; 13]; 2];
        (last[12], first[0]) = (50.0, 50.0);
        let (stride, bins) = (32, 3);
        let cases = [
            (HeadKind::Yolov8 { stride, bins }, last, 0.5),
            (HeadKind::Nanodet { stride, bins }, first, 31.0 / 64.0),
        ];
        for (kind, numbers, middle) in cases {
            let values = one_cell(13, &numbers);
            let found = run(&head(1, kind), Shape::new(2, 4, 13), &values, 0.2);
            let [left, top] = [2.0 + middle - 1.0, 1.0 + middle - 1.0];
            let cut = [
                left / 4.0,
                top / 2.0,
                (left + 2.0) / 4.0,
                ((top + 2.0) / 2.0),
            ];
            let edges = edges(found[0].rect);
            match middle == 0.5 {
                true => near(edges, cut),
                false => near(edges, cut.map(|edge: f32| edge.min(1.0))),
            }
        }
    }

    #[test]
    fn an_ssd_box_by_hand() {
        let kind = HeadKind::Ssd {
            anchors: vec![[32.0, 16.0]],
        };
        let doubled = 5.0 * std::f32::consts::LN_2;
        let numbers = [5.0, 0.0, 0.0, doubled, 0.0, 3f32.ln()];
        let mut values = one_cell(6, &numbers);
        // Elsewhere "nothing" is certain.
        for cell in (0..8).filter(|cell| *cell != 6) {
            values[6 * cell + 4] = 50.0;
        }
        let found = run(&head(1, kind), Shape::new(2, 4, 6), &values, 0.2);
        let [found] = found[..] else {
            panic!("{found:?}")
        };
        assert!((found.score - 0.75).abs() < 1e-6, "{found:?}");
        // Half an anchor to the right, twice as high.
        near(edges(found.rect), [0.625, 0.5, 0.875, 1.0]);
    }

    #[test]
    fn nan_and_infinity_pass_no_threshold() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX];
        let good = [0.0, 0.0, 0.0, 0.0, 9.0, 9.0];
        for softmax in [false, true] {
            let kind = HeadKind::Region {
                anchors: vec![[1.0, 1.0]],
                softmax,
            };
            let head = head(1, kind);
            for (index, value) in (0..6).flat_map(|i| odd.map(|value| (i, value))) {
                let mut values = good;
                values[index] = value;
                for found in run(&head, Shape::new(1, 1, 6), &values, 0.0) {
                    assert!(found.score > 0.0 && found.score <= 1.0, "{index} {value}");
                    let Rect {
                        left,
                        top,
                        right,
                        bottom,
                    } = found.rect;
                    assert!(
                        [left, top, right, bottom]
                            .iter()
                            .all(|edge| edge.is_finite())
                    );
                }
            }
        }
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused() {
        let head = region(5, 20);
        for (shape, count) in [(Shape::new(1, 1, 124), 124), (Shape::new(1, 1, 125), 124)] {
            let map = Map {
                head: &head,
                shape,
                values: &vec![0.0; count],
            };
            let result = decode(map, Shape::new(32, 32, 3), &[0.1; 20], &mut Vec::new());
            assert!(matches!(result, Err(Error::Map { .. })));
        }
    }
}
