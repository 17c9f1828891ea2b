//! Precision over recall, and the ways to make one number of it.

/// A precision-recall curve: one point a detection that counts, the best score first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Part of the objects that were found so far; never falls.
    pub recall: Vec<f64>,
    /// Part of the detections so far that are hits.
    pub precision: Vec<f64>,
}

impl Curve {
    /// The curve of `hits` (whether a detection is one, the best score first) on `objects` objects.
    pub fn new(hits: impl IntoIterator<Item = bool>, objects: usize) -> Curve {
        let mut curve = Curve::default();
        let mut found = 0;
        for (before, hit) in hits.into_iter().enumerate() {
            found += usize::from(hit);
            curve.recall.push(found as f64 / objects.max(1) as f64);
            curve.precision.push(found as f64 / (before + 1) as f64);
        }
        curve
    }

    /// VOC's average precision since 2010: the area under the curve, once every precision is the
    /// best at its recall or a larger one.
    pub fn area(&self) -> f64 {
        let envelope = self.envelope();
        let mut before = 0.0;
        let steps = self
            .recall
            .iter()
            .zip(&envelope)
            .map(|(recall, precision)| {
                let step = recall - before;
                before = *recall;
                step * precision
            });
        steps.sum()
    }

    /// VOC 2007's: the mean of the best precision from each of the recalls 0, 0.1, ... 1 on.
    pub fn eleven_point(&self) -> f64 {
        // 0.1 in floats, as in the development kit: at 3 * 0.1 a recall of exactly 0.3 falls short.
        self.mean_at(10, 0.1)
    }

    /// COCO's: the mean of the best precision from each of the recalls 0, 0.01, ... 1 on.
    pub fn hundred_point(&self) -> f64 {
        self.mean_at(100, 0.01)
    }

    /// The mean of the best precision from each of the recalls 0, step, 2 step, ... on.
    fn mean_at(&self, steps: u32, step: f64) -> f64 {
        let envelope = self.envelope();
        let best = |i: u32| {
            let recall = f64::from(i) * step;
            let first = self.recall.partition_point(|reached| *reached < recall);
            envelope.get(first).copied().unwrap_or(0.0)
        };
        (0..=steps).map(best).sum::<f64>() / f64::from(steps + 1)
    }

    /// The best precision at each point or a later one.
    pub fn envelope(&self) -> Vec<f64> {
        let mut envelope = self.precision.clone();
        for i in (1..envelope.len()).rev() {
            envelope[i - 1] = envelope[i - 1].max(envelope[i]);
        }
        envelope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        hits: &'static [bool],
        objects: usize,
        area: f64,
        eleven: f64,
        hundred: f64,
    }

    /// Worked out by hand.
    const CASES: [Case; 5] = [
        Case {
            hits: &[],
            objects: 3,
            area: 0.0,
            eleven: 0.0,
            hundred: 0.0,
        },
        Case {
            hits: &[true, true],
            objects: 2,
            area: 1.0,
            eleven: 1.0,
            hundred: 1.0,
        },
        Case {
            hits: &[false, false],
            objects: 2,
            area: 0.0,
            eleven: 0.0,
            hundred: 0.0,
        },
        // Recalls 1/2, 1/2, 1; precisions 1, 1/2, 2/3. From 0 to 0.5 (6 of 11, 51 of 101) 1, then 2/3.
        Case {
            hits: &[true, false, true],
            objects: 2,
            area: 0.5 + 0.5 * 2.0 / 3.0,
            eleven: (6.0 + 5.0 * 2.0 / 3.0) / 11.0,
            hundred: (51.0 + 50.0 * 2.0 / 3.0) / 101.0,
        },
        // Recall ends at 1/4: precision 1/2 at recalls 0, 0.1, 0.2 and at 0 to 0.25.
        Case {
            hits: &[false, true, false],
            objects: 4,
            area: 0.125,
            eleven: 1.5 / 11.0,
            hundred: 13.0 / 101.0,
        },
    ];

    #[test]
    fn averages() {
        for case in CASES {
            let curve = Curve::new(case.hits.iter().copied(), case.objects);
            let close = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
            assert!(
                close(curve.area(), case.area),
                "{:?}: {}",
                case.hits,
                curve.area()
            );
            assert!(close(curve.eleven_point(), case.eleven), "{:?}", case.hits);
            assert!(
                close(curve.hundred_point(), case.hundred),
                "{:?}",
                case.hits
            );
        }
    }

    #[test]
    fn the_precision_that_counts_is_the_best_from_there_on() {
        let curve = Curve::new([false, true, true, false], 2);
        assert_eq!(curve.envelope(), [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 0.5]);
    }
}
