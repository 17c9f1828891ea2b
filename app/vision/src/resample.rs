//! Bilinear resampling, row by row: horizontal first, then vertical.

use crate::axis::{Axis, Real};
use crate::lanes::Lanes;
use tincy_network::ChannelOrder;

/// What the samples of a pixel become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// One channel: luma as stb_image makes it for Darknet, `(77 r + 150 g + 29 b) >> 8`.
    Grey,
    /// Three channels in this order.
    Colour(ChannelOrder),
}

impl Colours {
    fn channels(self) -> usize {
        match self {
            Colours::Grey => 1,
            Colours::Colour(_) => 3,
        }
    }

    /// The samples of the pixels that start at `offsets` of a row of RGB.
    fn gather(self, row: &[u8], offsets: &[usize], samples: &mut [u8]) {
        match self {
            Colours::Grey => {
                for (sample, &at) in samples.iter_mut().zip(offsets) {
                    *sample = luma(&row[at..at + 3]);
                }
            }
            Colours::Colour(ChannelOrder::Rgb) => {
                for (pixel, &at) in samples.chunks_exact_mut(3).zip(offsets) {
                    pixel.copy_from_slice(&row[at..at + 3]);
                }
            }
            Colours::Colour(ChannelOrder::Bgr) => {
                for (pixel, &at) in samples.chunks_exact_mut(3).zip(offsets) {
                    let [red, green, blue] = [row[at], row[at + 1], row[at + 2]];
                    pixel.copy_from_slice(&[blue, green, red]);
                }
            }
        }
    }
}

fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((77 * red + 150 * green + 29 * blue) >> 8) as u8
}

/// A prepared change of size. It keeps the last two rows it scaled, so each row of the picture is
/// read once.
#[derive(Clone, Debug)]
pub(crate) struct Resampler<T> {
    lanes: Lanes,
    colours: Colours,
    /// Byte offsets into a row of the picture.
    first: Vec<usize>,
    second: Vec<usize>,
    /// Weight of the second, one a sample.
    weights: Vec<T>,
    rows: Axis<T>,
    /// The gathered samples of a row.
    samples: [Vec<u8>; 2],
    scaled: [Scaled<T>; 2],
    line: Vec<T>,
}

/// A row of the picture, scaled.
#[derive(Clone, Debug)]
struct Scaled<T> {
    row: Option<usize>,
    values: Vec<T>,
}

impl<T: Real> Resampler<T> {
    pub(crate) fn new(
        lanes: Lanes,
        colours: Colours,
        columns: Axis<T>,
        rows: Axis<T>,
    ) -> Resampler<T> {
        let channels = colours.channels();
        let count = channels * columns.first.len();
        let bytes = |pixels: Vec<usize>| pixels.into_iter().map(|x| 3 * x).collect();
        let weights = columns.weights.iter();
        let scaled = Scaled {
            row: None,
            values: vec![T::default(); count],
        };
        Resampler {
            lanes,
            colours,
            weights: weights
                .flat_map(|w| std::iter::repeat_n(w[1], channels))
                .collect(),
            first: bytes(columns.first),
            second: bytes(columns.second),
            rows,
            samples: [vec![0; count], vec![0; count]],
            scaled: [scaled.clone(), scaled],
            line: vec![T::default(); count],
        }
    }

    /// Forgets the rows of the last picture.
    pub(crate) fn start(&mut self) {
        self.scaled.iter_mut().for_each(|scaled| scaled.row = None);
    }

    /// Row `index` of the new picture, made of RGB `pixels` with `stride` bytes a row.
    pub(crate) fn line(&mut self, pixels: &[u8], stride: usize, index: usize) -> &[T] {
        let (upper, lower) = (self.rows.first[index], self.rows.second[index]);
        if self.scaled[1].row == Some(upper) {
            self.scaled.swap(0, 1);
        }
        self.scale(0, pixels, stride, upper);
        self.scale(1, pixels, stride, lower);
        let [above, below] = &self.scaled;
        let weights = self.rows.weights[index];
        self.lanes
            .vertical(&above.values, &below.values, weights, &mut self.line);
        &self.line
    }

    fn scale(&mut self, slot: usize, pixels: &[u8], stride: usize, row: usize) {
        let scaled = &mut self.scaled[slot];
        if scaled.row == Some(row) {
            return;
        }
        scaled.row = Some(row);
        let bytes = &pixels[row * stride..][..stride];
        let [first, second] = &mut self.samples;
        self.colours.gather(bytes, &self.first, first);
        self.colours.gather(bytes, &self.second, second);
        self.lanes
            .horizontal(first, second, &self.weights, &mut scaled.values);
    }
}
