//! The figures of a whole evaluation, and how they are shown.

use super::Curve;
use crate::columns::{Align, Columns, shorten};
use serde::Serialize;
use std::fmt;

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
    pub(super) fn new(classes: Vec<ClassScore>, pictures: usize) -> Report {
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

/// A table, a line a class, the means last.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = ["objects", "ignored", "found", "area", "11-point", ".5:.95"];
        let headings: Vec<_> = numbers.map(|heading| (heading, Align::Right)).into();
        let mut table = Columns::new(&[&[("class", Align::Left)], &headings[..]].concat());
        for class in &self.classes {
            let counts = [class.objects, class.ignored, class.found];
            let figures = [class.area, class.eleven_point, class.coco.mean];
            table.row(row(shorten(&class.name, 40), counts, figures));
        }
        let with_objects = self
            .classes
            .iter()
            .filter(|class| class.objects > 0)
            .count();
        let all = if with_objects == 1 {
            "1 class".into()
        } else {
            format!("{with_objects} classes")
        };
        let counts = [self.objects, self.ignored, self.found];
        table.row(row(
            all,
            counts,
            [self.area, self.eleven_point, self.coco.mean],
        ));
        write!(f, "{table}\n\n{}", self.coco)
    }
}

fn row(name: String, counts: [usize; 3], figures: [f64; 3]) -> Vec<String> {
    let figures = figures.map(|figure| match counts[0] {
        0 => "-".to_string(),
        _ => format!("{figure:.4}"),
    });
    let counts = counts.map(|count| count.to_string());
    [name].into_iter().chain(counts).chain(figures).collect()
}

impl fmt::Display for CocoScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "COCO: .5:.95 {:.4}, .5 {:.4}, .75 {:.4}",
            self.mean, self.at_half, self.at_three_quarters
        )?;
        let sizes = [
            ("small", self.small),
            ("medium", self.medium),
            ("large", self.large),
        ];
        for (name, figure) in sizes {
            match figure {
                Some(figure) => write!(f, ", {name} {figure:.4}")?,
                None => write!(f, ", {name} -")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let class = |name: &str, objects, area| ClassScore {
            name: name.into(),
            objects,
            ignored: 1,
            found: 20,
            area,
            eleven_point: area / 2.0,
            coco: CocoScore {
                mean: area / 4.0,
                large: Some(area),
                ..CocoScore::default()
            },
            curve: Curve::default(),
        };
        let classes = vec![
            class("cat", 3, 0.5),
            class("nothing", 0, 0.0),
            class("dog", 1, 0.25),
        ];
        let report = Report::new(classes, 7).to_string();
        let expected = "\
class      objects  ignored  found    area  11-point  .5:.95
cat              3        1     20  0.5000    0.2500  0.1250
nothing          0        1     20       -         -       -
dog              1        1     20  0.2500    0.1250  0.0625
2 classes        4        3     60  0.3750    0.1875  0.0938

COCO: .5:.95 0.0938, .5 0.0000, .75 0.0000, small -, medium -, large 0.3750";
        assert_eq!(report, expected, "{report}");
    }
}
