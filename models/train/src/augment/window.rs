//! The part of a picture that is shown, and where objects are in it.

use super::Chance;
use crate::losses::Truth;
use tincy_dataset::Object;
use tincy_vision::Frame;

/// Logarithm of the largest zoom at full strength.
const ZOOM: f64 = 0.35;

/// The same of the change of aspect.
const ASPECT: f64 = 0.2;

/// How far a picture may lie outside, in parts of its side, at full strength.
const BEYOND: f64 = 0.1;

/// An object of which less than this part is left is ignored.
const VISIBLE: f64 = 0.25;

/// An object of fewer pixels of the input across is ignored.
const LEAST_PIXELS: f64 = 4.0;

/// A rectangle in a picture's pixels, which may reach beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Whether it is shown mirrored.
    pub(super) flip: bool,
}

/// How a window is chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// The picture's width and height.
    pub(super) picture: [usize; 2],
    /// The window's, in the picture's pixels, if nothing is by chance.
    pub(super) whole: [f64; 2],
    /// 0 for nothing by chance, 1 for much.
    pub(super) strength: f64,
    /// How often it is mirrored.
    pub(super) flip: f64,
}

impl Window {
    /// A window by chance: zoomed, in another aspect, moved, mirrored. Without strength the
    /// picture lies in the middle.
    pub(super) fn choose(chance: &mut Chance, choice: &Choice) -> Window {
        let zoom = chance.factor(ZOOM * choice.strength);
        let aspect = chance.factor(ASPECT * choice.strength).sqrt();
        let sizes = [
            choice.whole[0] / (zoom * aspect),
            choice.whole[1] / (zoom / aspect),
        ];
        let [(left, width), (top, height)] = [0, 1].map(|axis| {
            let picture = choice.picture[axis] as f64;
            let size = sizes[axis].round().max(1.0);
            // The picture's place in the window: anywhere inside if it is smaller, with any part
            // shown if it is larger, and a little beyond.
            let room = size - picture;
            let beyond = BEYOND * choice.strength * picture;
            let offset = match choice.strength > 0.0 {
                true => chance.between(room.min(0.0) - beyond, room.max(0.0) + beyond),
                false => room / 2.0,
            };
            (-offset.round() as i64, size as usize)
        });
        Window {
            left,
            top,
            width,
            height,
            flip: chance.happens(choice.flip),
        }
    }

    /// What is in the window, with grey around the picture.
    pub(super) fn cut(&self, frame: &Frame, grey: u8, out: &mut Frame) {
        (out.width, out.height) = (self.width, self.height);
        out.pixels.clear();
        out.pixels.resize(3 * self.width * self.height, grey);
        let inside = |start: i64, size: usize, side: usize| {
            let first = start.clamp(0, side as i64);
            (first, (start + size as i64).clamp(first, side as i64))
        };
        let (left, right) = inside(self.left, self.width, frame.width);
        let (top, bottom) = inside(self.top, self.height, frame.height);
        let bytes = 3 * (right - left) as usize;
        if bytes == 0 {
            return;
        }
        let stride = frame.stride();
        for y in top..bottom {
            let from = y as usize * stride + 3 * left as usize;
            let from = &frame.pixels[from..from + bytes];
            let row = (y - self.top) as usize * self.width;
            if self.flip {
                let last = row + self.width - (left - self.left) as usize;
                let to = &mut out.pixels[3 * last - bytes..3 * last];
                for (to, from) in to.chunks_exact_mut(3).rev().zip(from.chunks_exact(3)) {
                    to.copy_from_slice(from);
                }
            } else {
                let first = 3 * (row + (left - self.left) as usize);
                out.pixels[first..first + bytes].copy_from_slice(from);
            }
        }
    }

    /// The same, to place objects in.
    pub(super) fn view(&self) -> View {
        View {
            start: [self.left as f64, self.top as f64],
            sides: [self.width as f64, self.height as f64],
            flip: self.flip,
        }
    }
}

/// What is seen of a picture, in its pixels, which may reach beyond it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Left and top edge.
    pub(super) start: [f64; 2],
    /// Width and height.
    pub(super) sides: [f64; 2],
    /// Whether it is shown mirrored.
    pub(super) flip: bool,
}

impl View {
    /// Where an object of the picture lies in the view, which has `size` pixels of the input;
    /// `None` if outside. Objects of which little is left are ignored.
    pub(super) fn place(&self, object: &Object, size: [usize; 2]) -> Option<Truth> {
        let edges = object.edges;
        let mut spans = [0, 1].map(|axis| {
            let ends = [[edges.left, edges.right], [edges.top, edges.bottom]][axis];
            ends.map(|end| (end - self.start[axis]) / self.sides[axis])
        });
        if self.flip {
            spans[0] = [1.0 - spans[0][1], 1.0 - spans[0][0]];
        }
        let cut = spans.map(|span| span.map(|end| end.clamp(0.0, 1.0)));
        let area =
            |spans: &[[f64; 2]; 2]| (spans[0][1] - spans[0][0]) * (spans[1][1] - spans[1][0]);
        if area(&cut) <= 0.0 {
            return None;
        }
        let thin =
            (0..2).any(|axis| (cut[axis][1] - cut[axis][0]) * (size[axis] as f64) < LEAST_PIXELS);
        Some(Truth {
            class: object.class,
            edges: [cut[0][0], cut[1][0], cut[0][1], cut[1][1]].map(|edge| edge as f32),
            ignored: object.ignored || thin || area(&cut) < VISIBLE * area(&spans),
            weight: 1.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_dataset::Edges;

    fn window(left: i64, top: i64, width: usize, height: usize, flip: bool) -> Window {
        Window {
            left,
            top,
            width,
            height,
            flip,
        }
    }

    #[test]
    fn cuts() {
        // Two rows of three pixels, 1 to 6.
        let frame = Frame {
            width: 3,
            height: 2,
            pixels: (1..7).flat_map(|value| [value; 3]).collect(),
            ..Frame::default()
        };
        let cases = [
            (window(0, 0, 3, 2, false), vec![1, 2, 3, 4, 5, 6]),
            (window(0, 0, 3, 2, true), vec![3, 2, 1, 6, 5, 4]),
            (window(1, 1, 1, 1, false), vec![5]),
            (window(-1, 0, 3, 1, false), vec![9, 1, 2]),
            (window(-1, 0, 3, 1, true), vec![2, 1, 9]),
            (window(2, -1, 2, 3, true), vec![9, 9, 9, 3, 9, 6]),
            (window(5, 0, 2, 1, false), vec![9, 9]),
            (window(0, -7, 2, 1, true), vec![9, 9]),
        ];
        for (window, expected) in cases {
            let mut out = Frame::default();
            window.cut(&frame, 9, &mut out);
            let found: Vec<u8> = out.pixels.chunks_exact(3).map(|pixel| pixel[1]).collect();
            assert_eq!(found, expected, "{window:?}");
        }
    }

    #[test]
    fn objects_follow() {
        let object = |edges| Object::new(7, Edges::new(edges));
        let place = |window: Window, edges| window.view().place(&object(edges), [100, 100]);
        let truth = place(window(10, 0, 100, 50, false), [20.0, 10.0, 60.0, 20.0]).unwrap();
        assert_eq!((truth.class, truth.edges), (7, [0.1, 0.2, 0.5, 0.4]));
        assert!(!truth.ignored);
        let truth = place(window(10, 0, 100, 50, true), [20.0, 10.0, 60.0, 20.0]).unwrap();
        assert_eq!(truth.edges, [0.5, 0.2, 0.9, 0.4]);
        // A quarter is left and counts; less does not.
        let edge = |left| place(window(0, 0, 100, 50, false), [left, 0.0, left + 40.0, 50.0]);
        assert!(!edge(-30.0).unwrap().ignored && edge(-31.0).unwrap().ignored);
        assert!(edge(-40.0).is_none() && edge(100.0).is_none());
        // Three pixels of the input are too few.
        assert!(
            place(window(0, 0, 100, 100, false), [10.0, 10.0, 13.0, 50.0])
                .unwrap()
                .ignored
        );
    }

    #[test]
    fn windows_by_chance() {
        let choice = |strength| Choice {
            picture: [200, 100],
            whole: [200.0, 200.0],
            strength,
            flip: 0.5,
        };
        let mut chance = Chance::new(3, 0, 0);
        let still = Window::choose(&mut chance, &choice(0.0));
        assert_eq!(
            (still.left, still.top, still.width, still.height),
            (0, -50, 200, 200)
        );
        let windows: Vec<Window> = (0..500)
            .map(|_| Window::choose(&mut chance, &choice(1.0)))
            .collect();
        let flipped = windows.iter().filter(|window| window.flip).count();
        assert!((200..300).contains(&flipped));
        for window in windows {
            let zoom = (200.0 * 200.0 / (window.width * window.height) as f64).sqrt();
            assert!((0.69..1.45).contains(&zoom), "{window:?}");
            let aspect = window.height as f64 / window.width as f64;
            assert!((0.8..1.24).contains(&aspect), "{window:?}");
        }
    }
}
