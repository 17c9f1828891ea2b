//! Sums to outputs: thresholds in 16 bits where that is proved, everything else in 32.

#![allow(unsafe_code)]

use super::arch::{Arch, MAX_LANES};
use super::geometry::{Pooling, Target};
use super::pack::{self, Block, Packed};
use crate::parts::Parts;
use crate::tensor::TensorMut;
use tincy_network::accumulator::Bound;
use tincy_network::{Affine, Number};

/// What becomes of a sum, packed for the lanes.
pub(super) enum Finish {
    /// Accumulators of 16 bits against thresholds of 16 bits, in the order of the lanes.
    Narrow(Packed<i16>),
    /// The same in 32 bits.
    Wide(Packed<i32>),
    /// One product, one sum, an activation, and rounding to a code if the output is one.
    Affine(Affine),
}

/// The map that is written.
#[derive(Clone, Copy)]
pub(super) enum Output<'a> {
    /// Codes, signed or not.
    Codes(Parts<'a, u8>),
    /// Floats.
    Floats(Parts<'a, f32>),
}

impl<'a> Output<'a> {
    pub(super) fn new(map: TensorMut<'a>) -> Output<'a> {
        match map {
            TensorMut::F32(floats) => Output::Floats(Parts::new(floats)),
            TensorMut::U8(codes) => Output::Codes(Parts::new(codes)),
            TensorMut::I8(codes) => Output::Codes(Parts::new(bytemuck::cast_slice_mut(codes))),
        }
    }
}

impl Finish {
    /// The finish of a layer whose sums are of 16 bits if `narrow`, or `None` if they cannot be pooled in the
    /// same pass.
    pub(super) fn new<A: Arch>(
        finish: &tincy_network::Finish,
        narrow: bool,
        pooling: Pooling,
        blocks: &[Block],
    ) -> Option<Finish> {
        match finish {
            tincy_network::Finish::Thresholds(t) if narrow => {
                Some(Finish::Narrow(pack::narrow::<A>(t, blocks)))
            }
            tincy_network::Finish::Thresholds(t) => Some(Finish::Wide(pack::wide::<A>(t, blocks))),
            tincy_network::Finish::Affine(affine) => {
                (pooling == Pooling::No).then(|| Finish::Affine(affine.clone()))
            }
            tincy_network::Finish::Requantize(_) => None,
        }
    }

    /// Whether sums are widened to 32 bits.
    pub(super) fn is_wide(&self) -> bool {
        !matches!(self, Finish::Narrow(_))
    }
}

/// Whether accumulators fit 16 bits, with the least number to spare.
pub(super) fn fits_narrow(bound: Bound) -> bool {
    bound.min > i64::from(i16::MIN) && bound.max <= i64::from(i16::MAX)
}

/// Output pixels of a block of channels that are finished one after another.
pub(super) struct Run<'a, T> {
    /// Sums of whole patches, lanes for each slot.
    pub sums: &'a [T],
    /// The slot of the first of these.
    pub first_slot: usize,
    /// What becomes of them; those with a pixel from `end` on do not exist.
    pub targets: &'a [Target],
    pub end: u32,
    /// Sums of codes under the windows of a band.
    pub areas: &'a [i32],
    /// Pixels that become one: 1, or the 4 under a pool's window.
    pub window: usize,
    /// What the sums are shifted by.
    pub shift: u32,
    /// The map that is written, where the band and the block begin in it, and the steps to the next pixel.
    pub codes: Parts<'a, u8>,
    pub first_code: usize,
    pub pitch: usize,
    /// Channels that are written.
    pub count: usize,
}

/// The pixels that become one output pixel, and the codes that are written.
pub(super) struct Pixels<'a, T, const N: usize> {
    /// Lanes of each.
    pub sums: [&'a [T]; N],
    /// Sum of the codes under each one's window.
    pub areas: [i32; N],
    /// Codes of the block's channels.
    pub codes: &'a mut [u8],
}

impl<T> Run<'_, T> {
    /// What output pixel `n` is made of, if there is such a pixel; `N` is the window's size.
    #[inline(always)]
    pub(super) fn pixels<const N: usize>(
        &mut self,
        n: usize,
        lanes: usize,
    ) -> Option<Pixels<'_, T, N>> {
        let target = &self.targets[n];
        if target.pixel >= self.end {
            return None;
        }
        let first = self.first_code + target.pixel as usize * self.pitch;
        let (mut sums, mut areas) = ([[].as_slice(); N], [0; N]);
        for i in 0..N {
            sums[i] = &self.sums[(target.slots[i] as usize - self.first_slot) * lanes..][..lanes];
            areas[i] = self.areas[target.areas[i] as usize];
        }
        Some(Pixels {
            sums,
            areas,
            // SAFETY: members have blocks of channels, or rows, of their own, and a pixel's codes borrow
            // the run, so they are let go before the next one's are asked for.
            codes: unsafe { self.codes.part(first..first + self.count) },
        })
    }
}

/// The largest accumulator under a pool's window (or the only one) of each lane, in 32 bits.
#[inline(always)]
pub(super) fn accumulators(
    sums: [&[i32]; 4],
    areas: [i32; 4],
    count: usize,
    shift: u32,
) -> [i32; MAX_LANES] {
    let mut largest = [i32::MIN; MAX_LANES];
    for (sums, area) in sums.into_iter().zip(areas).take(count) {
        for (largest, sum) in largest.iter_mut().zip(sums) {
            *largest = (*largest).max((sum << shift) - area);
        }
    }
    largest
}

/// [`Arch::wide_codes`] in plain Rust, for sums and thresholds in natural order.
#[inline(always)]
pub(super) fn wide_codes<const LANES: usize>(mut run: Run<'_, i32>, thresholds: &[i32]) {
    let shift = run.shift;
    for n in 0..run.targets.len() {
        if run.window == 1 {
            count_reached::<1, LANES>(run.pixels(n, LANES), shift, thresholds);
        } else {
            count_reached::<4, LANES>(run.pixels(n, LANES), shift, thresholds);
        }
    }
}

#[inline(always)]
fn count_reached<const N: usize, const LANES: usize>(
    pixels: Option<Pixels<'_, i32, N>>,
    shift: u32,
    thresholds: &[i32],
) {
    let Some(pixels) = pixels else { return };
    let mut largest = [i32::MIN; LANES];
    for (sums, area) in pixels.sums.into_iter().zip(pixels.areas) {
        for (largest, sum) in largest.iter_mut().zip(sums) {
            *largest = (*largest).max((sum << shift) - area);
        }
    }
    let mut counts = [0i32; LANES];
    for step in thresholds.as_chunks::<LANES>().0 {
        for ((count, acc), t) in counts.iter_mut().zip(largest).zip(step) {
            *count += i32::from(acc > *t);
        }
    }
    for (code, count) in pixels.codes.iter_mut().zip(counts) {
        *code = count as u8;
    }
}

/// Replaces codes by others that are larger, sixteen at a time.
pub(super) fn keep_larger(codes: &mut [u8], others: &[u8]) {
    let (codes, rest) = codes.as_chunks_mut::<16>();
    let (others, others_rest) = others.as_chunks::<16>();
    for (codes, others) in codes.iter_mut().zip(others) {
        *codes = std::array::from_fn(|i| codes[i].max(others[i]));
    }
    for (code, other) in rest.iter_mut().zip(others_rest) {
        *code = (*code).max(*other);
    }
}

/// The real outputs of a block's channels, from accumulators in the order of wide lanes.
#[inline(always)]
fn affine<'a, A: Arch>(
    affine: &'a Affine,
    block: &'a Block,
    accumulators: &'a [i32; MAX_LANES],
) -> impl Iterator<Item = f32> + 'a {
    let bias = affine.bias[block.first..][..block.count].iter();
    bias.enumerate().map(move |(channel, bias)| {
        let scale = affine.scale.get(block.first + channel);
        let product = accumulators[A::wide_lane(channel)] as f32 * scale.copied().unwrap_or(1.0);
        affine.activation.apply(product + bias)
    })
}

/// Writes a block's channels of one pixel.
///
/// # Safety
/// No other thread may hold a part of `output` that overlaps `range`.
pub(super) unsafe fn write_affine<A: Arch>(
    finish: &Affine,
    block: &Block,
    accumulators: &[i32; MAX_LANES],
    output: &Output<'_>,
    range: std::ops::Range<usize>,
) {
    let values = affine::<A>(finish, block, accumulators);
    match (output, finish.output) {
        (Output::Floats(floats), _) => {
            // SAFETY: promised by the caller.
            let out = unsafe { floats.part(range) };
            out.iter_mut()
                .zip(values)
                .for_each(|(out, value)| *out = value);
        }
        (Output::Codes(codes), Number::Code(code)) => {
            // SAFETY: promised by the caller.
            let out = unsafe { codes.part(range) };
            let bytes = values.map(|value| code.quantize(value) as u8);
            out.iter_mut()
                .zip(bytes)
                .for_each(|(out, byte)| *out = byte);
        }
        (Output::Codes(_), Number::F32) => unreachable!("a real output has a map of floats"),
    }
}
