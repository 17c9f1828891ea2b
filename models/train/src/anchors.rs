//! Anchors for a set of boxes: k-means with `1 - overlap` as the distance (Redmon and Farhadi,
//! CVPR 2017).

use crate::augment::Chance;

/// Rounds after which it stops in any case; a few dozen are usual.
const MOST_ROUNDS: usize = 300;

/// Anchors, and how well they do.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchors {
    /// Width and height, in the boxes' unit, the smallest area first.
    pub sizes: Vec<[f32; 2]>,
    /// Mean over the boxes of the overlap with their best anchor.
    pub mean_overlap: f64,
}

/// Finds `count` anchors for boxes of these widths and heights; fewer if there are fewer boxes.
pub fn cluster(boxes: &[[f32; 2]], count: usize, seed: u64) -> Anchors {
    let mut sizes = first(boxes, count.min(boxes.len()), seed);
    let mut owners = vec![usize::MAX; boxes.len()];
    for _ in 0..MOST_ROUNDS {
        let nearest: Vec<usize> = boxes.iter().map(|size| best(size, &sizes).0).collect();
        if nearest == owners {
            break;
        }
        owners = nearest;
        for (number, size) in sizes.iter_mut().enumerate() {
            let own = boxes
                .iter()
                .zip(&owners)
                .filter(|(_, owner)| **owner == number);
            if let Some(mean) = mean(own.map(|(size, _)| *size)) {
                *size = mean;
            }
        }
    }
    sizes.sort_by(|a, b| (a[0] * a[1]).total_cmp(&(b[0] * b[1])));
    let overlaps = boxes.iter().map(|size| f64::from(best(size, &sizes).1));
    Anchors {
        mean_overlap: overlaps.sum::<f64>() / boxes.len().max(1) as f64,
        sizes,
    }
}

/// Boxes far from each other to start with: each next one by chance, the likelier the less the
/// ones before overlap it (k-means++).
fn first(boxes: &[[f32; 2]], count: usize, seed: u64) -> Vec<[f32; 2]> {
    let mut chance = Chance::new(seed, 0, 0);
    let mut sizes: Vec<[f32; 2]> = Vec::new();
    while sizes.len() < count {
        let distance = |size| match sizes.is_empty() {
            true => 1.0,
            false => f64::from(1.0 - best(size, &sizes).1).powi(2),
        };
        let distances: Vec<f64> = boxes.iter().map(distance).collect();
        let mut left = chance.between(0.0, distances.iter().sum());
        let found = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        sizes.push(boxes[found.unwrap_or_else(|| chance.below(boxes.len()))]);
    }
    sizes
}

/// The anchor that overlaps a box most when both are centred, and by how much.
fn best(size: &[f32; 2], anchors: &[[f32; 2]]) -> (usize, f32) {
    let mut best = (0, -1.0);
    for (number, anchor) in anchors.iter().enumerate() {
        let both = size[0].min(anchor[0]) * size[1].min(anchor[1]);
        let overlap = both / (size[0] * size[1] + anchor[0] * anchor[1] - both);
        if overlap > best.1 {
            best = (number, overlap);
        }
    }
    best
}

fn mean(sizes: impl Iterator<Item = [f32; 2]>) -> Option<[f32; 2]> {
    let (mut sums, mut count) = ([0.0f64; 2], 0.0);
    for size in sizes {
        sums = [sums[0] + f64::from(size[0]), sums[1] + f64::from(size[1])];
        count += 1.0;
    }
    (count > 0.0).then(|| sums.map(|sum| (sum / count) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_are_found() {
        let mut chance = Chance::new(4, 0, 0);
        let heaps = [[0.1, 0.1], [0.2, 0.6], [0.9, 0.7]];
        let boxes: Vec<[f32; 2]> = (0..300)
            .map(|i| heaps[i % 3].map(|side| side * chance.factor(0.05) as f32))
            .collect();
        for seed in 0..5 {
            let anchors = cluster(&boxes, 3, seed);
            for (found, heap) in anchors.sizes.iter().zip(heaps) {
                assert!(
                    (0..2).all(|i| (found[i] / heap[i] - 1.0).abs() < 0.02),
                    "{found:?}"
                );
            }
            assert!(anchors.mean_overlap > 0.93);
            assert_eq!(cluster(&boxes, 3, seed), anchors);
        }
        assert_eq!(cluster(&boxes[..2], 5, 0).sizes.len(), 2);
        assert!(cluster(&[], 5, 0).sizes.is_empty());
    }
}
