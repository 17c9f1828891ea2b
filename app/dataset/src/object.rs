//! An object that is known to be in a picture.

/// A rectangle's edges in pixels of the picture, from 0 at the left and top edge.
///
/// VOC's pixels `xmin..=xmax`, counted from 1, have the edges `xmin - 1` and `xmax`; the "+1" of
/// the VOC devkit's sizes is then no special case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edges {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
}

impl Edges {
    /// From the edges in the order left, top, right, bottom.
    pub fn new([left, top, right, bottom]: [f64; 4]) -> Edges {
        Edges {
            left,
            top,
            right,
            bottom,
        }
    }

    /// The edges, or `None` if one is not a number or the rectangle has no area.
    pub fn sound(edges: [f64; 4]) -> Option<Edges> {
        let all_finite = edges.iter().all(|edge| edge.is_finite());
        let edges = Edges::new(edges);
        (all_finite && edges.left < edges.right && edges.top < edges.bottom).then_some(edges)
    }

    /// Square pixels; zero for a rectangle turned inside out.
    pub fn area(&self) -> f64 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Square pixels that both cover.
    pub fn intersection(&self, other: &Edges) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        if width > 0.0 && height > 0.0 {
            width * height
        } else {
            0.0
        }
    }

    /// Intersection over union, 0 to 1.
    pub fn overlap(&self, other: &Edges) -> f64 {
        let both = self.intersection(other);
        if both > 0.0 {
            both / (self.area() + other.area() - both)
        } else {
            0.0
        }
    }
}

/// An object of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// Class, a number into the data set's names.
    pub class: usize,
    /// Where.
    pub edges: Edges,
    /// Square pixels, of the outline where the set has one; COCO's small, medium and large.
    pub area: f64,
    /// Neither to be found nor wrong to find: VOC's difficult, COCO's crowds.
    pub ignored: bool,
    /// A box around many objects (COCO's `iscrowd`): any number of detections may lie in it.
    pub crowd: bool,
}

impl Object {
    /// An object to be found.
    pub fn new(class: usize, edges: Edges) -> Object {
        Object {
            class,
            edges,
            area: edges.area(),
            ignored: false,
            crowd: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps() {
        let a = Edges::new([0.0, 0.0, 10.0, 10.0]);
        let cases = [
            ([0.0, 0.0, 10.0, 10.0], 1.0),
            ([5.0, 0.0, 15.0, 10.0], 50.0 / 150.0),
            ([10.0, 0.0, 20.0, 10.0], 0.0),
            ([2.0, 2.0, 4.0, 7.0], 0.1),
            ([9.0, 9.0, 8.0, 8.0], 0.0),
        ];
        for (edges, expected) in cases {
            assert!(
                (a.overlap(&Edges::new(edges)) - expected).abs() < 1e-12,
                "{edges:?}"
            );
        }
    }

    #[test]
    fn unsound_rectangles() {
        assert!(Edges::sound([0.0, 0.0, 1.0, 1.0]).is_some());
        assert!(Edges::sound([0.0, 0.0, 0.0, 1.0]).is_none());
        assert!(Edges::sound([0.0, f64::NAN, 1.0, 1.0]).is_none());
        assert!(Edges::sound([f64::NEG_INFINITY, 0.0, 1.0, 1.0]).is_none());
    }
}
