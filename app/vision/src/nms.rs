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
