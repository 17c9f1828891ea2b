//! The inner loops over pixels, compiled for the instruction sets that a CPU may have.
//!
//! There is one source for each loop. It multiplies and adds without contraction, so every
//! compilation of it gives the same bits; on aarch64 NEON is the baseline.
#![allow(unsafe_code)]

use crate::axis::Real;
use crate::pixel::Matrix;

/// The instruction set that the loops run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// What every CPU of the architecture has.
    Baseline,
    /// AVX2; made only by [`Lanes::best`], where the CPU has it.
    #[cfg(target_arch = "x86_64")]
    Avx2(Proof),
}

/// That AVX2 was found.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof(());

impl Lanes {
    /// The best that this CPU has.
    pub(crate) fn best() -> Lanes {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return Lanes::Avx2(Proof(()));
        }
        Lanes::Baseline
    }

    /// `first * (1 - weight) + second * weight`, for each sample.
    pub(crate) fn horizontal<T: Real>(
        self,
        first: &[u8],
        second: &[u8],
        weights: &[T],
        out: &mut [T],
    ) {
        match self {
            Lanes::Baseline => horizontal(first, second, weights, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Proof` exists only where AVX2 was found.
            Lanes::Avx2(_) => unsafe { horizontal_avx2(first, second, weights, out) },
        }
    }

    /// `above * weights[0] + below * weights[1]`, for each value.
    pub(crate) fn vertical<T: Real>(
        self,
        above: &[T],
        below: &[T],
        weights: [T; 2],
        out: &mut [T],
    ) {
        match self {
            Lanes::Baseline => vertical(above, below, weights, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Proof` exists only where AVX2 was found.
            Lanes::Avx2(_) => unsafe { vertical_avx2(above, below, weights, out) },
        }
    }

    /// A row of luma and chroma to RGB; each chroma sample belongs to `step` pixels.
    pub(crate) fn colours(self, matrix: &Matrix, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
        match self {
            Lanes::Baseline => matrix.line(planes, step, line),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Proof` exists only where AVX2 was found.
            Lanes::Avx2(_) => unsafe { colours_avx2(matrix, planes, step, line) },
        }
    }
}

#[inline(always)]
fn horizontal<T: Real>(first: &[u8], second: &[u8], weights: &[T], out: &mut [T]) {
    let count = out.len();
    let (first, second, weights) = (&first[..count], &second[..count], &weights[..count]);
    for i in 0..count {
        let (a, b) = (T::sample(first[i]), T::sample(second[i]));
        out[i] = a.blend(weights[i].rest(), b, weights[i]);
    }
}

#[inline(always)]
fn vertical<T: Real>(above: &[T], below: &[T], weights: [T; 2], out: &mut [T]) {
    let count = out.len();
    let (above, below) = (&above[..count], &below[..count]);
    for i in 0..count {
        out[i] = above[i].blend(weights[0], below[i], weights[1]);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn horizontal_avx2<T: Real>(first: &[u8], second: &[u8], weights: &[T], out: &mut [T]) {
    horizontal(first, second, weights, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn vertical_avx2<T: Real>(above: &[T], below: &[T], weights: [T; 2], out: &mut [T]) {
    vertical(above, below, weights, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn colours_avx2(matrix: &Matrix, planes: [&[u8]; 3], step: usize, line: &mut [u8]) {
    matrix.line(planes, step, line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same<T: Real + PartialEq + std::fmt::Debug>(bytes: &[[u8; 2]], weights: &[T]) {
        let count = bytes.len();
        let [first, second] = [0, 1].map(|i| bytes.iter().map(|b| b[i]).collect::<Vec<u8>>());
        let run = |lanes: Lanes| {
            let mut across = vec![T::default(); count];
            lanes.horizontal(&first, &second, weights, &mut across);
            let mut down = vec![T::default(); count];
            let pair = [weights.first().copied().unwrap_or_default(); 2];
            lanes.vertical(&across, weights, pair, &mut down);
            (across, down)
        };
        assert_eq!(run(Lanes::best()), run(Lanes::Baseline));
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_same_bits(
            samples in prop::collection::vec((any::<[u8; 2]>(), 0.0f64..1.0), 0..300),
        ) {
            let (bytes, weights): (Vec<[u8; 2]>, Vec<f64>) = samples.into_iter().unzip();
            let floats: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
            same(&bytes, &weights);
            same(&bytes, &floats);
        }
    }
}
