//! Levels as dots: their rate over accuracy, or over bytes.

use super::counted;
use super::levels::Report;
use crate::plot::Figure;
use crate::plot::axis::Axis;
use crate::plot::field::{COLOURS, Field};

/// The chart of a report.
pub(super) fn chart(report: &Report) -> Figure {
    let levels = &report.levels;
    let with_accuracy = levels.iter().any(|level| level.accuracy.is_some());
    let title = format!("{}: quantization levels", report.model);
    let threads = counted(report.threads, "thread");
    let subtitle = format!("{}, {threads}; pixels to boxes", report.cpu);
    let mut field = Field::new(&title, &subtitle, 930.0);
    let rates = Axis::over(levels.iter().map(|level| level.fps));
    let accuracy = |i: usize| levels[i].accuracy.unwrap_or(0.0);
    let (columns, name) = match with_accuracy {
        true => (
            Axis::tenths((0..levels.len()).map(accuracy).fold(0.0, f64::max)),
            "mean average precision",
        ),
        false => (
            Axis::over(levels.iter().map(|level| level.bytes as f64)),
            "bytes of the model file",
        ),
    };
    field.columns(&columns, name);
    field.rows(&rates, "frames a second");
    let place = |i: usize| {
        let x = match with_accuracy {
            true => accuracy(i),
            false => levels[i].bytes as f64,
        };
        [columns.part(x), rates.part(levels[i].fps)]
    };
    // Levels of one kind of weights have one colour.
    let mut kinds: Vec<&str> = Vec::new();
    let colours: Vec<_> = levels
        .iter()
        .map(|level| {
            let kind = level.level.split('a').next().unwrap_or_default();
            let known = kinds.iter().position(|known| *known == kind);
            let at = known.unwrap_or_else(|| {
                kinds.push(kind);
                kinds.len() - 1
            });
            COLOURS[at % COLOURS.len()]
        })
        .collect();
    for (i, colour) in colours.iter().enumerate() {
        field.dot(place(i), *colour, 9.0);
    }
    for (i, colour) in colours.iter().enumerate() {
        let text = format!("{}: {:.0}", levels[i].level, levels[i].fps);
        field.label(place(i), &text, *colour);
    }
    field.figure
}
