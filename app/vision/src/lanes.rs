//! The inner loops over pixels, compiled for the instruction sets that a CPU may have.
//!
//! There is one source for each loop; only the reading of samples for [`Lanes::across`] differs.
//! It multiplies and adds without contraction, so every compilation of it gives the same bits.
#![allow(unsafe_code)]

use crate::axis::Real;
use crate::fetch::{self, Fetch, STEP};
use crate::pixel::Matrix;
use crate::resample::{Across, Pair};

/// The instruction set that the loops run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// What the compiler makes of the plain loops. On aarch64 only tests ask for it.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code))]
    Baseline,
    /// AVX2; made only by [`Lanes::best`], where the CPU has it.
    #[cfg(target_arch = "x86_64")]
    Avx2(Proof),
    /// NEON, which every CPU of the architecture has.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// That AVX2 was found.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof(());

/// Runs a loop as the instruction set asks.
macro_rules! on {
    ($lanes:expr, $body:ident, $avx2:ident, ($($argument:expr),*)) => {
        match $lanes {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Proof` exists only where AVX2 was found.
            Lanes::Avx2(_) => unsafe { $avx2($($argument),*) },
            _ => $body($($argument),*),
        }
    };
}

impl Lanes {
    /// The best that this CPU has.
    pub(crate) fn best() -> Lanes {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return Lanes::Avx2(Proof(()));
        }
        #[cfg(target_arch = "aarch64")]
        return Lanes::Neon;
        #[cfg(not(target_arch = "aarch64"))]
        Lanes::Baseline
    }

    /// A row of bytes scaled: `first * (1 - weight) + second * weight`, for each sample.
    pub(crate) fn across<T: Real>(self, across: &Across<T>, row: &[u8], out: &mut [T]) {
        match (self, &across.fetch) {
            #[cfg(target_arch = "x86_64")]
            (Lanes::Avx2(_), Some(fetch)) => {
                // SAFETY: `Proof` exists only where AVX2 was found.
                unsafe { across_avx2(fetch, row, &across.weights, out) }
            }
            #[cfg(target_arch = "aarch64")]
            (Lanes::Neon, Some(fetch)) => across_neon(fetch, row, &across.weights, out),
            _ => across_plain(across, row, out),
        }
    }

    /// `above * weights[0] + below * weights[1]`, for each value.
    pub(crate) fn down(self, pair: Pair<f32>, out: &mut [f32]) {
        on!(self, down, down_avx2, (pair, out));
    }

    /// The same, rounded half up to 8 bits.
    pub(crate) fn down_to_bytes(self, pair: Pair<f64>, out: &mut [u8]) {
        on!(self, down_to_bytes, down_to_bytes_avx2, (pair, out));
    }

    /// `byte / 255` for each byte.
    pub(crate) fn fractions(self, bytes: &[u8], out: &mut [f32]) {
        on!(self, fractions, fractions_avx2, (bytes, out));
    }

    /// Pairs of bytes taken apart: the first ones and the second ones.
    pub(crate) fn split(self, pairs: &[u8], first: &mut [u8], second: &mut [u8]) {
        on!(self, split, split_avx2, (pairs, first, second));
    }

    /// A row of luma and chroma to RGB; each chroma sample belongs to `step` pixels.
    pub(crate) fn colours(self, matrix: &Matrix, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
        #[cfg(target_arch = "aarch64")]
        if self == Lanes::Neon {
            return crate::pixel_neon::line(matrix, planes, step, line);
        }
        on!(self, colours, colours_avx2, (matrix, planes, step, line));
    }
}

fn across_plain<T: Real>(across: &Across<T>, row: &[u8], out: &mut [T]) {
    let places = across.first.iter().zip(&across.second);
    for ((out, (&first, &second)), &weight) in out.iter_mut().zip(places).zip(&across.weights) {
        let [first, second] = [first, second].map(|at| T::sample(i32::from(row[at])));
        *out = first.blend(weight.rest(), second, weight);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn across_avx2<T: Real>(fetch: &Fetch, row: &[u8], weights: &[T], out: &mut [T]) {
    let (weights, out) = (weights.as_chunks().0, out.as_chunks_mut().0);
    for (((step, row), weights), out) in fetch.steps(row).zip(weights).zip(out) {
        // SAFETY: step and row come from `Fetch::steps`.
        let samples = unsafe { fetch::samples_avx2(step, row) };
        blend(samples, weights, out);
    }
}

#[cfg(target_arch = "aarch64")]
fn across_neon<T: Real>(fetch: &Fetch, row: &[u8], weights: &[T], out: &mut [T]) {
    let (weights, out) = (weights.as_chunks().0, out.as_chunks_mut().0);
    for (((step, row), weights), out) in fetch.steps(row).zip(weights).zip(out) {
        // SAFETY: step and row come from `Fetch::steps`.
        let samples = unsafe { fetch::samples_neon(step, row) };
        blend(samples, weights, out);
    }
}

#[inline(always)]
fn blend<T: Real>([first, second]: [[i32; STEP]; 2], weights: &[T; STEP], out: &mut [T; STEP]) {
    for i in 0..STEP {
        let (first, second) = (T::sample(first[i]), T::sample(second[i]));
        out[i] = first.blend(weights[i].rest(), second, weights[i]);
    }
}

#[inline(always)]
fn down(pair: Pair<f32>, out: &mut [f32]) {
    let rows = pair.above.iter().zip(pair.below);
    for (out, (above, below)) in out.iter_mut().zip(rows) {
        *out = above.blend(pair.weights[0], *below, pair.weights[1]);
    }
}

#[inline(always)]
fn down_to_bytes(pair: Pair<f64>, out: &mut [u8]) {
    let rows = pair.above.iter().zip(pair.below);
    for (out, (above, below)) in out.iter_mut().zip(rows) {
        *out = floor_to_byte(above.blend(pair.weights[0], *below, pair.weights[1]) + 0.5);
    }
}

/// `level as u8`, in a form that is vectorised.
#[inline(always)]
fn floor_to_byte(level: f64) -> u8 {
    let level = if level > 0.0 { level } else { 0.0 };
    let level = if level < 255.0 { level } else { 255.0 };
    // SAFETY: it is 0 to 255, and not NaN, which the first comparison made 0.
    unsafe { level.to_int_unchecked::<i32>() as u8 }
}

#[inline(always)]
fn fractions(bytes: &[u8], out: &mut [f32]) {
    for (out, &byte) in out.iter_mut().zip(bytes) {
        *out = f32::sample(i32::from(byte));
    }
}

#[inline(always)]
fn colours(matrix: &Matrix, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
    matrix.line(planes, step, line);
}

#[inline(always)]
fn split(pairs: &[u8], first: &mut [u8], second: &mut [u8]) {
    let (pairs, _) = pairs.as_chunks::<2>();
    let out = first.iter_mut().zip(second);
    for (pair, (first, second)) in pairs.iter().zip(out) {
        (*first, *second) = (pair[0], pair[1]);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn split_avx2(pairs: &[u8], first: &mut [u8], second: &mut [u8]) {
    split(pairs, first, second);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn down_avx2(pair: Pair<f32>, out: &mut [f32]) {
    down(pair, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn down_to_bytes_avx2(pair: Pair<f64>, out: &mut [u8]) {
    down_to_bytes(pair, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fractions_avx2(bytes: &[u8], out: &mut [f32]) {
    fractions(bytes, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn colours_avx2(matrix: &Matrix, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
    colours(matrix, planes, step, line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::{Axis, Direction};
    use crate::resample::Colours;
    use proptest::prelude::*;
    use tincy_network::ChannelOrder;

    /// A row scaled on every road to the same bits.
    fn across<T: Real + PartialEq + std::fmt::Debug>(
        colours: Colours,
        row: &[u8],
        pixels: usize,
        columns: &Axis<T>,
    ) -> Vec<T> {
        let across = Across::new(colours, columns, pixels);
        let run = |lanes: Lanes| {
            let mut out = vec![T::default(); across.weights.len()];
            lanes.across(&across, row, &mut out);
            out.truncate(across.first.len());
            out
        };
        let plain = run(Lanes::Baseline);
        assert_eq!(run(Lanes::best()), plain);
        plain
    }

    fn pair<T: Real>(values: &[T], weight: T) -> Pair<'_, T> {
        let (above, below) = values.split_at(values.len() / 2);
        Pair {
            above,
            below: &below[..above.len()],
            weights: [weight.rest(), weight],
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_same_bits(
            row in prop::collection::vec(any::<u8>(), 3..600),
            new in 1usize..150,
            weight in 0.0f64..1.0,
            kind in 0..3usize,
        ) {
            let orders = [ChannelOrder::Rgb, ChannelOrder::Bgr].map(Colours::Colour);
            let colours = [Colours::Grey, orders[0], orders[1]][kind];
            let pixels = if kind == 0 { row.len() } else { row.len() / 3 };
            let row = &row[..if kind == 0 { pixels } else { 3 * pixels }];

            let floats = across(colours, row, pixels, &Axis::aligned(pixels, new, Direction::Columns));
            let down = |lanes: Lanes| {
                let mut out = vec![0.0; floats.len() / 2];
                lanes.down(pair(&floats, weight as f32), &mut out);
                out
            };
            assert_eq!(down(Lanes::best()), down(Lanes::Baseline));

            let doubles = across(colours, row, pixels, &Axis::half_pixel(pixels, new));
            let down = |lanes: Lanes| {
                let mut bytes = vec![0; doubles.len() / 2];
                lanes.down_to_bytes(pair(&doubles, weight), &mut bytes);
                let mut out = vec![0.0; bytes.len()];
                lanes.fractions(&bytes, &mut out);
                (bytes, out)
            };
            assert_eq!(down(Lanes::best()), down(Lanes::Baseline));
        }
    }
}
