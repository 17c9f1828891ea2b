//! The inner loops in plain Rust, in a form that the compiler vectorises for any baseline.
#![allow(unsafe_code)]

use super::finish::Rows;
use super::tile::{LANES, Strip, Tiles};

/// Channels that are summed at once: with four pixels, eight registers of four floats.
const HALF: usize = LANES / 2;

#[derive(Clone, Copy)]
pub(super) struct Portable;

// SAFETY: `add_dense` and `add_depthwise` read and write through the strip's addresses exactly what
// the trait allows.
unsafe impl Tiles for Portable {
    const PIXELS: usize = 4;
    const NAMES: [&'static str; 3] = [
        "portable-f32-gemm",
        "portable-f32-pointwise",
        "portable-f32-depthwise",
    ];

    unsafe fn dense(self, strip: &Strip<'_>) {
        let halves = if strip.wide { 2 } else { 1 };
        let mut first = 0;
        while first < strip.origins.len() {
            let count = strip.tile_pixels(first, Self::PIXELS);
            for half in 0..halves {
                // SAFETY: passed on from the caller; `half * HALF` stays within a panel, and
                // `first + count` pixels are the strip's.
                unsafe {
                    match count {
                        4 => add_dense::<4>(strip, first, half * HALF),
                        3 => add_dense::<3>(strip, first, half * HALF),
                        2 => add_dense::<2>(strip, first, half * HALF),
                        _ => add_dense::<1>(strip, first, half * HALF),
                    }
                }
            }
            first += count;
        }
    }

    unsafe fn depthwise(self, strip: &Strip<'_>) {
        for p in 0..strip.origins.len() {
            // SAFETY: passed on from the caller; `p` is one of the strip's pixels.
            unsafe { add_depthwise(strip, p) }
        }
    }

    unsafe fn finish(self, rows: &Rows<'_>) {
        // SAFETY: passed on from the caller.
        unsafe { rows.store() }
    }
}

/// # Safety
/// As [`Tiles::dense`], with `first + P` at most the strip's pixels and `lane + HALF <= LANES`.
unsafe fn add_dense<const P: usize>(strip: &Strip<'_>, first: usize, lane: usize) {
    let mut sums = [[0f32; HALF]; P];
    let windows = strip.windows::<P>(first);
    // SAFETY: every offset lies within what the trait lets a strip read and write.
    unsafe {
        let result = strip.sums.add(first * LANES + lane);
        if !strip.fresh {
            for p in 0..P {
                sums[p] = *result.add(p * LANES).cast();
            }
        }
        let mut weights = strip.weights.add(lane);
        for run in strip.runs {
            for i in 0..strip.run {
                let row: [f32; HALF] = *weights.cast();
                for p in 0..P {
                    let x = *windows[p].wrapping_add(run + i);
                    for o in 0..HALF {
                        sums[p][o] += x * row[o];
                    }
                }
                weights = weights.add(LANES);
            }
        }
        for p in 0..P {
            *result.add(p * LANES).cast() = sums[p];
        }
    }
}

/// # Safety
/// As [`Tiles::depthwise`], with `p` one of the strip's pixels.
unsafe fn add_depthwise(strip: &Strip<'_>, p: usize) {
    let [window] = strip.windows::<1>(p);
    // SAFETY: every offset lies within what the trait lets a strip read and write.
    unsafe {
        let result: *mut [f32; LANES] = strip.sums.add(p * LANES).cast();
        let mut sums = if strip.fresh { [0f32; LANES] } else { *result };
        for (r, run) in strip.runs.iter().enumerate() {
            let weights: &[f32; LANES] = &*strip.weights.add(r * LANES).cast();
            let inputs: &[f32; LANES] = &*window.wrapping_add(*run).cast();
            for o in 0..LANES {
                sums[o] += inputs[o] * weights[o];
            }
        }
        *result = sums;
    }
}
