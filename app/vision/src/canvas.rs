//! Painting on a frame, always inside it.

use crate::Frame;
use crate::colour::Rgb;
use crate::font;

/// A rectangle of whole pixels; `right` and `bottom` are the first ones outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: i64,
    pub(crate) top: i64,
    pub(crate) right: i64,
    pub(crate) bottom: i64,
}

impl Area {
    pub(crate) fn overlaps(&self, other: &Area) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// The area with this many pixels more on each side.
    pub(crate) fn grown(&self, by: i64) -> Area {
        Area {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    /// The part of it in a frame.
    fn within(&self, frame: &Frame) -> Area {
        let (width, height) = (frame.width as i64, frame.height as i64);
        Area {
            left: self.left.clamp(0, width),
            top: self.top.clamp(0, height),
            right: self.right.clamp(0, width),
            bottom: self.bottom.clamp(0, height),
        }
    }
}

/// Mixes `colour` into the pixels of an area; `opacity` is 0 to 255.
pub(crate) fn fill(frame: &mut Frame, area: Area, colour: Rgb, opacity: u8) {
    let area = area.within(frame);
    for y in area.top..area.bottom {
        let row = 3 * (y as usize * frame.width);
        let span = row + 3 * area.left as usize..row + 3 * area.right.max(area.left) as usize;
        for pixel in frame.pixels[span].chunks_exact_mut(3) {
            match opacity {
                255 => pixel.copy_from_slice(&colour),
                _ => mix(pixel, colour, u32::from(opacity)),
            }
        }
    }
}

/// The four sides of an area, `thickness` pixels to its inside.
pub(crate) fn outline(frame: &mut Frame, area: Area, thickness: i64, colour: Rgb, opacity: u8) {
    let Area {
        left,
        top,
        right,
        bottom,
    } = area;
    let (across, down) = (thickness.min(right - left), thickness.min(bottom - top));
    let (upper, lower) = (top + down, (bottom - down).max(top + down));
    let sides = [
        [left, top, right, upper],
        [left, lower, right, bottom],
        [left, upper, left + across, lower],
        [(right - across).max(left + across), upper, right, lower],
    ];
    for [left, top, right, bottom] in sides {
        let side = Area {
            left,
            top,
            right,
            bottom,
        };
        fill(frame, side, colour, opacity);
    }
}

/// Writes text with the middle of its first stroke at `left` and of its capitals' upper strokes at
/// `top`; `unit` is the font's in pixels.
pub(crate) fn text(frame: &mut Frame, text: &str, (left, top): (f32, f32), unit: f32, colour: Rgb) {
    let pen = 0.6 * unit;
    for segment in font::segments(text) {
        let [from, to] = segment.map(|[x, y]| [left + x as f32 * unit, top + y as f32 * unit]);
        stroke(frame, from, to, pen, colour);
    }
}

/// A straight line with round ends; its edge is smooth.
fn stroke(frame: &mut Frame, from: [f32; 2], to: [f32; 2], pen: f32, colour: Rgb) {
    let low = [0, 1].map(|axis| (from[axis].min(to[axis]) - pen - 1.0).floor() as i64);
    let high = [0, 1].map(|axis| (from[axis].max(to[axis]) + pen + 1.0).ceil() as i64);
    let area = Area {
        left: low[0],
        top: low[1],
        right: high[0],
        bottom: high[1],
    };
    let area = area.within(frame);
    let reach = (pen + 0.5) * (pen + 0.5);
    for y in area.top..area.bottom {
        for x in area.left..area.right {
            let squared = distance_squared([x as f32 + 0.5, y as f32 + 0.5], from, to);
            if squared < reach {
                let cover = (pen + 0.5 - squared.sqrt()).min(1.0);
                let at = 3 * (y as usize * frame.width + x as usize);
                mix(
                    &mut frame.pixels[at..at + 3],
                    colour,
                    (cover * 255.0) as u32,
                );
            }
        }
    }
}

/// From a point to the nearest one of a line's.
fn distance_squared(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let away = [point[0] - from[0], point[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let part = if length > 0.0 {
        ((away[0] * along[0] + away[1] * along[1]) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let rest = [away[0] - part * along[0], away[1] - part * along[1]];
    rest[0] * rest[0] + rest[1] * rest[1]
}

fn mix(pixel: &mut [u8], colour: Rgb, opacity: u32) {
    for (sample, new) in pixel.iter_mut().zip(colour) {
        let mixed = u32::from(*sample) * (255 - opacity) + u32::from(new) * opacity;
        *sample = ((mixed + 127) / 255) as u8;
    }
}
