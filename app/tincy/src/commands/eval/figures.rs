//! The figures of an evaluation as people read them.

use crate::columns::{Align, Columns, shorten};
use std::fmt;
use tincy_dataset::score::{CocoScore, Report};

/// A table, a line a class, the means last; then COCO's figures.
pub(super) struct Figures<'a>(pub(super) &'a Report);

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures(report) = self;
        let numbers = ["objects", "ignored", "found", "area", "11-point", ".5:.95"];
        let headings: Vec<_> = numbers.map(|heading| (heading, Align::Right)).into();
        let mut table = Columns::new(&[&[("class", Align::Left)], &headings[..]].concat());
        for class in &report.classes {
            let counts = [class.objects, class.ignored, class.found];
            let figures = [class.area, class.eleven_point, class.coco.mean];
            table.row(row(shorten(&class.name, 40), counts, figures));
        }
        let with_objects = report
            .classes
            .iter()
            .filter(|class| class.objects > 0)
            .count();
        let all = if with_objects == 1 {
            "1 class".into()
        } else {
            format!("{with_objects} classes")
        };
        let counts = [report.objects, report.ignored, report.found];
        table.row(row(
            all,
            counts,
            [report.area, report.eleven_point, report.coco.mean],
        ));
        write!(f, "{table}\n\n")?;
        write_coco(f, &report.coco)
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

fn write_coco(f: &mut fmt::Formatter<'_>, coco: &CocoScore) -> fmt::Result {
    write!(
        f,
        "COCO: .5:.95 {:.4}, .5 {:.4}, .75 {:.4}",
        coco.mean, coco.at_half, coco.at_three_quarters
    )?;
    let sizes = [
        ("small", coco.small),
        ("medium", coco.medium),
        ("large", coco.large),
    ];
    for (name, figure) in sizes {
        match figure {
            Some(figure) => write!(f, ", {name} {figure:.4}")?,
            None => write!(f, ", {name} -")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_dataset::score::{ClassScore, Curve};

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
        let report = Figures(&Report::new(classes, 7)).to_string();
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
