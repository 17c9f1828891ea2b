//! The figures of a whole evaluation.

use super::Curve;
use serde::Serialize;

/// The figures of one class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassScore {
    /// Name, as the data set has it.
    pub name: String,
    /// Objects to be found.
    pub objects: usize,
    /// Objects that do not count.
    pub ignored: usize,
    /// Detections.
    pub found: usize,
    /// Area under the curve.
    pub area: f64,
    /// VOC 2007's 11-point average.
    pub eleven_point: f64,
    /// COCO's figures.
    pub coco: CocoScore,
    /// The curve itself, at overlap 0.5.
    #[serde(skip)]
    pub curve: Curve,
}

/// COCO's average precisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CocoScore {
    /// Mean over the overlaps .5, .55, ... .95.
    pub mean: f64,
    /// At overlap 0.5.
    pub at_half: f64,
    /// At overlap 0.75.
    pub at_three_quarters: f64,
    /// Of objects below 32 x 32 pixels; `None` if there is none.
    pub small: Option<f64>,
    /// Of objects from 32 x 32 to 96 x 96 pixels.
    pub medium: Option<f64>,
    /// Of objects above 96 x 96 pixels.
    pub large: Option<f64>,
}

/// The figures of all classes together. Averages are over the classes with objects to be found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Pictures.
    pub pictures: usize,
    /// Objects to be found.
    pub objects: usize,
    /// Objects that do not count.
    pub ignored: usize,
    /// Detections.
    pub found: usize,
    /// Mean area under the curve.
    pub area: f64,
    /// Mean of VOC 2007's 11-point averages.
    pub eleven_point: f64,
    /// Means of COCO's figures.
    pub coco: CocoScore,
    /// The classes, in the data set's order.
    pub classes: Vec<ClassScore>,
}

impl Report {
    /// The figures of these classes together.
    pub fn new(classes: Vec<ClassScore>, pictures: usize) -> Report {
        let mean = |figure: &dyn Fn(&ClassScore) -> Option<f64>| {
            let with_objects = classes.iter().filter(|class| class.objects > 0);
            let figures: Vec<f64> = with_objects.filter_map(figure).collect();
            (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
        };
        let always =
            |figure: fn(&ClassScore) -> f64| mean(&|class| Some(figure(class))).unwrap_or(0.0);
        Report {
            pictures,
            objects: classes.iter().map(|class| class.objects).sum(),
            ignored: classes.iter().map(|class| class.ignored).sum(),
            found: classes.iter().map(|class| class.found).sum(),
            area: always(|class| class.area),
            eleven_point: always(|class| class.eleven_point),
            coco: CocoScore {
                mean: always(|class| class.coco.mean),
                at_half: always(|class| class.coco.at_half),
                at_three_quarters: always(|class| class.coco.at_three_quarters),
                small: mean(&|class| class.coco.small),
                medium: mean(&|class| class.coco.medium),
                large: mean(&|class| class.coco.large),
            },
            classes,
        }
    }
}
