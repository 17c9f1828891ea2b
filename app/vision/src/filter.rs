//! Which of the boxes that a network gives are wanted.

use crate::decode::{Map, decode};
use crate::nms::suppress;
use crate::{Detection, Error, Fitting, Rect};

/// Which boxes are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Scores must be above it.
    pub threshold: f32,
    /// Thresholds of single classes instead, by class number; it may be shorter than the classes.
    pub per_class: Vec<Option<f32>>,
    /// The only classes wanted, by number; `None` for all.
    pub classes: Option<Vec<usize>>,
    /// Of two boxes of a class that overlap by more (intersection over union) the weaker is
    /// dropped. It is measured in the network's square, before clipping.
    pub nms: f32,
    /// Cut boxes at the picture's edges and drop those that lie outside; scores of accuracy that
    /// are defined on uncut boxes turn it off.
    pub clip: bool,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter {
            threshold: 0.25,
            per_class: Vec::new(),
            classes: None,
            nms: 0.45,
            clip: true,
        }
    }
}

impl Filter {
    /// The threshold of a class; infinite where it is not wanted.
    pub fn threshold_of(&self, class: usize) -> f32 {
        match &self.classes {
            Some(wanted) if !wanted.contains(&class) => f32::INFINITY,
            _ => match self.per_class.get(class) {
                Some(Some(threshold)) => *threshold,
                _ => self.threshold,
            },
        }
    }
}

/// The objects that a network's outputs show, best first, in pixels of the picture that `fitting`
/// made into its input.
///
/// # Errors
/// If a map does not fit its head.
pub fn detections(
    maps: &[Map],
    fitting: &Fitting,
    filter: &Filter,
) -> Result<Vec<Detection>, Error> {
    let mut candidates = Vec::new();
    for map in maps {
        let thresholds: Vec<f32> = (0..map.head.classes)
            .map(|class| filter.threshold_of(class))
            .collect();
        decode(*map, fitting.input().shape, &thresholds, &mut candidates)?;
    }
    let (width, height) = fitting.size();
    let picture = Rect {
        left: 0.0,
        top: 0.0,
        right: width as f32,
        bottom: height as f32,
    };
    let found = suppress(candidates, filter.nms)
        .into_iter()
        .map(|candidate| Detection {
            class: candidate.class,
            score: candidate.score,
            rect: fitting.to_picture(candidate.rect),
        });
    if !filter.clip {
        return Ok(found.collect());
    }
    let cut = found.map(|detection| Detection {
        rect: detection.rect.intersection(&picture),
        ..detection
    });
    Ok(cut
        .filter(|detection| detection.rect.area() > 0.0)
        .collect())
}
