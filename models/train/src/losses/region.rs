//! YOLOv2's loss (Redmon and Farhadi, CVPR 2017), for one head or several.
//!
//! Each object belongs to one box: of the anchors, the one most like it in size, in the cell that
//! its centre lies in; and on demand to those of further anchors that are like it too. With `s` the logistic function, `o` a box's objectness, `a` the object's area
//! in parts of the input, sums over boxes:
//!
//! ```text
//! free boxes      no_object * s(o)^2
//! matched boxes   object * (s(o) - overlap)^2                the overlap as it is, taken as given
//!                 boxes * (2 - a) * ((s(x) - x')^2 + (s(y) - y')^2 + (w - w')^2 + (h - h')^2)
//!                 classes * cross-entropy (softmax, or each class on its own)
//! ```
//!
//! `x'`, `y'` is the centre's place in the cell, `w'`, `h'` the logarithm of size over anchor. A box
//! that is not matched is free unless it overlaps an object by more than 0.6, or an ignored one by
//! more than 0.4. A batch's sum is divided by its number of pictures.

use super::logistic::{logistic, yes_or_no};
use super::overlap::overlap;
use super::softmax::cross_entropy;
use super::{HeadMap, Loss, Terms, Truth};

/// Overlap with an object above which a box that is not matched is not wrong.
const CLOSE: f32 = 0.6;

/// The same for ignored objects.
const CLOSE_TO_IGNORED: f32 = 0.4;

/// How much each part counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Objectness of matched boxes.
    pub object: f32,
    /// Objectness of free boxes.
    pub no_object: f32,
    /// Places and sizes.
    pub boxes: f32,
    /// Classes.
    pub classes: f32,
}

impl Default for Weights {
    /// Those that YOLOv2 was trained with.
    fn default() -> Weights {
        Weights {
            object: 5.0,
            no_object: 1.0,
            boxes: 1.0,
            classes: 1.0,
        }
    }
}

/// The loss of a network with region heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The anchors of each head, width and height in its cells.
    pub anchors: Vec<Vec<[f32; 2]>>,
    /// Number of classes.
    pub classes: usize,
    /// Whether classes exclude each other.
    pub softmax: bool,
    /// How much each part counts.
    pub weights: Weights,
    /// Likeness in size, 0 to 1, from which anchors other than the best match an object too; 1 for none.
    pub likeness: f32,
}

/// A box and the object that it is to become.
#[derive(Clone, Copy, Debug)]
struct Match {
    head: usize,
    /// Its first number in the head's map.
    at: usize,
    class: usize,
    /// Of the centre in its cell.
    place: [f32; 2],
    /// Logarithm of size over anchor.
    size: [f32; 2],
    /// What the objectness should be.
    overlap: f32,
    /// Of places and sizes.
    box_weight: f32,
    weight: f32,
}

/// What the maps are held against.
#[derive(Debug)]
struct Targets {
    matches: Vec<Match>,
    /// For each head and box, whether it should find nothing.
    free: Vec<Vec<bool>>,
}

impl Region {
    fn stride(&self) -> usize {
        5 + self.classes
    }

    /// Edges of a box in fractions of the input.
    fn edges(&self, head: usize, map: &HeadMap<'_>, number: usize) -> [f32; 4] {
        let anchors = &self.anchors[head];
        let (cell, anchor) = (number / anchors.len(), anchors[number % anchors.len()]);
        let raw = &map.values[number * self.stride()..][..4];
        let place = [cell % map.columns, cell / map.columns];
        let grid = [map.columns as f32, map.rows as f32];
        let axis = |i: usize| {
            let centre = (logistic(raw[i]) + place[i] as f32) / grid[i];
            let half = raw[2 + i].min(20.0).exp() * anchor[i] / grid[i] / 2.0;
            [centre - half, centre + half]
        };
        let ([left, right], [top, bottom]) = (axis(0), axis(1));
        [left, top, right, bottom]
    }

    fn targets(&self, heads: &[HeadMap<'_>], truths: &[Truth]) -> Targets {
        let mut free: Vec<Vec<bool>> = Vec::new();
        for (head, map) in heads.iter().enumerate() {
            let boxes = map.rows * map.columns * self.anchors[head].len();
            let is_free = |number| {
                let edges = self.edges(head, map, number);
                !truths.iter().any(|truth| {
                    let limit = if truth.ignored {
                        CLOSE_TO_IGNORED
                    } else {
                        CLOSE
                    };
                    overlap(&edges, &truth.edges) > limit
                })
            };
            free.push((0..boxes).map(is_free).collect());
        }
        let matches = self.matches(heads, truths);
        for found in &matches {
            free[found.head][found.at / self.stride()] = false;
        }
        Targets { matches, free }
    }

    /// The boxes that objects belong to, the best of each first; one that is taken is no second choice.
    fn matches(&self, heads: &[HeadMap<'_>], truths: &[Truth]) -> Vec<Match> {
        let wanted = truths.iter().filter(|truth| !truth.ignored);
        let all: Vec<Vec<Match>> = wanted.map(|truth| self.like(heads, truth)).collect();
        let best = all.iter().filter_map(|matches| matches.first());
        let mut taken: Vec<Match> = best.copied().collect();
        for other in all.iter().flat_map(|matches| matches.iter().skip(1)) {
            let is_taken = |one: &Match| (one.head, one.at) == (other.head, other.at);
            if !taken.iter().any(is_taken) {
                taken.push(*other);
            }
        }
        taken
    }

    /// The boxes of anchors that are like an object, the best first; none if it has no area.
    fn like(&self, heads: &[HeadMap<'_>], truth: &Truth) -> Vec<Match> {
        let [left, top, right, bottom] = truth.edges;
        let size = [right - left, bottom - top];
        if !(size[0] > 0.0 && size[1] > 0.0) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (head, anchors) in self.anchors.iter().enumerate() {
            let grid = [heads[head].columns as f32, heads[head].rows as f32];
            for (number, anchor) in anchors.iter().enumerate() {
                all.push((
                    likeness(size, [0, 1].map(|i| anchor[i] / grid[i])),
                    head,
                    number,
                ));
            }
        }
        // A stable sort: the first of equals is the best.
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let like = all.iter().enumerate();
        like.filter(|(place, (likeness, ..))| *place == 0 || *likeness > self.likeness)
            .map(|(_, (_, head, anchor))| self.in_cell(heads, truth, *head, *anchor))
            .collect()
    }

    /// A box in the cell that an object's centre lies in.
    fn in_cell(&self, heads: &[HeadMap<'_>], truth: &Truth, head: usize, anchor: usize) -> Match {
        let [left, top, right, bottom] = truth.edges;
        let (size, centre) = ([right - left, bottom - top], [left + right, top + bottom]);
        let map = &heads[head];
        let cells = [map.columns, map.rows];
        let centre = [0, 1].map(|i| centre[i] / 2.0 * cells[i] as f32);
        let cell = [0, 1].map(|i| (centre[i].max(0.0) as usize).min(cells[i] - 1));
        let number = (cell[1] * map.columns + cell[0]) * self.anchors[head].len() + anchor;
        let anchor = self.anchors[head][anchor];
        Match {
            head,
            at: number * self.stride(),
            class: truth.class,
            place: [0, 1].map(|i| centre[i] - cell[i] as f32),
            size: [0, 1].map(|i| (size[i] * cells[i] as f32 / anchor[i]).ln()),
            overlap: overlap(&self.edges(head, map, number), &truth.edges),
            box_weight: self.weights.boxes * (2.0 - size[0] * size[1]),
            weight: truth.weight,
        }
    }

    fn evaluate(
        &self,
        heads: &[HeadMap<'_>],
        targets: &Targets,
        gradients: &mut [Vec<f32>],
    ) -> Terms {
        let mut terms = Terms::default();
        for ((map, free), gradient) in heads.iter().zip(&targets.free).zip(&mut *gradients) {
            gradient.fill(0.0);
            for (number, _) in free.iter().enumerate().filter(|(_, free)| **free) {
                let at = number * self.stride() + 4;
                let (loss, slope) = square(map.values[at], 0.0, self.weights.no_object);
                terms.objectness += loss;
                gradient[at] += slope;
            }
        }
        for found in &targets.matches {
            let numbers = found.at..found.at + self.stride();
            let raw = &heads[found.head].values[numbers.clone()];
            terms += self.matched(found, raw, &mut gradients[found.head][numbers]);
        }
        terms
    }

    fn matched(&self, found: &Match, raw: &[f32], gradient: &mut [f32]) -> Terms {
        let mut terms = Terms {
            matched: found.weight.into(),
            overlaps: (found.weight * found.overlap).into(),
            ..Terms::default()
        };
        let weight = found.weight * found.box_weight;
        for i in 0..2 {
            let (loss, slope) = square(raw[i], found.place[i], weight);
            let off = raw[2 + i] - found.size[i];
            terms.boxes += loss + f64::from(weight * off * off);
            gradient[i] += slope;
            gradient[2 + i] += 2.0 * weight * off;
        }
        let weight = found.weight * self.weights.object;
        let (loss, slope) = square(raw[4], found.overlap, weight);
        terms.objectness += loss;
        gradient[4] += slope;
        let weight = found.weight * self.weights.classes;
        let mut by_class = vec![0.0; self.classes];
        terms.classes += f64::from(weight) * self.classes(found.class, &raw[5..], &mut by_class);
        for (gradient, slope) in gradient[5..].iter_mut().zip(by_class) {
            *gradient += weight * slope;
        }
        terms
    }

    fn classes(&self, class: usize, raw: &[f32], gradient: &mut [f32]) -> f64 {
        if self.softmax {
            return cross_entropy(raw, class, gradient);
        }
        let mut sum = 0.0;
        for (number, (raw, gradient)) in raw.iter().zip(gradient).enumerate() {
            let (loss, slope) = yes_or_no(*raw, f32::from(u8::from(number == class)));
            sum += f64::from(loss);
            *gradient = slope;
        }
        sum
    }
}

/// Overlap of two sizes about one centre.
fn likeness(a: [f32; 2], b: [f32; 2]) -> f32 {
    let both = a[0].min(b[0]) * a[1].min(b[1]);
    both / (a[0] * a[1] + b[0] * b[1] - both)
}

/// `weight * (s(x) - target)^2`, and its slope.
fn square(x: f32, target: f32, weight: f32) -> (f64, f32) {
    let s = logistic(x);
    let off = s - target;
    (
        f64::from(weight * off * off),
        2.0 * weight * off * s * (1.0 - s),
    )
}

impl Loss for Region {
    fn picture(
        &self,
        heads: &[HeadMap<'_>],
        truths: &[Truth],
        gradients: &mut [Vec<f32>],
    ) -> Terms {
        self.evaluate(heads, &self.targets(heads, truths), gradients)
    }

    fn divisor(&self, _: &Terms, pictures: usize) -> f64 {
        pictures.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::slopes::{Grid, check, maps, numbers, room};
    use super::*;

    fn region(softmax: bool) -> Region {
        Region {
            anchors: vec![vec![[0.8, 0.9], [2.0, 1.5]], vec![[3.0, 3.0]]],
            classes: 3,
            softmax,
            weights: Weights {
                object: 2.5,
                classes: 0.5,
                boxes: 1.5,
                no_object: 0.75,
            },
            likeness: 1.0,
        }
    }

    fn grids() -> [Grid; 2] {
        [(3, 4, 2, 1), (2, 2, 1, 2)].map(|(rows, columns, anchors, seed)| Grid {
            rows,
            columns,
            values: numbers(rows * columns * anchors * 8, seed),
        })
    }

    fn truth(class: usize, edges: [f32; 4], ignored: bool, weight: f32) -> Truth {
        Truth {
            class,
            edges,
            ignored,
            weight,
        }
    }

    fn truths() -> Vec<Truth> {
        vec![
            truth(1, [0.1, 0.1, 0.3, 0.4], false, 1.0),
            truth(0, [0.4, 0.2, 0.95, 0.7], false, 0.5),
            truth(2, [0.0, 0.0, 1.0, 1.0], false, 1.0),
            truth(2, [0.6, 0.6, 0.8, 0.9], true, 1.0),
            truth(2, [0.6, 0.6, 0.6, 0.9], false, 1.0),
        ]
    }

    #[test]
    fn the_gradient_is_the_slope() {
        for softmax in [false, true] {
            let (region, mut grids) = (region(softmax), grids());
            let targets = region.targets(&maps(&grids), &truths());
            assert_eq!(targets.matches.len(), 3);
            let mut gradients = room(&grids);
            let whole = region.picture(&maps(&grids), &truths(), &mut gradients);
            assert_eq!((whole.matched, region.divisor(&whole, 4)), (2.5, 4.0));
            check(&mut grids, &gradients, |maps| {
                let mut unused: Vec<_> = maps.iter().map(|map| map.values.to_vec()).collect();
                region.evaluate(maps, &targets, &mut unused).total()
            });
        }
    }

    #[test]
    fn anchors_that_are_like_an_object_match_it_too() {
        let region = Region {
            anchors: vec![vec![[1.0, 1.0], [2.0, 1.0], [1.0, 1.5]], vec![[0.5, 0.7]]],
            likeness: 0.6,
            ..region(true)
        };
        let grids = [(4, 4, 3, 1), (2, 2, 1, 2)].map(|(rows, columns, anchors, seed)| Grid {
            rows,
            columns,
            values: numbers(rows * columns * anchors * 8, seed),
        });
        let places = |truths: &[Truth]| -> Vec<_> {
            let matches = region.matches(&maps(&grids), truths).into_iter();
            matches.map(|m| (m.head, m.at / 8, m.class)).collect()
        };
        // One cell of the first head; the anchors are 1, 1/2, 2/3 and 5/7 like it.
        let one = truth(1, [0.25, 0.0, 0.5, 0.25], false, 1.0);
        assert_eq!(places(&[one]), [(0, 3, 1), (1, 0, 1), (0, 5, 1)]);
        // The best of another object comes before a second choice.
        let other = truth(0, [0.25, 0.0, 0.5, 0.375], false, 1.0);
        let both = [(0, 3, 1), (0, 5, 0), (1, 0, 1)];
        assert_eq!(places(&[one, other]), both);
    }

    #[test]
    fn one_box_by_hand() {
        let region = Region {
            anchors: vec![vec![[1.0, 1.0]]],
            classes: 2,
            softmax: true,
            weights: Weights::default(),
            likeness: 1.0,
        };
        // A perfect box in the right cell of two; the logistic functions are 1/2.
        let mut values = vec![0.0; 14];
        values[4] = -50.0;
        let maps = [HeadMap {
            rows: 1,
            columns: 2,
            values: &values,
        }];
        let truths = [truth(0, [0.5, 0.0, 1.0, 1.0], false, 1.0)];
        let mut gradients = vec![vec![f32::NAN; 14]];
        let terms = region.picture(&maps, &truths, &mut gradients);
        assert_eq!((terms.boxes, terms.overlaps), (0.0, 1.0));
        // (1/2 - 1)^2 * 5, and the logarithm of two classes.
        assert!((terms.objectness - 1.25).abs() < 1e-6);
        assert!((terms.classes - 2f64.ln()).abs() < 1e-6);
        assert_eq!(gradients[0][11], 5.0 * 2.0 * -0.5 * 0.25);
    }

    #[test]
    fn boxes_near_objects_are_not_wrong() {
        let region = Region {
            anchors: vec![vec![[1.0, 1.0]]],
            classes: 1,
            softmax: true,
            weights: Weights::default(),
            likeness: 1.0,
        };
        let values = [0.0; 6];
        let maps = [HeadMap {
            rows: 1,
            columns: 1,
            values: &values,
        }];
        // The only box is the whole input.
        let cases = [
            (vec![], true),
            (vec![truth(0, [0.0, 0.0, 1.0, 0.5], true, 1.0)], false),
            (vec![truth(0, [0.0, 0.0, 1.0, 0.3], true, 1.0)], true),
        ];
        for (truths, free) in cases {
            assert_eq!(region.targets(&maps, &truths).free[0][0], free);
        }
    }
}
