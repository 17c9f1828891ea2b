//! Where a picture lies in a network's input, and the way back for boxes.

use crate::Rect;
use tincy_network::{Fit, Shape};

/// The part of a network's input that a picture fills, in pixels of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
}

impl Placement {
    /// Where a picture of `width` x `height` goes.
    ///
    /// The letterbox is Darknet's (`letterbox_image`): the smaller of the two ratios, compared in
    /// f32, decides; the other side is divided with rounding down, but is at least one pixel.
    pub fn new(fit: Fit, input: Shape, width: usize, height: usize) -> Placement {
        let (new_width, new_height) = match fit {
            Fit::Stretch => (input.width, input.height),
            Fit::Letterbox { .. } | Fit::Corner { .. } => letterboxed(input, width, height),
        };
        let (left, top) = match fit {
            Fit::Corner { .. } => (0, 0),
            _ => (
                (input.width - new_width) / 2,
                (input.height - new_height) / 2,
            ),
        };
        Placement {
            left,
            top,
            width: new_width,
            height: new_height,
        }
    }

    /// A rectangle in fractions of the network's input, 0 to 1, in pixels of the picture.
    ///
    /// The offsets are the whole pixels that were really applied; nothing is clipped.
    pub fn to_picture(&self, rect: Rect, input: Shape, width: usize, height: usize) -> Rect {
        let back = |at: f32, whole: usize, offset: usize, part: usize, side: usize| {
            ((f64::from(at) * whole as f64 - offset as f64) * (side as f64 / part as f64)) as f32
        };
        let x = |at| back(at, input.width, self.left, self.width, width);
        let y = |at| back(at, input.height, self.top, self.height, height);
        Rect {
            left: x(rect.left),
            top: y(rect.top),
            right: x(rect.right),
            bottom: y(rect.bottom),
        }
    }
}

fn letterboxed(input: Shape, width: usize, height: usize) -> (usize, usize) {
    let across = input.width as f32 / width as f32;
    let down = input.height as f32 / height as f32;
    if across < down {
        let new = height * input.width / width;
        (input.width, new.clamp(1, input.height))
    } else {
        let new = width * input.height / height;
        (new.clamp(1, input.width), input.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NET: Shape = Shape::new(416, 416, 3);
    const DARKNET: Fit = Fit::Letterbox { fill: 0.5 };

    #[test]
    fn sizes_and_offsets_of_darknet() {
        // From `fitted` of shared/tinier-yolo/reference.py, and by hand for the other shapes.
        let cases = [
            (NET, 768, 576, [0, 52, 416, 312]),
            (NET, 773, 512, [0, 70, 416, 275]),
            (NET, 640, 424, [0, 70, 416, 275]),
            (NET, 333, 500, [69, 0, 277, 416]),
            (NET, 416, 416, [0, 0, 416, 416]),
            (NET, 1, 1, [0, 0, 416, 416]),
            (NET, 1000, 1, [0, 207, 416, 1]),
            (NET, 1, 1000, [207, 0, 1, 416]),
            (NET, 7680, 4320, [0, 91, 416, 234]),
            (Shape::new(288, 352, 3), 640, 480, [0, 12, 352, 264]),
            (Shape::new(288, 352, 3), 480, 640, [68, 0, 216, 288]),
        ];
        for (input, width, height, [left, top, new_width, new_height]) in cases {
            let expected = Placement {
                left,
                top,
                width: new_width,
                height: new_height,
            };
            let found = Placement::new(DARKNET, input, width, height);
            assert_eq!(found, expected, "{width}x{height} in {input}");
        }
    }

    #[test]
    fn the_corner_is_the_letterbox_moved() {
        for (width, height) in [(768, 576), (333, 500), (1000, 1), (416, 416)] {
            let centred = Placement::new(DARKNET, NET, width, height);
            let corner = Placement::new(Fit::Corner { fill: 0.5 }, NET, width, height);
            let expected = Placement {
                left: 0,
                top: 0,
                ..centred
            };
            assert_eq!(corner, expected);
        }
    }

    #[test]
    fn the_whole_placement_is_the_whole_picture() {
        for (width, height) in [(768, 576), (333, 500), (1000, 1), (1, 1), (7680, 4320)] {
            for fit in [Fit::Stretch, DARKNET, Fit::Corner { fill: 0.5 }] {
                let at = Placement::new(fit, NET, width, height);
                let rect = Rect {
                    left: at.left as f32 / 416.0,
                    top: at.top as f32 / 416.0,
                    right: (at.left + at.width) as f32 / 416.0,
                    bottom: (at.top + at.height) as f32 / 416.0,
                };
                let back = at.to_picture(rect, NET, width, height);
                let close = |found: f32, expected: usize| {
                    (found - expected as f32).abs() <= 1e-5 * (width.max(height) * 416) as f32
                };
                assert!(close(back.left, 0) && close(back.top, 0), "{back:?}");
                assert!(close(back.right, width), "{width}x{height} {back:?}");
                assert!(close(back.bottom, height), "{width}x{height} {back:?}");
            }
        }
    }
}
