//! Loops over many values, in the vectors of the CPU. Sums are in f64, eight side by side, in an
//! order that depends on nothing but the number of values.
//!
//! Closures take what they need by value (`move`): behind a reference, the compiler must expect
//! each store to change it, and gives up vectors.

use crate::vector::vectorised;

/// The sum of `term` over two slices of equal length.
#[inline(always)]
pub(super) fn sum2(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    vectorised(
        #[inline(always)]
        move || {
            let mut lanes = [0.0f64; 8];
            let (a_eights, b_eights) = (a.chunks_exact(8), b.chunks_exact(8));
            let rest = a_eights.remainder().iter().zip(b_eights.remainder());
            let rest: f64 = rest.map(|(a, b)| f64::from(term(*a, *b))).sum();
            for (a, b) in a_eights.zip(b_eights) {
                for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                    *lane += f64::from(term(*a, *b));
                }
            }
            lanes.iter().sum::<f64>() + rest
        },
    )
}

/// Writes `change` of each value.
#[inline(always)]
pub(super) fn map(values: &[f32], out: &mut [f32], change: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        move || {
            for (value, out) in values.iter().zip(out) {
                *out = change(*value);
            }
        },
    );
}

/// Changes each gradient by what its value is.
#[inline(always)]
pub(super) fn turn(values: &[f32], gradient: &mut [f32], change: impl Fn(f32, f32) -> f32) {
    vectorised(
        #[inline(always)]
        move || {
            for (value, gradient) in values.iter().zip(gradient) {
                *gradient = change(*value, *gradient);
            }
        },
    );
}

/// The sum of `term` over a slice.
#[inline(always)]
pub(super) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    sum2(values, values, |value, _| term(value))
}

/// The mean magnitude; 0 of no values.
pub(super) fn mean_magnitude(values: &[f32]) -> f32 {
    (sum(values, f32::abs) / values.len().max(1) as f64) as f32
}

/// The largest magnitude; 0 of no values.
pub(super) fn largest_magnitude(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest: f32, value| largest.max(value.abs()))
}
