//! Channels as planes: for each input channel the elements of a band's rows, position by position.
//!
//! Neighbouring positions are neighbouring output pixels, so a term of a sum is the same step away
//! from each of them. Columns past the last pixel of a row are summed too, and dropped. With a stride,
//! a channel has a plane for each remainder of a column (and row) by the stride that its windows
//! meet. Padding is in the planes.

use super::arch::{Arch, Block, SIDE};
use crate::kernel::Task;
use std::ops::Range;
use tincy_network::{Code, Shape};

/// Bytes of a band's planes, so that they stay in the second cache.
const BAND_BYTES: usize = 256 << 10;

/// A cache line.
const LINE: usize = 64;

/// Where positions lie.
#[derive(Debug)]
pub(super) struct Planes {
    input: Shape,
    /// The map of sums.
    pub(super) output: Shape,
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Rows above and columns before the input.
    before: [usize; 2],
    /// The remainders by the stride that windows meet, in y and x.
    remainders: [Vec<usize>; 2],
    /// Output rows of a band.
    pub(super) band: usize,
    /// Rows that a band's windows reach beyond its own.
    below: usize,
    /// Columns of a plane.
    columns: usize,
    /// Bytes from one plane to the next.
    pitch: usize,
}

/// Positions one after the other that are pixels of one row.
pub(super) struct Run {
    /// The first, counted from the tile's.
    pub(super) first: usize,
    /// The pixels, counted from the band's first.
    pub(super) pixels: Range<usize>,
}

impl Planes {
    pub(super) fn new(task: &Task<'_>) -> Planes {
        let c = task.convolution;
        let remainders = [0, 1].map(|i| {
            let mut all: Vec<usize> = (0..c.kernel[i])
                .map(|k| k * c.dilation[i] % c.stride[i])
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        });
        let beyond = [0, 1].map(|i| (c.kernel[i] - 1) * c.dilation[i] / c.stride[i]);
        let output = task.sums();
        let mut planes = Planes {
            input: task.input,
            output,
            stride: c.stride,
            dilation: c.dilation,
            before: [c.padding.top, c.padding.left],
            remainders,
            band: 1,
            below: beyond[0],
            columns: output.width + beyond[1],
            pitch: 0,
        };
        while planes.band < output.height && planes.with_band(planes.band + 1) <= BAND_BYTES {
            planes.band += 1;
        }
        planes.pitch = planes.pitch_of(planes.band);
        planes
    }

    /// An odd number of cache lines, so that the planes' same positions fall into different sets of
    /// the first cache; with room for a row of a transposed block past the end.
    fn pitch_of(&self, band: usize) -> usize {
        let bytes = (band + self.below) * self.columns + SIDE;
        (bytes.div_ceil(LINE) | 1) * LINE
    }

    fn with_band(&self, band: usize) -> usize {
        self.input.channels * self.per_channel() * self.pitch_of(band)
    }

    /// Planes of a channel.
    fn per_channel(&self) -> usize {
        self.remainders[0].len() * self.remainders[1].len()
    }

    /// Bytes of all planes.
    pub(super) fn bytes(&self) -> usize {
        self.with_band(self.band)
    }

    /// How far the element that position `at` of the kernel meets in a channel lies from the output
    /// position itself.
    pub(super) fn place(&self, at: [usize; 2], channel: usize) -> usize {
        let [y, x] = [0, 1].map(|i| at[i] * self.dilation[i]);
        let plane = self.plane(channel, y % self.stride[0], x % self.stride[1]);
        plane * self.pitch + y / self.stride[0] * self.columns + x / self.stride[1]
    }

    fn plane(&self, channel: usize, y: usize, x: usize) -> usize {
        let index = |i: usize, remainder| self.remainders[i].partition_point(|r| *r < remainder);
        channel * self.per_channel() + index(0, y) * self.remainders[1].len() + index(1, x)
    }

    /// Positions of a band of `rows` rows, up to its last pixel.
    pub(super) fn positions(&self, rows: usize) -> usize {
        (rows - 1) * self.columns + self.output.width
    }

    /// Vectors of positions of the whole map.
    pub(super) fn vectors(&self, lanes: usize) -> usize {
        let vectors = |rows: usize| match rows {
            0 => 0,
            rows => self.positions(rows).div_ceil(lanes),
        };
        let (bands, rest) = (
            self.output.height / self.band,
            self.output.height % self.band,
        );
        bands * vectors(self.band) + vectors(rest)
    }

    /// The pixels among some positions, row by row.
    pub(super) fn runs(&self, positions: Range<usize>) -> impl Iterator<Item = Run> {
        let (columns, width) = (self.columns, self.output.width);
        let rows = positions.start / columns..positions.end.div_ceil(columns);
        rows.filter_map(move |y| {
            let first = positions.start.max(y * columns);
            let end = positions.end.min(y * columns + width);
            let back = y * (columns - width);
            (first < end).then(|| Run {
                first: first - positions.start,
                pixels: first - back..end - back,
            })
        })
    }

    /// Turns what the windows of a band see into planes of elements, `code - smallest code`.
    pub(super) fn fill<A: Arch>(
        &self,
        arch: A,
        codes: &[u8],
        code: Code,
        band: &Range<usize>,
        planes: &mut [u8],
    ) {
        planes.fill((code.zero - code.min()) as u8);
        for first in (0..self.input.channels).step_by(SIDE) {
            for y in &self.remainders[0] {
                for row in 0..band.len() + self.below {
                    let from = ((band.start + row) * self.stride[0] + y)
                        .checked_sub(self.before[0])
                        .filter(|from| *from < self.input.height);
                    let Some(from) = from else { continue };
                    for x in &self.remainders[1] {
                        let start = self.plane(first, *y, *x) * self.pitch + row * self.columns;
                        let to = &mut planes[start..];
                        self.fill_row(arch, codes, code, [from, *x], first, to);
                    }
                }
            }
        }
    }

    /// One row of some channels' planes: elements of a row of the input, from the channel `first` on,
    /// whose columns have a remainder.
    fn fill_row<A: Arch>(
        &self,
        arch: A,
        codes: &[u8],
        code: Code,
        [row, remainder]: [usize; 2],
        first: usize,
        to: &mut [u8],
    ) {
        let Shape {
            width, channels, ..
        } = self.input;
        // Column `j` is column `j * stride + remainder - before` of the input.
        let column = |x: usize| {
            let steps = (x + self.before[1]).saturating_sub(remainder);
            steps.div_ceil(self.stride[1]).min(self.columns)
        };
        let end = column(width);
        for start in (column(0)..end).step_by(BLOCKS * SIDE) {
            let x = start * self.stride[1] + remainder - self.before[1];
            let pixels = Pixels {
                codes: &codes[(row * width + x) * channels + first..],
                pitch: self.stride[1] * channels,
                count: (BLOCKS * SIDE).min(end - start),
                channels: SIDE.min(channels - first),
            };
            let mut blocks = [[[code.zero as u8; SIDE]; SIDE]; BLOCKS];
            let blocks = &mut blocks[..pixels.count.div_ceil(SIDE)];
            pixels.read(blocks);
            if code.min() != 0 {
                let bytes = blocks.as_flattened_mut().as_flattened_mut().iter_mut();
                bytes.for_each(|byte| *byte = byte.wrapping_sub(code.min() as u8));
            }
            arch.transpose(blocks);
            let pitch = self.per_channel() * self.pitch;
            for (i, block) in blocks.iter().enumerate() {
                write(
                    &block[..pixels.channels],
                    &mut to[start + i * SIDE..],
                    pitch,
                );
            }
        }
    }
}

/// Blocks that are transposed at once.
const BLOCKS: usize = 4;

/// Writes whole rows of a block. What they have past the end of a row of the planes is padding, where
/// padding is, where the next row comes, or between planes.
fn write(block: &[[u8; SIDE]], to: &mut [u8], pitch: usize) {
    for (i, row) in block.iter().enumerate() {
        let Some(to) = to[i * pitch..].first_chunk_mut() else {
            panic!("planes without room between them");
        };
        *to = *row;
    }
}

/// Some channels of pixels one after the other.
struct Pixels<'a> {
    codes: &'a [u8],
    pitch: usize,
    count: usize,
    channels: usize,
}

impl Pixels<'_> {
    /// Copies the codes to blocks, a row for each pixel.
    fn read(&self, blocks: &mut [Block]) {
        let rows = blocks.as_flattened_mut().iter_mut().take(self.count);
        for (i, row) in rows.enumerate() {
            let codes = &self.codes[i * self.pitch..];
            match codes.first_chunk() {
                Some(whole) => *row = *whole,
                None => row[..self.channels].copy_from_slice(&codes[..self.channels]),
            }
        }
    }
}
