//! A picture made into a network's input.

use crate::axis::{Axis, Direction};
use crate::lanes::Lanes;
use crate::letterbox::Placement;
use crate::levels::{Levels, Sample};
use crate::raw::{RawFrame, Scratch};
use crate::resample::{Colours, Resampler, Rows};
use crate::{Error, Frame, Rect};
use tincy_network::{Fit, Input, Resample};

/// A prepared way from frames of one size to one network's input, and back for boxes.
///
/// Everything that depends only on the sizes is computed once; [`Fitting::apply`] allocates
/// nothing. It holds the memory it works in, so each thread has its own.
#[derive(Clone, Debug)]
pub struct Fitting {
    lanes: Lanes,
    input: Input,
    width: usize,
    height: usize,
    placement: Placement,
    fill: f32,
    levels: Levels,
    engine: Engine,
    /// For the rows of a camera's picture.
    scratch: Scratch,
}

/// A rule of resampling, and the memory for a row of what it gives.
#[derive(Clone, Debug)]
enum Engine {
    Aligned(Resampler<f32>, Vec<f32>),
    HalfPixel(Resampler<f64>, Vec<u8>),
}

impl Fitting {
    /// Prepares frames of `width` x `height` for `input`.
    ///
    /// # Errors
    /// If the input is no picture, or a picture of that size cannot be.
    pub fn new(input: &Input, width: usize, height: usize) -> Result<Fitting, Error> {
        Fitting::with_lanes(Lanes::best(), input, width, height)
    }

    pub(crate) fn with_lanes(
        lanes: Lanes,
        input: &Input,
        width: usize,
        height: usize,
    ) -> Result<Fitting, Error> {
        let picture = input.picture.ok_or(Error::NotAPicture)?;
        let shape = input.shape;
        let bytes = width.checked_mul(height).and_then(|n| n.checked_mul(3));
        if !matches!(bytes, Some(1..=MAX_BYTES)) {
            return Err(Error::Size { width, height });
        }
        let colours = match shape.channels {
            1 => Colours::Grey,
            3 => Colours::Colour(picture.order),
            _ => return Err(Error::Input(shape)),
        };
        let placement = Placement::new(picture.fit, shape, width, height);
        let (columns, rows) = (placement.width, placement.height);
        let engine = match picture.resample {
            Resample::AlignedCorners => {
                let across = Axis::aligned(width, columns, Direction::Columns);
                let down = Axis::aligned(height, rows, Direction::Rows);
                let resampler = Resampler::new(lanes, colours, width, &across, down);
                Engine::Aligned(resampler, vec![0.0; shape.channels * columns])
            }
            Resample::HalfPixel => {
                let across = Axis::half_pixel(width, columns);
                let down = Axis::half_pixel(height, rows);
                let resampler = Resampler::new(lanes, colours, width, &across, down);
                Engine::HalfPixel(resampler, vec![0; shape.channels * columns])
            }
        };
        Ok(Fitting {
            lanes,
            fill: match picture.fit {
                Fit::Stretch => 0.0,
                Fit::Letterbox { fill } | Fit::Corner { fill } => fill,
            },
            levels: Levels::new(&picture, shape.channels, input.number),
            input: input.clone(),
            width,
            height,
            placement,
            engine,
            scratch: Scratch::default(),
        })
    }

    /// Columns and rows of the frames it takes.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The input it was made for.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Where the picture lies in the input.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Makes the network's input: NHWC, f32 or codes as [`Input::number`] says.
    ///
    /// # Errors
    /// If the frame has another size, or `output` another length or type than the input.
    pub fn apply<S: Sample>(&mut self, frame: &Frame, output: &mut [S]) -> Result<(), Error> {
        self.check((frame.width, frame.height), frame.pixels.len(), output)?;
        self.fill_input(&mut &*frame, output);
        Ok(())
    }

    /// The same from a camera's picture, of which only the rows that are needed become RGB; equal to
    /// [`apply`](Fitting::apply) on [`RawFrame::to_rgb`], bit for bit.
    ///
    /// # Errors
    /// As [`apply`](Fitting::apply).
    pub fn apply_raw<S: Sample>(&mut self, raw: &RawFrame, output: &mut [S]) -> Result<(), Error> {
        let (width, height) = raw.size();
        self.check((width, height), 3 * width * height, output)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        self.fill_input(&mut raw.lines(self.lanes, &mut scratch), output);
        self.scratch = scratch;
        Ok(())
    }

    fn fill_input<S: Sample>(&mut self, picture: &mut impl Rows, output: &mut [S]) {
        let channels = self.input.shape.channels;
        let at = self.placement;
        let rows = output.chunks_exact_mut(channels * self.input.shape.width);
        self.engine.start();
        for (y, row) in rows.enumerate() {
            let inside = y.checked_sub(at.top).filter(|&y| y < at.height);
            let Some(index) = inside else {
                self.levels.fill(self.fill, row);
                continue;
            };
            let (left, rest) = row.split_at_mut(channels * at.left);
            let (middle, right) = rest.split_at_mut(channels * at.width);
            self.levels.fill(self.fill, left);
            self.engine
                .row(self.lanes, &self.levels, picture, index, middle);
            self.levels.fill(self.fill, right);
        }
    }

    /// A rectangle in fractions of the input, 0 to 1, in pixels of the frame; not clipped.
    pub fn to_picture(&self, rect: Rect) -> Rect {
        self.placement
            .to_picture(rect, self.input.shape, self.width, self.height)
    }

    fn check<S: Sample>(
        &self,
        (width, height): (usize, usize),
        bytes: usize,
        output: &[S],
    ) -> Result<(), Error> {
        let fits = (width, height) == (self.width, self.height);
        if !fits || bytes != 3 * self.width * self.height {
            return Err(Error::Frame {
                width: self.width,
                height: self.height,
                found_width: width,
                found_height: height,
                bytes,
            });
        }
        if !S::holds(self.input.number) {
            return Err(Error::Type {
                expected: self.input.number,
                found: std::any::type_name::<S>(),
            });
        }
        let expected = self.input.shape.elements();
        if output.len() != expected {
            let found = output.len();
            return Err(Error::Output { expected, found });
        }
        Ok(())
    }
}

impl Engine {
    fn start(&mut self) {
        match self {
            Engine::Aligned(resampler, _) => resampler.start(),
            Engine::HalfPixel(resampler, _) => resampler.start(),
        }
    }

    /// Row `index` of the fitted picture.
    fn row<S: Sample>(
        &mut self,
        lanes: Lanes,
        levels: &Levels,
        picture: &mut impl Rows,
        index: usize,
        samples: &mut [S],
    ) {
        match self {
            Engine::Aligned(resampler, line) => {
                let pair = resampler.pair(picture, index);
                if let Some(floats) = levels.unchanged(samples) {
                    lanes.down(pair, floats);
                } else {
                    lanes.down(pair, line);
                    levels.reals(line, samples);
                }
            }
            Engine::HalfPixel(resampler, line) => {
                lanes.down_to_bytes(resampler.pair(picture, index), line);
                if let Some(floats) = levels.unchanged(samples) {
                    lanes.fractions(line, floats);
                } else {
                    levels.bytes(line, samples);
                }
            }
        }
    }
}

/// The largest picture, far beyond what a camera gives.
const MAX_BYTES: usize = 1 << 34;
