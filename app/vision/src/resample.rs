//! Bilinear resampling, row by row: horizontal first, then vertical.

use crate::Frame;
use crate::axis::{Axis, Real};
use crate::fetch::{Fetch, STEP};
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
    /// Bytes of a pixel in the rows that are scaled.
    fn bytes(self) -> usize {
        match self {
            Colours::Grey => 1,
            Colours::Colour(_) => 3,
        }
    }

    /// Where a pixel's channels are in it.
    fn channels(self) -> &'static [usize] {
        match self {
            Colours::Grey => &[0],
            Colours::Colour(ChannelOrder::Rgb) => &[0, 1, 2],
            Colours::Colour(ChannelOrder::Bgr) => &[2, 1, 0],
        }
    }
}

fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((77 * red + 150 * green + 29 * blue) >> 8) as u8
}

/// A prepared change of width.
#[derive(Clone, Debug)]
pub(crate) struct Across<T> {
    /// The bytes of a row that each sample is made of.
    pub(crate) first: Vec<usize>,
    pub(crate) second: Vec<usize>,
    /// Weight of the second, one a sample; then zeros up to a whole step.
    pub(crate) weights: Vec<T>,
    /// How to read them by shuffles, where that is possible.
    pub(crate) fetch: Option<Fetch>,
}

impl<T: Real> Across<T> {
    pub(crate) fn new(colours: Colours, columns: &Axis<T>, width: usize) -> Across<T> {
        let channels = colours.channels();
        let bytes = |pixels: &[usize]| -> Vec<usize> {
            let bytes = |&x: &usize| channels.iter().map(move |c| x * colours.bytes() + c);
            pixels.iter().flat_map(bytes).collect()
        };
        let (first, second) = (bytes(&columns.first), bytes(&columns.second));
        let weights = columns.weights.iter();
        let mut weights: Vec<T> = weights
            .flat_map(|w| std::iter::repeat_n(w[1], channels.len()))
            .collect();
        weights.resize(first.len().next_multiple_of(STEP), T::default());
        Across {
            fetch: Fetch::new(width * colours.bytes(), &first, &second),
            first,
            second,
            weights,
        }
    }
}

/// Rows of an RGB picture, each asked for once at most for a picture, from top to bottom.
pub(crate) trait Rows {
    fn row(&mut self, index: usize) -> &[u8];
}

impl Rows for &Frame {
    fn row(&mut self, index: usize) -> &[u8] {
        let stride = self.stride();
        &self.pixels[index * stride..][..stride]
    }
}

/// A prepared change of size. It keeps the last two rows it scaled, so each row of the picture is
/// read once.
#[derive(Clone, Debug)]
pub(crate) struct Resampler<T> {
    lanes: Lanes,
    colours: Colours,
    across: Across<T>,
    rows: Axis<T>,
    /// A row's luma, where that is scaled.
    grey: Vec<u8>,
    scaled: [Scaled<T>; 2],
}

/// A row of the picture, scaled.
#[derive(Clone, Debug)]
struct Scaled<T> {
    row: Option<usize>,
    /// Whole steps; behind the row's samples they mean nothing.
    values: Vec<T>,
}

/// The two rows that a new one is made of, and their weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a, T> {
    pub(crate) above: &'a [T],
    pub(crate) below: &'a [T],
    pub(crate) weights: [T; 2],
}

impl<T: Real> Resampler<T> {
    pub(crate) fn new(
        lanes: Lanes,
        colours: Colours,
        width: usize,
        columns: &Axis<T>,
        rows: Axis<T>,
    ) -> Resampler<T> {
        let across = Across::new(colours, columns, width);
        let scaled = Scaled {
            row: None,
            values: vec![T::default(); across.weights.len()],
        };
        Resampler {
            lanes,
            colours,
            across,
            rows,
            grey: Vec::new(),
            scaled: [scaled.clone(), scaled],
        }
    }

    /// Forgets the rows of the last picture.
    pub(crate) fn start(&mut self) {
        self.scaled.iter_mut().for_each(|scaled| scaled.row = None);
    }

    /// What row `index` of the new picture is made of, from the rows of a picture.
    pub(crate) fn pair(&mut self, rows: &mut impl Rows, index: usize) -> Pair<'_, T> {
        let (upper, lower) = (self.rows.first[index], self.rows.second[index]);
        if self.scaled[1].row == Some(upper) {
            self.scaled.swap(0, 1);
        }
        self.scale(0, rows, upper);
        self.scale(1, rows, lower);
        let samples = self.across.first.len();
        Pair {
            above: &self.scaled[0].values[..samples],
            below: &self.scaled[1].values[..samples],
            weights: self.rows.weights[index],
        }
    }

    fn scale(&mut self, slot: usize, rows: &mut impl Rows, row: usize) {
        let scaled = &mut self.scaled[slot];
        if scaled.row == Some(row) {
            return;
        }
        scaled.row = Some(row);
        let mut bytes = rows.row(row);
        if self.colours == Colours::Grey {
            self.grey.clear();
            self.grey.extend(bytes.chunks_exact(3).map(luma));
            bytes = &self.grey;
        }
        self.lanes.across(&self.across, bytes, &mut scaled.values);
    }
}
