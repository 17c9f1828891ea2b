//! Boxes and labels on a picture.

use crate::canvas::{Area, fill, outline, text};
use crate::colour::{Rgb, of_class, text_on};
use crate::font::{self, CAPITALS, DESCENT};
use crate::{Detection, Frame, Rect};

/// Draws each detection's box and its label, `dog 86%`, into the frame.
///
/// `names` are the classes' names by number; a class without one is shown by its number. Lines and
/// text grow with the picture. Labels lie inside the picture and, where there is room, not on each
/// other; `detections` are best first, and the best have the first choice.
pub fn annotate(frame: &mut Frame, detections: &[Detection], names: &[String]) {
    if frame.pixels.len() != frame.stride() * frame.height {
        return;
    }
    let style = Style::of(frame);
    for detection in detections.iter().rev() {
        style.draw_box(frame, detection);
    }
    let mut taken = Vec::with_capacity(detections.len());
    let labels: Vec<Label> = detections
        .iter()
        .map(|detection| style.label(frame, detection, names, &mut taken))
        .collect();
    for (label, detection) in labels.iter().zip(detections).rev() {
        style.draw_label(frame, label, detection.class);
    }
}

/// Writes a line, such as the rate, into the left bottom corner, where boxes have no labels as a rule.
pub fn caption(frame: &mut Frame, line: &str) {
    if frame.pixels.len() != frame.stride() * frame.height {
        return;
    }
    let unit = Style::of(frame).unit;
    let (width, height) = label_size(line, unit);
    let bottom = frame.height as i64;
    let area = Area {
        left: 0,
        top: (bottom - height).max(0),
        right: width,
        bottom,
    };
    fill(frame, area, [0; 3], 150);
    write(frame, area, line, unit, [255; 3]);
}

/// Sizes that fit a picture, in pixels.
#[derive(Clone, Copy, Debug)]
struct Style {
    /// Of a box's line.
    thickness: i64,
    /// Of the dark rim on both sides of it.
    rim: i64,
    /// The font's.
    unit: f32,
}

#[derive(Debug)]
struct Label {
    text: String,
    area: Area,
    unit: f32,
}

impl Style {
    fn of(frame: &Frame) -> Style {
        let side = frame.width.min(frame.height) as f32;
        Style {
            thickness: (side / 220.0)
                .round()
                .max(if side < 100.0 { 1.0 } else { 2.0 }) as i64,
            rim: (side / 700.0).round().max(1.0) as i64,
            // Halves keep upright strokes sharp.
            unit: (2.0 * side / 380.0).round().max(2.0) / 2.0,
        }
    }

    fn draw_box(&self, frame: &mut Frame, detection: &Detection) {
        let area = whole(&detection.rect);
        let rim = [0; 3];
        outline(frame, area.grown(self.rim), self.rim, rim, 110);
        outline(frame, area.grown(-self.thickness), self.rim, rim, 110);
        outline(frame, area, self.thickness, of_class(detection.class), 255);
    }

    /// Chooses where a label goes.
    fn label(
        &self,
        frame: &Frame,
        detection: &Detection,
        names: &[String],
        taken: &mut Vec<Area>,
    ) -> Label {
        let name = names.get(detection.class);
        let name = name.map_or_else(|| format!("#{}", detection.class), String::clone);
        let text = format!("{name} {:.0}%", 100.0 * detection.score);
        let units = (font::width(&text) + 2 * MARGIN) as f32;
        let unit = self.unit.min(frame.width as f32 / units).max(0.75);
        let size = label_size(&text, unit);
        let mut places = self.places(frame, whole(&detection.rect), size).peekable();
        let first = places.peek().copied().unwrap_or(whole(&detection.rect));
        let free = |place: &Area| !taken.iter().any(|other| other.overlaps(place));
        let area = places.find(free).unwrap_or(first);
        taken.push(area);
        Label { text, area, unit }
    }

    /// Places for a label, the best first: on the box, under its upper line, under it, above its
    /// lower line, and further and further from the first.
    fn places(
        &self,
        frame: &Frame,
        area: Area,
        (width, height): (i64, i64),
    ) -> impl Iterator<Item = Area> {
        let inside = |at: i64, size: i64, all: usize| at.min(all as i64 - size).max(0);
        let left = inside(area.left, width, frame.width);
        let rows = frame.height;
        let first = inside(area.top - height, height, rows);
        let near = [first, area.top, area.bottom, area.bottom - height];
        let far = (1..8).flat_map(move |steps| [first + steps * height, first - steps * height]);
        near.into_iter().chain(far).map(move |top| {
            let top = inside(top, height, rows);
            Area {
                left,
                top,
                right: left + width,
                bottom: top + height,
            }
        })
    }

    fn draw_label(&self, frame: &mut Frame, label: &Label, class: usize) {
        let colour = of_class(class);
        fill(frame, label.area, colour, 255);
        write(frame, label.area, &label.text, label.unit, text_on(colour));
    }
}

/// Units between a label's edge and the middle of its text's strokes.
const MARGIN: usize = 2;

/// Columns and rows of a label.
fn label_size(text: &str, unit: f32) -> (i64, i64) {
    let columns = font::width(text) + 2 * MARGIN;
    let rows = CAPITALS + DESCENT + 2 * MARGIN - 1;
    let pixels = |units: usize| (units as f32 * unit).ceil() as i64;
    (pixels(columns), pixels(rows))
}

/// Writes a label's text.
fn write(frame: &mut Frame, area: Area, line: &str, unit: f32, colour: Rgb) {
    // Half a pixel: strokes run through the middles of pixels.
    let at = |edge: i64| (edge as f32 + MARGIN as f32 * unit).floor() + 0.5;
    text(frame, line, (at(area.left), at(area.top)), unit, colour);
}

/// The pixels that a rectangle covers, at least one; far beyond any picture it is cut.
fn whole(rect: &Rect) -> Area {
    const FAR: f32 = 1e6;
    let edge = |at: f32| at.clamp(-FAR, FAR).round() as i64;
    let (left, top) = (edge(rect.left), edge(rect.top));
    Area {
        left,
        top,
        right: edge(rect.right).max(left + 1),
        bottom: edge(rect.bottom).max(top + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize) -> Frame {
        Frame {
            width,
            height,
            pixels: vec![90; 3 * width * height],
            ..Frame::default()
        }
    }

    fn found(class: usize, [left, top, right, bottom]: [f32; 4]) -> Detection {
        Detection {
            class,
            score: 0.864,
            rect: Rect {
                left,
                top,
                right,
                bottom,
            },
        }
    }

    fn pixel(frame: &Frame, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * frame.width + x);
        frame.pixels[at..at + 3].try_into().unwrap()
    }

    #[test]
    fn a_box_and_its_label() {
        let mut frame = grey(320, 240);
        annotate(&mut frame, &[found(7, [50.0, 60.0, 200.0, 180.0])], &[]);
        let colour = of_class(7);
        for (x, y) in [(50, 60), (51, 179), (199, 61), (198, 178), (120, 60)] {
            assert_eq!(pixel(&frame, x, y), colour, "{x} {y}");
        }
        assert_eq!(pixel(&frame, 120, 120), [90; 3]);
        // The label stands on the box: its background, and its text in the other colour.
        assert_eq!(pixel(&frame, 50, 59), colour);
        let above = &frame.pixels[3 * 320 * 47..3 * 320 * 60];
        assert!(above.chunks_exact(3).any(|p| p == text_on(colour)));
    }

    #[test]
    fn labels_stay_inside_and_apart() {
        let mut taken = Vec::new();
        let frame = grey(320, 240);
        let style = Style::of(&frame);
        let names = vec!["a very long name of a class".to_string()];
        let rects = [
            [-50.0, -20.0, 30.0, 100.0],
            [300.0, 100.0, 400.0, 300.0],
            [0.0, 0.0, 320.0, 240.0],
            [0.0, 236.0, 3.0, 240.0],
        ];
        for rect in rects {
            let Label { area, .. } = style.label(&frame, &found(0, rect), &names, &mut taken);
            assert!(area.left >= 0 && area.top >= 0, "{area:?}");
            assert!(area.right <= 320 && area.bottom <= 240, "{area:?}");
        }
        for (index, area) in taken.iter().enumerate() {
            assert!(taken[..index].iter().all(|other| !other.overlaps(area)));
        }
    }

    #[test]
    fn nothing_is_too_odd_to_draw() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 3.0];
        for (width, height) in [(0, 0), (1, 1), (16, 16), (1000, 1), (1, 300)] {
            let mut frame = grey(width, height);
            for a in odd {
                for b in odd {
                    let names = ["\u{65e5}\u{672c} \n".to_string()];
                    let detections = [found(0, [a, b, b, a]), found(9, [b, b, a, a])];
                    annotate(&mut frame, &detections, &names);
                    caption(&mut frame, "frame 1");
                }
            }
            assert_eq!(frame.pixels.len(), 3 * width * height);
        }
    }
}
