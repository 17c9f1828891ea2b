//! Precision over recall, a curve a class and their mean.

use super::{Anchor, Figure, Rgb};
use crate::columns::shorten;
use tincy_dataset::score::{ClassScore, Curve, Report};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 640.0;

/// Edges of the field that the curves lie in: left, top, right, bottom.
const FIELD: [f64; 4] = [72.0, 76.0, 700.0, 576.0];

/// Classes in the legend; those beyond are drawn in grey.
const MOST_NAMED: usize = 24;

const INK: Rgb = [34, 34, 34];
const FAINT: Rgb = [110, 110, 110];
const GRID: Rgb = [228, 228, 228];
const OTHERS: Rgb = [205, 205, 205];

/// The plot of a report. The curves are those that the area is measured under: at each recall the
/// best precision at that recall or a larger one.
pub fn precision_recall(report: &Report, title: &str, subtitle: &str) -> Figure {
    let mut figure = Figure {
        width: WIDTH,
        height: HEIGHT,
        marks: Vec::new(),
    };
    figure.text([FIELD[0], 34.0], title, 20.0, Anchor::Start, INK);
    figure.text([FIELD[0], 56.0], subtitle, 13.0, Anchor::Start, FAINT);
    axes(&mut figure);
    let mut classes: Vec<&ClassScore> = report
        .classes
        .iter()
        .filter(|class| class.objects > 0)
        .collect();
    classes.sort_by(|a, b| b.area.total_cmp(&a.area));
    for (place, class) in classes.iter().enumerate().rev() {
        let points = steps(&class.curve);
        figure.line(points, colour(place, classes.len()), 1.4);
    }
    figure.line(mean(&classes), INK, 3.0);
    legend(&mut figure, &classes, report);
    figure
}

/// A point of the field.
fn place(recall: f64, precision: f64) -> [f64; 2] {
    let [left, top, right, bottom] = FIELD;
    [
        left + recall * (right - left),
        bottom - precision * (bottom - top),
    ]
}

fn axes(figure: &mut Figure) {
    for tenth in 0..=10 {
        let part = f64::from(tenth) / 10.0;
        let colour = if tenth == 0 { FAINT } else { GRID };
        figure.line([place(part, 0.0), place(part, 1.0)], colour, 1.0);
        figure.line([place(0.0, part), place(1.0, part)], colour, 1.0);
        if tenth % 2 == 0 {
            let [x, y] = place(part, 0.0);
            figure.text(
                [x, y + 20.0],
                format!("{part:.1}"),
                13.0,
                Anchor::Middle,
                INK,
            );
            let [x, y] = place(0.0, part);
            figure.text(
                [x - 10.0, y + 4.5],
                format!("{part:.1}"),
                13.0,
                Anchor::End,
                INK,
            );
        }
    }
    let [x, y] = place(0.5, 0.0);
    figure.text([x, y + 46.0], "recall", 15.0, Anchor::Middle, INK);
    let [x, y] = place(0.0, 0.5);
    figure.text_upwards([x - 46.0, y], "precision", 15.0, INK);
}

/// The envelope of a curve as a line of steps.
fn steps(curve: &Curve) -> Vec<[f64; 2]> {
    let (mut points, mut recall) = (Vec::<[f64; 2]>::new(), 0.0);
    let mut height = None;
    for (reached, precision) in curve.recall.iter().zip(curve.envelope()) {
        if *reached == recall && height.is_some() {
            continue;
        }
        if height != Some(precision) {
            points.push(place(recall, precision));
        }
        points.push(place(*reached, precision));
        (recall, height) = (*reached, Some(precision));
    }
    if height.is_some() {
        points.push(place(recall, 0.0));
    }
    points
}

/// The mean of the classes' envelopes, at 201 recalls.
fn mean(classes: &[&ClassScore]) -> Vec<[f64; 2]> {
    let envelopes: Vec<_> = classes
        .iter()
        .map(|class| (&class.curve, class.curve.envelope()))
        .collect();
    let at = |recall: f64| {
        let precisions = envelopes.iter().map(|(curve, envelope)| {
            let first = curve.recall.partition_point(|reached| *reached < recall);
            envelope.get(first).copied().unwrap_or(0.0)
        });
        precisions.sum::<f64>() / envelopes.len().max(1) as f64
    };
    let recalls = (0..=200).map(|i| f64::from(i) / 200.0);
    recalls.map(|recall| place(recall, at(recall))).collect()
}

fn legend(figure: &mut Figure, classes: &[&ClassScore], report: &Report) {
    let (left, right) = (FIELD[2] + 24.0, WIDTH - 20.0);
    let mut row = FIELD[1] + 10.0;
    let heading = [right, FIELD[1] - 10.0];
    figure.text(heading, "area", 13.0, Anchor::End, FAINT);
    let mut entry = |figure: &mut Figure, name: &str, area: f64, colour: Rgb, width: f64| {
        figure.line([[left, row - 4.5], [left + 24.0, row - 4.5]], colour, width);
        figure.text(
            [left + 34.0, row],
            shorten(name, 20),
            13.0,
            Anchor::Start,
            INK,
        );
        figure.text([right, row], format!("{area:.3}"), 13.0, Anchor::End, INK);
        row += 19.0;
    };
    let all = if classes.len() == 1 {
        "1 class".into()
    } else {
        format!("mean of {} classes", classes.len())
    };
    entry(figure, &all, report.area, INK, 3.0);
    for (place, class) in classes.iter().enumerate().take(MOST_NAMED) {
        entry(
            figure,
            &class.name,
            class.area,
            colour(place, classes.len()),
            2.5,
        );
    }
    if let Some(others) = classes
        .len()
        .checked_sub(MOST_NAMED)
        .filter(|others| *others > 0)
    {
        let rest = &classes[MOST_NAMED..];
        let mean = rest.iter().map(|class| class.area).sum::<f64>() / others as f64;
        entry(figure, &format!("{others} more, mean"), mean, OTHERS, 2.5);
    }
}

/// The colour of the class at a place of the ranking: round the colour circle, every second one
/// darker, so that neighbours in the legend differ.
fn colour(place: usize, classes: usize) -> Rgb {
    if place >= MOST_NAMED {
        return OTHERS;
    }
    let hue = place as f64 / classes.min(MOST_NAMED) as f64;
    let (saturation, lightness) = if place.is_multiple_of(2) {
        (0.75, 0.50)
    } else {
        (0.65, 0.36)
    };
    let reach = saturation * f64::min(lightness, 1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let k = (offset + 12.0 * hue) % 12.0;
        let level = lightness - reach * f64::max(-1.0, f64::min(k - 3.0, f64::min(9.0 - k, 1.0)));
        (255.0 * level).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_envelope() {
        let curve = Curve::new([true, false, true, false], 4);
        let expected = [
            place(0.0, 1.0),
            place(0.25, 1.0),
            place(0.25, 2.0 / 3.0),
            place(0.5, 2.0 / 3.0),
            place(0.5, 0.0),
        ];
        let found = steps(&curve);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found[0] - expected[0]).abs() + (found[1] - expected[1]).abs() < 1e-9);
        }
        assert!(steps(&Curve::default()).is_empty());
    }

    #[test]
    fn colours_of_neighbours_differ() {
        for place in 1..20 {
            let (a, b) = (colour(place - 1, 20), colour(place, 20));
            let distance: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
            assert!(distance > 40, "{place}: {a:?} {b:?}");
        }
        assert_eq!(colour(0, 3), [223, 32, 32]);
    }
}
