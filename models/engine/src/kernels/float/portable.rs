//! The inner loops in plain Rust, in a form that the compiler vectorises for any baseline.
#![allow(unsafe_code)]

use super::finish::Rows;
use super::tile::{LANES, Tile, Tiles};

/// Channels that are summed at once: with four pixels, eight registers of four floats.
const HALF: usize = LANES / 2;

#[derive(Clone, Copy)]
pub(super) struct Portable;

// SAFETY: `add_dense` and `add_depthwise` read and write through the tile's pointers exactly what
// the trait allows.
unsafe impl Tiles for Portable {
    const PIXELS: usize = 4;
    const NAMES: [&'static str; 3] = [
        "portable-f32-gemm",
        "portable-f32-pointwise",
        "portable-f32-depthwise",
    ];

    unsafe fn dense(self, tile: &Tile<'_>) {
        let halves = if tile.wide { 2 } else { 1 };
        for half in 0..halves {
            // SAFETY: passed on from the caller; `half * HALF` stays within a panel.
            unsafe {
                match tile.count {
                    4 => add_dense::<4>(tile, half * HALF),
                    3 => add_dense::<3>(tile, half * HALF),
                    2 => add_dense::<2>(tile, half * HALF),
                    _ => add_dense::<1>(tile, half * HALF),
                }
            }
        }
    }

    unsafe fn depthwise(self, tile: &Tile<'_>) {
        for p in 0..tile.count {
            // SAFETY: passed on from the caller; `p` is below `count`.
            unsafe { add_depthwise(tile, p) }
        }
    }

    unsafe fn finish(self, rows: &Rows<'_>) {
        // SAFETY: passed on from the caller.
        unsafe { rows.store() }
    }
}

/// # Safety
/// As [`Tiles::dense`], with `P <= count` and `first + HALF <= LANES`.
unsafe fn add_dense<const P: usize>(tile: &Tile<'_>, first: usize) {
    let mut sums = [[0f32; HALF]; P];
    // SAFETY: every offset lies within what the trait lets a tile read and write.
    unsafe {
        let result = tile.sums.add(first);
        if !tile.fresh {
            for p in 0..P {
                sums[p] = *result.add(p * LANES).cast();
            }
        }
        let mut weights = tile.weights.add(first);
        for run in tile.runs {
            for i in 0..tile.run {
                let row: [f32; HALF] = *weights.cast();
                for p in 0..P {
                    let x = *tile.pixels[p].add(run + i);
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
/// As [`Tiles::depthwise`], with `p < count`.
unsafe fn add_depthwise(tile: &Tile<'_>, p: usize) {
    // SAFETY: every offset lies within what the trait lets a tile read and write.
    unsafe {
        let result: *mut [f32; LANES] = tile.sums.add(p * LANES).cast();
        let mut sums = if tile.fresh { [0f32; LANES] } else { *result };
        for (r, run) in tile.runs.iter().enumerate() {
            let weights: &[f32; LANES] = &*tile.weights.add(r * LANES).cast();
            let inputs: &[f32; LANES] = &*tile.pixels[p].add(*run).cast();
            for o in 0..LANES {
                sums[o] += inputs[o] * weights[o];
            }
        }
        *result = sums;
    }
}
