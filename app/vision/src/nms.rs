//! Non-maximum suppression: of boxes that mean the same object, the best.

use crate::{Candidate, Rect};

/// Boxes of one class that are looked at, the best ones; a bound on the time that a map full of
/// noise can take. Networks of 1280x1280 pixels have 25,000 cells.
pub const MOST: usize = 30_000;

impl Rect {
    /// Width times height; nothing where an edge is beyond its opposite.
    pub fn area(&self) -> f64 {
        let width = f64::from(self.right) - f64::from(self.left);
        let height = f64::from(self.bottom) - f64::from(self.top);
        width.max(0.0) * height.max(0.0)
    }

    /// The part that both cover, which may be empty.
    pub fn intersection(&self, other: &Rect) -> Rect {
        Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Area of the intersection divided by the area of the union, 0 to 1.
    pub fn overlap(&self, other: &Rect) -> f64 {
        let common = self.intersection(other).area();
        if common > 0.0 {
            common / (self.area() + other.area() - common)
        } else {
            0.0
        }
    }
}

/// Keeps of each class, best first, the boxes that no better kept one overlaps by more than
/// `limit` (intersection over union).
///
/// The result is ordered by score; equal scores stay in the order given.
pub fn suppress(mut candidates: Vec<Candidate>, limit: f32) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let classes = candidates.iter().map(|c| c.class + 1).max().unwrap_or(0);
    let mut kept: Vec<Vec<Rect>> = vec![Vec::new(); classes];
    let mut seen = vec![0; classes];
    candidates.retain(|candidate| {
        let class = candidate.class;
        seen[class] += 1;
        let free = seen[class] <= MOST
            && kept[class]
                .iter()
                .all(|better| better.overlap(&candidate.rect) <= f64::from(limit));
        if free {
            kept[class].push(candidate.rect);
        }
        free
    });
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(class: usize, score: f32, [left, top, right, bottom]: [f32; 4]) -> Candidate {
        let rect = Rect {
            left,
            top,
            right,
            bottom,
        };
        Candidate { class, score, rect }
    }

    /// By definition: again and again the best of what is left, and away with what it covers.
    fn naive(mut left: Vec<Candidate>, limit: f32) -> Vec<Candidate> {
        let mut kept: Vec<Candidate> = Vec::new();
        while !left.is_empty() {
            let scores = left.iter().map(|c| c.score);
            let best = scores.fold(f32::NEG_INFINITY, f32::max);
            let index = left.iter().position(|c| c.score == best).unwrap();
            let best = left.remove(index);
            left.retain(|c| {
                c.class != best.class || best.rect.overlap(&c.rect) <= f64::from(limit)
            });
            kept.push(best);
        }
        kept
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            boxes in prop::collection::vec((0usize..3, 0u8..12, any::<[u8; 4]>()), 0..60),
            limit in 0.0f32..1.0,
        ) {
            let boxes: Vec<Candidate> = boxes
                .into_iter()
                .map(|(class, score, [x, y, w, h])| {
                    let [x, y, w, h] = [x % 8, y % 8, w % 8, h % 8].map(f32::from);
                    candidate(class, f32::from(score) / 12.0, [x, y, x + w, y + h])
                })
                .collect();
            prop_assert_eq!(suppress(boxes.clone(), limit), naive(boxes, limit));
        }
    }

    #[test]
    fn the_limit_itself_stays() {
        let one = candidate(0, 0.9, [0.0, 0.0, 2.0, 1.0]);
        let half = candidate(0, 0.8, [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(one.rect.overlap(&half.rect), 0.5);
        assert_eq!(suppress(vec![half, one], 0.5), [one, half]);
        assert_eq!(suppress(vec![half, one], 0.49), [one]);
    }

    #[test]
    fn boxes_without_area_overlap_nothing() {
        let empty = candidate(0, 0.5, [1.0, 1.0, 1.0, 1.0]);
        assert_eq!(suppress(vec![empty, empty], 0.0).len(), 2);
        let huge = candidate(0, 0.5, [-3e38, -3e38, 3e38, 3e38]);
        assert_eq!(suppress(vec![huge, huge], 0.5).len(), 1);
    }
}
