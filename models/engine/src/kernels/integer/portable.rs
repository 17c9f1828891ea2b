//! Inner loops in plain Rust, which the compiler vectorises for whatever it compiles for.

use super::arch::{Arch, Bytes, Codes, LANES, Sums, Tile};
use super::finish::{PixelFinish, Row};
use super::levels::Levels;

#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Portable;

impl Arch for Portable {
    const NAME: &'static str = "portable-integer";
    const PIXELS: usize = 2;
    const STEP: usize = 1;
    const GROUP: usize = 1;
    type Element = i16;
    type Weight = i16;

    fn dense(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        let mut weights = tile.weights.chunks_exact(LANES);
        let mut tall = [[0i32; LANES]; 2];
        for run in tile.window.runs() {
            let [first, second] =
                [0, 1].map(|p| &tile.slab[tile.bases[p] + run.start..][..run.len]);
            for ((a, b), weights) in first.iter().zip(second).zip(&mut weights) {
                let weights: &[i16; LANES] = weights.first_chunk().unwrap_or(&[0; LANES]);
                for lane in 0..LANES {
                    tall[0][lane] += i32::from(a.wrapping_mul(weights[lane]));
                    tall[1][lane] += i32::from(b.wrapping_mul(weights[lane]));
                }
            }
        }
        sums[..2].copy_from_slice(&tall);
    }

    fn by_channel(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        for (sums, base) in sums.iter_mut().zip(tile.bases).take(Portable::PIXELS) {
            let mut own = [0i32; LANES];
            let runs = tile.window.runs().iter();
            for (run, weights) in runs.zip(tile.weights.chunks_exact(LANES)) {
                let values = &tile.slab[base + run.start..][..LANES];
                for lane in 0..LANES {
                    own[lane] += i32::from(values[lane].wrapping_mul(weights[lane]));
                }
            }
            *sums = own;
        }
    }

    fn finish(self, finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        finish.apply(panel, sums, row);
    }

    fn requantize(
        self,
        levels: &Levels,
        panel: usize,
        sums: &Sums,
        count: usize,
        bytes: &mut Bytes,
    ) {
        for (bytes, sums) in bytes.iter_mut().zip(sums).take(count) {
            *bytes = levels.bytes(panel, sums);
        }
    }

    fn fill(self, codes: Codes<'_>, zero: i32, out: &mut [i16]) {
        widen(codes, zero, out);
    }
}

/// `code - zero` in 16 bits.
#[inline(always)]
pub(in crate::kernels) fn widen(codes: Codes<'_>, zero: i32, out: &mut [i16]) {
    let zero = zero as i16;
    match codes {
        Codes::Unsigned(codes) => {
            for (out, code) in out.iter_mut().zip(codes) {
                *out = i16::from(*code) - zero;
            }
        }
        Codes::Signed(codes) => {
            for (out, code) in out.iter_mut().zip(codes) {
                *out = i16::from(*code) - zero;
            }
        }
    }
}
