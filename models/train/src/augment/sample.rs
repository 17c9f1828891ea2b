//! One input and its objects.

use super::colour::Jitter;
use super::window::{Choice, View, Window};
use super::{Chance, Error, Pictures};
use crate::losses::Truth;
use tincy_network::{Fit, Input, Number, Picture, Shape};
use tincy_vision::letterbox::Placement;
use tincy_vision::{Fitting, Frame};

/// What is done to pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augment {
    /// Of zoom, aspect, place and colours: 0 for none, 1 for much.
    pub strength: f64,
    /// How often a picture is mirrored.
    pub flip: f64,
    /// How often an input is made of four pictures.
    pub mosaic: f64,
}

impl Augment {
    /// Pictures as they are.
    pub const NONE: Augment = Augment {
        strength: 0.0,
        flip: 0.0,
        mosaic: 0.0,
    };
}

/// Where the four pictures of a mosaic may meet, in parts of the input.
const MEETING: [f64; 2] = [0.3, 0.7];

/// How much smaller a mosaic shows its pictures, before zoom: enough to see objects whole, not so
/// much that most of it is grey.
const SHRINK: [f64; 2] = [0.6, 1.0];

/// Makes inputs; holds the memory it works in.
#[derive(Debug)]
pub struct Workshop<'a> {
    pictures: &'a Pictures,
    input: Input,
    picture: Picture,
    augment: Augment,
    cut: Frame,
    tile: Vec<f32>,
}

/// A rectangle of the input.
#[derive(Clone, Copy)]
struct Tile {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl<'a> Workshop<'a> {
    /// For a network's input, in floats, whatever it is otherwise.
    ///
    /// # Errors
    /// If the input is no picture.
    pub fn new(pictures: &'a Pictures, input: &Input, augment: Augment) -> Result<Self, Error> {
        let picture = input.picture.ok_or(tincy_vision::Error::NotAPicture)?;
        Ok(Workshop {
            pictures,
            input: Input {
                number: Number::F32,
                ..input.clone()
            },
            picture,
            augment,
            cut: Frame::default(),
            tile: Vec::new(),
        })
    }

    /// Makes one input of `size` (columns, rows) from picture `number`, and returns its objects.
    ///
    /// # Errors
    /// If a picture cannot be decoded.
    ///
    /// # Panics
    /// If `out` does not have the input's length.
    pub fn make(
        &mut self,
        number: usize,
        size: [usize; 2],
        chance: &mut Chance,
        out: &mut [f32],
    ) -> Result<Vec<Truth>, Error> {
        if self.augment == Augment::NONE {
            return self.plain(number, size, out);
        }
        let mut truths = Vec::new();
        if chance.happens(self.augment.mosaic) {
            for (part, tile) in mosaic(chance, size).into_iter().enumerate() {
                let shrink = chance.between(SHRINK[0], SHRINK[1]);
                let number = match part {
                    0 => number,
                    _ => chance.below(self.pictures.pictures.len()),
                };
                truths.extend(self.fill(number, size, tile, shrink, chance, out)?);
            }
        } else {
            let [width, height] = size;
            let tile = Tile {
                left: 0,
                top: 0,
                width,
                height,
            };
            truths = self.fill(number, size, tile, 1.0, chance, out)?;
        }
        Ok(truths)
    }

    /// Exactly what inference makes of the picture.
    fn plain(
        &mut self,
        number: usize,
        [width, height]: [usize; 2],
        out: &mut [f32],
    ) -> Result<Vec<Truth>, Error> {
        let frame = self.pictures.decode(number)?;
        let mut input = self.input.clone();
        input.shape = Shape::new(height, width, input.shape.channels);
        let mut fitting = Fitting::new(&input, frame.width, frame.height)?;
        fitting.apply(&frame, out)?;
        let view = shown(
            fitting.placement(),
            [width, height],
            [frame.width, frame.height],
        );
        let objects = self.pictures.pictures[number].objects.iter();
        Ok(objects
            .filter_map(|object| view.place(object, [width, height]))
            .collect())
    }

    /// Fills a rectangle of the input from a picture, shown `shrink` times as large as alone.
    fn fill(
        &mut self,
        number: usize,
        size: [usize; 2],
        tile: Tile,
        shrink: f64,
        chance: &mut Chance,
        out: &mut [f32],
    ) -> Result<Vec<Truth>, Error> {
        let mut frame = self.pictures.decode(number)?;
        // Before it is cut out, so that the grey around it stays that of inference.
        if let Some(jitter) = Jitter::choose(chance, self.augment.strength) {
            jitter.apply(&mut frame);
        }
        let whole = self.whole(&frame, size, tile);
        let window = Window::choose(
            chance,
            &Choice {
                picture: [frame.width, frame.height],
                whole: whole.map(|side| side / shrink),
                strength: self.augment.strength,
                flip: self.augment.flip,
            },
        );
        window.cut(&frame, self.grey(), &mut self.cut);
        self.stretch(tile, size, out)?;
        let view = window.view();
        let objects = self.pictures.pictures[number].objects.iter();
        let placed = objects.filter_map(|object| view.place(object, [tile.width, tile.height]));
        Ok(placed.map(|truth| tile.in_input(truth, size)).collect())
    }

    /// Width and height of the window that shows a picture in a tile as inference would show it
    /// in the whole input, in the picture's pixels.
    fn whole(&self, frame: &Frame, size: [usize; 2], tile: Tile) -> [f64; 2] {
        let shape = Shape::new(size[1], size[0], 3);
        let placement = Placement::new(self.picture.fit, shape, frame.width, frame.height);
        [
            (tile.width * frame.width) as f64 / placement.width as f64,
            (tile.height * frame.height) as f64 / placement.height as f64,
        ]
    }

    /// What is around pictures, 0 to 255.
    fn grey(&self) -> u8 {
        match self.picture.fit {
            Fit::Letterbox { fill, .. } | Fit::Corner { fill } => (fill * 255.0).round() as u8,
            Fit::Stretch => 128,
        }
    }

    /// Brings the cut-out to the tile's size, by the resampling and the levels of inference.
    fn stretch(&mut self, tile: Tile, size: [usize; 2], out: &mut [f32]) -> Result<(), Error> {
        let channels = self.input.shape.channels;
        let mut input = self.input.clone();
        input.shape = Shape::new(tile.height, tile.width, channels);
        input.picture = Some(Picture {
            fit: Fit::Stretch,
            ..self.picture
        });
        let mut fitting = Fitting::new(&input, self.cut.width, self.cut.height)?;
        assert_eq!(
            out.len(),
            channels * size[0] * size[1],
            "length of an input"
        );
        if tile.width == size[0] && tile.height == size[1] {
            return Ok(fitting.apply(&self.cut, out)?);
        }
        self.tile.resize(input.shape.elements(), 0.0);
        fitting.apply(&self.cut, &mut self.tile)?;
        let rows = self.tile.chunks_exact(channels * tile.width);
        for (y, row) in rows.enumerate() {
            let at = channels * ((tile.top + y) * size[0] + tile.left);
            out[at..at + row.len()].copy_from_slice(row);
        }
        Ok(())
    }
}

impl Tile {
    /// An object of the tile, in the input.
    fn in_input(&self, truth: Truth, size: [usize; 2]) -> Truth {
        let start = [self.left as f32, self.top as f32];
        let sides = [self.width as f32, self.height as f32];
        let edges = [0, 1, 2, 3].map(|edge| {
            let axis = edge % 2;
            (start[axis] + truth.edges[edge] * sides[axis]) / size[axis] as f32
        });
        Truth { edges, ..truth }
    }
}

/// What a placement shows of a picture and its surroundings.
fn shown(placement: Placement, size: [usize; 2], picture: [usize; 2]) -> View {
    let scale = [
        picture[0] as f64 / placement.width as f64,
        picture[1] as f64 / placement.height as f64,
    ];
    View {
        start: [
            -(placement.left as f64) * scale[0],
            -(placement.top as f64) * scale[1],
        ],
        sides: [size[0] as f64 * scale[0], size[1] as f64 * scale[1]],
        flip: false,
    }
}

/// Four tiles that meet in a point by chance.
fn mosaic(chance: &mut Chance, size: [usize; 2]) -> [Tile; 4] {
    let meeting = size.map(|side| {
        let at = chance.between(MEETING[0], MEETING[1]) * side as f64;
        (at as usize).clamp(1, side.saturating_sub(1).max(1))
    });
    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(column, row)| {
        let part = |axis: usize, second: usize| match second {
            0 => (0, meeting[axis]),
            _ => (meeting[axis], size[axis] - meeting[axis]),
        };
        let ((left, width), (top, height)) = (part(0, column), part(1, row));
        Tile {
            left,
            top,
            width,
            height,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::pictures::tests::pictures;
    use super::*;
    use tincy_network::{ChannelOrder, Resample};

    fn input() -> Input {
        let mut input = Input::rgb(24, 32);
        input.picture = Some(Picture {
            fit: Fit::Letterbox { fill: 0.5 },
            resample: Resample::HalfPixel,
            order: ChannelOrder::Bgr,
            mean: [0.0; 3],
            std: [1.0 / 255.0; 3],
        });
        input
    }

    #[test]
    fn without_change_it_is_the_input_of_inference() {
        let (_folder, pictures) = pictures();
        let frame = pictures.decode(3).unwrap();
        let mut expected = vec![0.0; 24 * 32 * 3];
        let mut fitting = Fitting::new(&input(), 40, 23).unwrap();
        fitting.apply(&frame, &mut expected).unwrap();
        let mut out = vec![0.0; 24 * 32 * 3];
        let mut workshop = Workshop::new(&pictures, &input(), Augment::NONE).unwrap();
        let mut chance = Chance::new(0, 0, 0);
        let truths = workshop.make(3, [32, 24], &mut chance, &mut out).unwrap();
        assert_eq!(out, expected);
        // The picture fills 18 of the 24 rows, from the third: half of it from row 7.5 to 16.5.
        let edges = [0.25, 7.5 / 24.0, 0.75, 16.5 / 24.0];
        for (found, expected) in truths[0].edges.iter().zip(edges) {
            assert!((found - expected).abs() < 1e-6, "{truths:?}");
        }
        assert!(!truths[0].ignored && truths[1].ignored);

        // The same by way of a window: only the edges of the picture differ, where the window is
        // in whole pixels.
        let still = Augment {
            flip: f64::MIN_POSITIVE,
            ..Augment::NONE
        };
        let mut workshop = Workshop::new(&pictures, &input(), still).unwrap();
        let moved = workshop.make(3, [32, 24], &mut chance, &mut out).unwrap();
        let off: f32 = out.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum();
        assert!(off / (out.len() as f32) < 30.0, "{off}");
        assert!((moved[0].edges[0] - 0.25).abs() < 0.02);
    }

    #[test]
    fn inputs_by_chance_repeat_and_are_full() {
        let (_folder, pictures) = pictures();
        let augment = Augment {
            strength: 1.0,
            flip: 0.5,
            mosaic: 0.5,
        };
        let mut workshop = Workshop::new(&pictures, &input(), augment).unwrap();
        let mut make = |index| {
            let mut out = vec![f32::NAN; 40 * 40 * 3];
            let truths = workshop.make(1, [40, 40], &mut Chance::new(7, 0, index), &mut out);
            (out, truths.unwrap())
        };
        let mut objects = 0;
        for index in 0..50 {
            let (out, truths) = make(index);
            assert!(out.iter().all(|sample| (0.0..=255.0).contains(sample)));
            objects = objects.max(truths.len());
            for truth in &truths {
                let [left, top, right, bottom] = truth.edges;
                assert!(0.0 <= left && left < right && right <= 1.0, "{truth:?}");
                assert!(0.0 <= top && top < bottom && bottom <= 1.0, "{truth:?}");
            }
            assert_eq!(make(index), (out, truths));
        }
        assert!(objects > 2, "some are mosaics");
    }
}
