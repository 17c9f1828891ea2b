//! A figure as pixels, with smooth edges.

use super::{Anchor, Figure, Mark, Rgb};
use anyhow::{Context, Result};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use tincy_vision::font;

/// Pixels a unit of the figure: sharp on screens of today, and when printed.
const SCALE: f64 = 2.0;

/// Height of capitals in a font of size 1, as in the common fonts.
const CAPITAL_HEIGHT: f64 = 0.72;

/// The figure as a PNG file.
pub(super) fn png(figure: &Figure) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let picture = render(figure);
    picture
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .context("PNG")?;
    Ok(bytes)
}

fn render(figure: &Figure) -> RgbImage {
    let mut raster = Raster::new(
        (SCALE * figure.width) as u32,
        (SCALE * figure.height) as u32,
    );
    for mark in &figure.marks {
        match mark {
            Mark::Line {
                points,
                colour,
                width,
            } => {
                let segments = points.windows(2).map(|pair| [pair[0], pair[1]].map(scaled));
                raster.stroke(segments, SCALE * width, *colour);
            }
            Mark::Text { size, colour, .. } => {
                let width = SCALE * size * CAPITAL_HEIGHT / 6.5;
                raster.stroke(letters(mark).into_iter(), width, *colour);
            }
        }
    }
    raster.picture
}

fn scaled([x, y]: [f64; 2]) -> [f64; 2] {
    [SCALE * x, SCALE * y]
}

/// The strokes of a text.
fn letters(mark: &Mark) -> Vec<[[f64; 2]; 2]> {
    let Mark::Text {
        at,
        text,
        size,
        anchor,
        upwards,
        ..
    } = mark
    else {
        return Vec::new();
    };
    let unit = SCALE * size * CAPITAL_HEIGHT / font::CAPITALS as f64;
    let before = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5,
        Anchor::End => 1.0,
    };
    let shift = before * font::width(text) as f64;
    let [left, base] = scaled(*at);
    let point = |[x, y]: [usize; 2]| {
        let along = unit * (x as f64 - shift);
        let down = unit * (y as f64 - font::CAPITALS as f64);
        if *upwards {
            [left + down, base - along]
        } else {
            [left + along, base + down]
        }
    };
    font::segments(text)
        .map(|segment| segment.map(point))
        .collect()
}

/// A picture that strokes are laid on.
struct Raster {
    picture: RgbImage,
    /// How much of each pixel the present stroke covers.
    coverage: Vec<f64>,
}

impl Raster {
    fn new(width: u32, height: u32) -> Raster {
        let picture = RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
        Raster {
            picture,
            coverage: vec![0.0; width as usize * height as usize],
        }
    }

    /// Draws segments with a round pen. Where they cross, the colour is laid on once.
    fn stroke(&mut self, segments: impl Iterator<Item = [[f64; 2]; 2]>, width: f64, colour: Rgb) {
        let columns = self.picture.width() as usize;
        let mut touched = Vec::new();
        for [from, to] in segments {
            let reach = width / 2.0 + 1.0;
            let rows = span(from[1], to[1], reach, self.picture.height());
            for y in rows {
                for x in span(from[0], to[0], reach, self.picture.width()) {
                    let away = distance([x as f64 + 0.5, y as f64 + 0.5], from, to);
                    let covered = (width / 2.0 + 0.5 - away).clamp(0.0, 1.0);
                    let pixel = &mut self.coverage[y * columns + x];
                    if covered > *pixel {
                        if *pixel == 0.0 {
                            touched.push([x, y]);
                        }
                        *pixel = covered;
                    }
                }
            }
        }
        for [x, y] in touched {
            let covered = std::mem::take(&mut self.coverage[y * columns + x]);
            let pixel = self.picture.get_pixel_mut(x as u32, y as u32);
            for (sample, colour) in pixel.0.iter_mut().zip(colour) {
                let mixed = f64::from(*sample) * (1.0 - covered) + f64::from(colour) * covered;
                *sample = mixed.round() as u8;
            }
        }
    }
}

/// The pixels from `a` to `b`, whichever comes first, and `reach` around.
fn span(a: f64, b: f64, reach: f64, most: u32) -> std::ops::Range<usize> {
    let first = (a.min(b) - reach).max(0.0) as usize;
    let end = (a.max(b) + reach).clamp(0.0, f64::from(most)) as usize;
    first..end
}

/// From a point to the nearest one of a segment.
fn distance(point: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let minus = |a: [f64; 2], b: [f64; 2]| [a[0] - b[0], a[1] - b[1]];
    let (along, away) = (minus(to, from), minus(point, from));
    let length = along[0] * along[0] + along[1] * along[1];
    let part = if length > 0.0 {
        ((away[0] * along[0] + away[1] * along[1]) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (away[0] - part * along[0]).hypot(away[1] - part * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_width_and_nothing_outside_is_touched() {
        let mut figure = Figure {
            width: 20.0,
            height: 10.0,
            marks: Vec::new(),
        };
        figure.line([[-50.0, 5.0], [80.0, 5.0]], [0; 3], 2.0);
        let picture = render(&figure);
        let column: Vec<u8> = (0..20).map(|y| picture.get_pixel(7, y).0[0]).collect();
        let mut expected = [255; 20];
        expected[8..12].fill(0);
        assert_eq!(column, expected);
    }

    #[test]
    fn distances() {
        let cases = [([3.0, 4.0], 4.0), ([-3.0, 4.0], 5.0), ([12.0, 0.0], 2.0)];
        for (point, expected) in cases {
            assert_eq!(distance(point, [0.0, 0.0], [10.0, 0.0]), expected);
        }
        assert_eq!(distance([3.0, 4.0], [0.0; 2], [0.0; 2]), 5.0);
    }

    #[test]
    fn a_text_lies_where_its_anchor_says() {
        let inked = |anchor, upwards| {
            let mut figure = Figure {
                width: 60.0,
                height: 60.0,
                marks: Vec::new(),
            };
            figure.text([30.0, 30.0], "Hxg", 12.0, anchor, [0; 3]);
            if let (
                Some(Mark::Text {
                    upwards: turned, ..
                }),
                true,
            ) = (figure.marks.first_mut(), upwards)
            {
                *turned = true;
            }
            let picture = render(&figure);
            let dark = picture
                .enumerate_pixels()
                .filter(|(_, _, pixel)| pixel.0[0] < 128);
            dark.fold([u32::MAX, 0, u32::MAX, 0], |[l, r, t, b], (x, y, _)| {
                [l.min(x), r.max(x), t.min(y), b.max(y)]
            })
        };
        let [left, _, top, _] = inked(Anchor::Start, false);
        assert!(
            (58..64).contains(&left) && (38..46).contains(&top),
            "{left} {top}"
        );
        let [_, right, ..] = inked(Anchor::End, false);
        assert!((54..62).contains(&right), "{right}");
        let [_, right, top, bottom] = inked(Anchor::Middle, true);
        assert!(
            right < 70 && top.abs_diff(120 - bottom) < 4,
            "{right} {top} {bottom}"
        );
    }
}
