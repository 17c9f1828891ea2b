//! The field of a chart: grid, curves, and labels that keep out of each other's way.

use super::axis::{Axis, short};
use super::{Anchor, Figure, Rgb};
use tincy_vision::font;

pub(crate) const INK: Rgb = [34, 34, 34];
pub(crate) const FAINT: Rgb = [110, 110, 110];
pub(crate) const GRID: Rgb = [224, 224, 224];
pub(crate) const COLOURS: [Rgb; 8] = [
    [31, 119, 180],
    [214, 96, 20],
    [44, 140, 60],
    [190, 40, 60],
    [120, 80, 170],
    [120, 90, 60],
    [200, 90, 170],
    [70, 70, 70],
];

/// Left, top, right, bottom of something drawn.
type Extent = [f64; 4];

/// A figure with a field whose places are parts of its width and height, from the lower left.
pub(crate) struct Field {
    pub(crate) figure: Figure,
    pub(crate) edges: Extent,
    taken: Vec<Extent>,
}

impl Field {
    /// A field that ends `right` pixels from the left edge of the figure.
    pub(crate) fn new(title: &str, subtitle: &str, right: f64) -> Field {
        let mut figure = Figure {
            width: 960.0,
            height: 640.0,
            marks: Vec::new(),
        };
        let edges = [84.0, 84.0, right, 540.0];
        let [left, ..] = edges;
        figure.text([left, 36.0], title, 20.0, Anchor::Start, INK);
        figure.text([left, 60.0], subtitle, 13.0, Anchor::Start, FAINT);
        Field {
            figure,
            edges,
            taken: Vec::new(),
        }
    }

    /// The pixel of a place.
    pub(crate) fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, right, bottom] = self.edges;
        [left + x * (right - left), bottom - y * (bottom - top)]
    }

    /// Lines and numbers of the vertical axis, and its name.
    pub(crate) fn rows(&mut self, axis: &Axis, name: &str) {
        for (value, labelled) in axis.ticks() {
            let [[left, y], right] = [0.0, 1.0].map(|x| self.at([x, axis.part(value)]));
            self.figure.line([[left, y], right], GRID, 1.0);
            if labelled {
                let at = [left - 9.0, y + 4.5];
                self.figure.text(at, short(value), 13.0, Anchor::End, INK);
            }
        }
        let [_, middle] = self.at([0.0, 0.5]);
        self.figure.text_upwards([24.0, middle], name, 14.0, INK);
    }

    /// Lines and numbers of the horizontal axis, and its name.
    pub(crate) fn columns(&mut self, axis: &Axis, name: &str) {
        for (value, labelled) in axis.ticks() {
            let [[x, bottom], top] = [0.0, 1.0].map(|y| self.at([axis.part(value), y]));
            self.figure.line([[x, bottom], top], GRID, 1.0);
            if labelled {
                let at = [x, bottom + 22.0];
                self.figure
                    .text(at, short(value), 13.0, Anchor::Middle, INK);
            }
        }
        self.name_columns(name, 50.0);
    }

    /// The name of the horizontal axis, so many pixels below it.
    pub(crate) fn name_columns(&mut self, name: &str, below: f64) {
        let [middle, bottom] = self.at([0.5, 0.0]);
        let at = [middle, bottom + below];
        self.figure.text(at, name, 14.0, Anchor::Middle, INK);
    }

    /// A line through places, which labels keep off.
    pub(crate) fn curve(&mut self, places: &[[f64; 2]], colour: Rgb, width: f64) {
        let points: Vec<_> = places.iter().map(|place| self.at(*place)).collect();
        for pair in points.windows(2) {
            let steps = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]) / 4.0;
            for step in 0..=steps as u32 {
                let part = f64::from(step) / steps.max(1.0);
                let along = |i: usize| pair[0][i] + part * (pair[1][i] - pair[0][i]);
                let [x, y] = [along(0), along(1)];
                self.taken
                    .push([x - width, y - width, x + width, y + width]);
            }
        }
        self.figure.line(points, colour, width);
    }

    /// A round dot.
    pub(crate) fn dot(&mut self, place: [f64; 2], colour: Rgb, size: f64) {
        let [x, y] = self.at(place);
        // Lines have round ends, so one of hardly any length is a dot.
        let dot = [[x - 0.01, y], [x + 0.01, y]];
        self.figure.line(dot, colour, size);
        let half = size / 2.0;
        self.taken.push([x - half, y - half, x + half, y + half]);
    }

    /// A text beside a place, where nothing else stands: right or left of it, above or below, else
    /// further away with a line to it.
    pub(crate) fn label(&mut self, place: [f64; 2], text: &str, colour: Rgb) {
        const SIZE: f64 = 13.0;
        let [x, y] = self.at(place);
        // Letters of strokes, which pictures of pixels have, are the wider ones.
        let width = font::width(text) as f64 * SIZE / font::CAPITALS as f64 * 0.75;
        let offsets = (0..14).flat_map(|step| [-1.0, 1.0].map(|sign| sign * 9.0 * f64::from(step)));
        let lefts = [x + 10.0, x - 10.0 - width, x - width / 2.0];
        let spots = offsets.flat_map(|dy| lefts.map(|left| (left, y + dy)));
        let extent = |(left, y): (f64, f64)| [left - 3.0, y - 8.0, left + width + 3.0, y + 8.0];
        let free = |spot: &(f64, f64)| {
            let [left, top, right, bottom] = extent(*spot);
            let edges = self.edges;
            let inside = left > edges[0] && right < edges[2] && top > edges[1] && bottom < edges[3];
            inside
                && !self
                    .taken
                    .iter()
                    .any(|other| overlap(other, &extent(*spot)))
        };
        let (left, middle) = spots.into_iter().find(free).unwrap_or((x + 10.0, y));
        self.taken.push(extent((left, middle)));
        if (middle - y).abs() > 20.0 {
            let near = [
                x.clamp(left, left + width),
                middle + 9.0 * (y - middle).signum(),
            ];
            self.figure.line([[x, y], near], colour, 0.8);
        }
        let at = [left, middle + 4.5];
        self.figure.text(at, text, SIZE, Anchor::Start, colour);
    }
}

fn overlap(a: &Extent, b: &Extent) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Mark;

    #[test]
    fn labels_of_one_place_stand_apart() {
        let mut field = Field::new("", "", 800.0);
        for name in ["conv1", "conv2", "conv3", "conv4", "conv5", "conv6"] {
            field.dot([0.5, 0.5], INK, 8.0);
            field.label([0.5, 0.5], name, INK);
        }
        let places = field.figure.marks.iter().filter_map(|mark| match mark {
            Mark::Text { at, text, .. } if text.starts_with("conv") => Some(*at),
            _ => None,
        });
        let places: Vec<[f64; 2]> = places.collect();
        assert_eq!(places.len(), 6);
        for (i, a) in places.iter().enumerate() {
            for b in &places[..i] {
                assert!(
                    (a[0] - b[0]).abs() > 40.0 || (a[1] - b[1]).abs() > 12.0,
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
