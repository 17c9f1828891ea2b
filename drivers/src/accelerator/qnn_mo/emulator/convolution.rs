//! Sums of 16 bits, thresholds and the pool of one start, in exact integers.
//!
//! Codes are cut into planes of bits, so that 64 products are one population count: the sum of
//! `+-code` is the sum of all codes under the kernel, the same for every output channel, less twice
//! those whose weight is -1, `count(plane & weights)` of each plane.

use super::chip::Chip;
use super::request::Request;
use crate::memory::bus::Bus;

/// Computes the map of a start: whole pixels, zero behind the last channel.
pub(super) fn run(request: &Request, chip: &Chip, bus: &Bus) -> Result<Vec<u8>, String> {
    let limits = chip.limits();
    let pixel = (limits.pixel_words() * limits.word_bytes) as usize;
    let count = request.size * request.size * pixel;
    let map = bus.read(request.in1, count);
    let map = map.ok_or_else(|| format!("no input of {count} bytes at {:#x}", request.in1))?;
    let planes = Planes::new(request, chip, &map, pixel);
    let totals = planes.totals(request);
    let channels = request.outputs.next_multiple_of(limits.pe as usize);
    let mut output = vec![0; request.written() * request.written() * pixel];
    for channel in 0..channels {
        let mut codes = sums_to_codes(request, chip, &planes, &totals, channel);
        if request.pools {
            codes = pool(request, limits.pool_size as usize, &codes);
        }
        for (pixel, code) in output.chunks_exact_mut(pixel).zip(codes) {
            put(pixel, channel * planes.bits, code);
        }
    }
    Ok(output)
}

/// Writes the bits of a code into a pixel that is zero there.
fn put(pixel: &mut [u8], first: usize, code: u8) {
    let wide = u16::from(code) << (first % 8);
    pixel[first / 8] |= wide as u8;
    if wide > 0xff {
        pixel[first / 8 + 1] |= (wide >> 8) as u8;
    }
}

/// A padded map, cut into planes: `[row][column][block][plane]`.
struct Planes {
    words: Vec<u64>,
    blocks: usize,
    bits: usize,
    padded: usize,
}

impl Planes {
    /// The blocks of lanes that have a channel; what lies behind them in a pixel is dropped.
    fn new(request: &Request, chip: &Chip, map: &[u8], pixel: usize) -> Planes {
        let (lanes, bits) = (
            chip.limits().simd as usize,
            chip.limits().activation_bits as usize,
        );
        let (size, padded) = (request.size, request.padded);
        let blocks = request.inputs.div_ceil(lanes);
        // Padding is code 0; an odd row of it is at the end.
        let before = (padded - size) / 2;
        let mut words = vec![0; padded * padded * blocks * bits];
        for (index, pixel) in map.chunks_exact(pixel).enumerate() {
            let (row, column) = (index / size + before, index % size + before);
            let at = (row * padded + column) * blocks * bits;
            let place = &mut words[at..][..blocks * bits];
            for lane in 0..blocks * lanes {
                let planes = &mut place[lane / lanes * bits..][..bits];
                for (bit, plane) in planes.iter_mut().enumerate() {
                    let first = lane * bits + bit;
                    let set = pixel[first / 8] >> (first % 8) & 1;
                    *plane |= u64::from(set) << (lane % lanes);
                }
            }
        }
        Planes {
            words,
            blocks,
            bits,
            padded,
        }
    }

    /// The sum of all codes under the kernel, at each place of it.
    fn totals(&self, request: &Request) -> Vec<i32> {
        let Request { kernel, sums, .. } = *request;
        let ones = vec![u64::MAX; kernel * self.blocks];
        let place = |index: usize| (0..kernel).map(move |y| (index / sums + y, index % sums));
        let row = |(row, column)| minus(self.row(row, column, kernel), &ones, self.bits);
        (0..sums * sums)
            .map(|index| place(index).map(row).sum())
            .collect()
    }

    /// All planes of a run of pixels in one row.
    fn row(&self, row: usize, column: usize, pixels: usize) -> &[u64] {
        let one = self.blocks * self.bits;
        &self.words[(row * self.padded + column) * one..][..pixels * one]
    }
}

/// The codes of one output channel, before any pool.
fn sums_to_codes(
    request: &Request,
    chip: &Chip,
    planes: &Planes,
    totals: &[i32],
    channel: usize,
) -> Vec<u8> {
    let Request { kernel, sums, .. } = *request;
    let weights = chip.weights(channel, kernel * kernel * planes.blocks);
    let (steps, complement) = chip.thresholds(channel);
    let code = |sum: i16| {
        let reached = steps.iter().filter(|step| sum >= **step).count();
        (if complement {
            steps.len() - reached
        } else {
            reached
        }) as u8
    };
    let pixels = totals.iter().enumerate().map(|(index, total)| {
        let (row, column) = (index / sums, index % sums);
        let lines = weights.chunks_exact(kernel * planes.blocks).enumerate();
        let lines = lines
            .map(|(y, weights)| minus(planes.row(row + y, column, kernel), weights, planes.bits));
        // The adders of the core have 16 bits.
        code((total - 2 * lines.sum::<i32>()) as i16)
    });
    pixels.collect()
}

/// The sum of the codes whose weight bit is 1, in one row of the kernel.
fn minus(planes: &[u64], weights: &[u64], bits: usize) -> i32 {
    let lanes = planes.chunks_exact(bits).zip(weights);
    let sums = lanes.map(|(planes, weight)| {
        let planes = planes.iter().enumerate();
        let counts = planes.map(|(bit, plane)| (plane & weight).count_ones() << bit);
        counts.sum::<u32>()
    });
    sums.sum::<u32>() as i32
}

/// The largest code under each window of a map that is padded with code 0, an odd row at the end.
fn pool(request: &Request, window: usize, codes: &[u8]) -> Vec<u8> {
    let Request {
        sums,
        pool_in,
        pool_out,
        pool_stride,
        ..
    } = *request;
    let before = (pool_in - sums) / 2;
    let at = |row: usize, column: usize| {
        let inside = |at: usize| at.checked_sub(before).filter(|at| *at < sums);
        let index = inside(row).zip(inside(column));
        index.map_or(0, |(row, column)| codes[row * sums + column])
    };
    let windows = (0..pool_out * pool_out).map(|index| {
        let (row, column) = (
            (index / pool_out) << pool_stride,
            (index % pool_out) << pool_stride,
        );
        let under = (0..window * window).map(|i| at(row + i / window, column + i % window));
        under.max().unwrap_or(0)
    });
    windows.collect()
}
