//! Intersection over union of two boxes, and how it changes with the first.

use std::cmp::Ordering;

/// Keeps two boxes without area from dividing by zero.
const LEAST: f32 = 1e-12;

/// Intersection over union of boxes `left, top, right, bottom`.
pub(super) fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    let both = width.max(0.0) * height.max(0.0);
    both / (area(a) + area(b) - both + LEAST)
}

/// The overlap, and its slopes by the four edges of `a`; they are 0 where nothing overlaps.
pub(super) fn overlap_slopes(a: &[f32; 4], b: &[f32; 4]) -> (f32, [f32; 4]) {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    if width <= 0.0 || height <= 0.0 {
        return (0.0, [0.0; 4]);
    }
    let both = width * height;
    let union = area(a) + area(b) - both + LEAST;
    let by_both = [
        -height * inner(a[0], b[0]),
        -width * inner(a[1], b[1]),
        height * inner(b[2], a[2]),
        width * inner(b[3], a[3]),
    ];
    let (own_width, own_height) = (a[2] - a[0], a[3] - a[1]);
    let by_area = [-own_height, -own_width, own_height, own_width];
    let slopes = [0, 1, 2, 3].map(|edge| {
        let by_union = by_area[edge] - by_both[edge];
        (by_both[edge] * union - both * by_union) / (union * union)
    });
    (both / union, slopes)
}

/// How far edge `a` is what bounds the intersection; half where both do, so that a perfect box is
/// not pulled anywhere.
fn inner(a: f32, b: f32) -> f32 {
    match a.partial_cmp(&b) {
        Some(Ordering::Greater) => 1.0,
        Some(Ordering::Equal) => 0.5,
        _ => 0.0,
    }
}

fn area(edges: &[f32; 4]) -> f32 {
    (edges[2] - edges[0]) * (edges[3] - edges[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_and_slopes() {
        let b = [0.2, 0.1, 0.7, 0.6];
        let cases = [
            [0.3, 0.2, 0.6, 0.5],
            [0.1, 0.0, 0.8, 0.7],
            [0.1, 0.2, 0.5, 0.8],
            [0.3, 0.0, 0.9, 0.5],
        ];
        for a in cases {
            let (value, slopes) = overlap_slopes(&a, &b);
            assert_eq!(value, overlap(&a, &b));
            for edge in 0..4 {
                let at = |step: f32| {
                    let mut moved = a;
                    moved[edge] += step;
                    f64::from(overlap(&moved, &b))
                };
                let expected = (at(0.01) - at(-0.01)) / 0.02;
                assert!(
                    (f64::from(slopes[edge]) - expected).abs() < 5e-3,
                    "{a:?} {edge}"
                );
            }
        }
        assert!((overlap(&[0.0, 0.0, 0.2, 0.1], &[0.1, 0.0, 0.3, 0.1]) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(overlap(&[0.0; 4], &[0.0; 4]), 0.0);
        assert_eq!(overlap_slopes(&[0.0, 0.0, 0.1, 0.1], &b), (0.0, [0.0; 4]));
        assert!(
            overlap_slopes(&b, &b)
                .1
                .iter()
                .all(|slope| slope.abs() < 1e-5)
        );
    }
}
