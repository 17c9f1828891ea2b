//! Clock cycles of the units, from their loop bounds.
//!
//! Source: FINN-R (TRETS 2018) and the public FINN generators, as restated with their symbols in
//! the crate's documentation. Every initiation interval is one; stalls are not in the formulae.

use crate::work::Work;

/// How far a layer's loops are unrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Folding {
    /// Processing elements: output channels at once, P.
    pub pe: u64,
    /// Inputs at once, Q.
    pub simd: u64,
    /// Output pixels at once, M.
    pub pixels: u64,
}

impl Folding {
    /// One product at a time.
    pub const NONE: Folding = Folding {
        pe: 1,
        simd: 1,
        pixels: 1,
    };

    /// Products a cycle.
    pub fn products(&self) -> u64 {
        self.pe * self.simd * self.pixels
    }
}

/// Cycles of the matrix unit: `(K*K*C / Q) * (C' / P) * (N_out^2 / M)`, each fold rounded up. Groups
/// have engines of their own.
pub fn matrix(work: &Work, folding: Folding) -> u64 {
    let pixels = work.out_size[0] * work.out_size[1];
    work.window().div_ceil(folding.simd)
        * work.outputs.div_ceil(folding.pe)
        * pixels.div_ceil(folding.pixels)
}

/// Cycles of the sliding window unit that feeds the matrix unit, with whole pixels a word and
/// `words` of them accepted a cycle:
/// `N_in*K/m + N_out * max(N_out*K*K/M, S*N_in/m)`; 0 where there is none.
pub fn window(work: &Work, folding: Folding, words: u64) -> u64 {
    if !work.has_window_unit() {
        return 0;
    }
    let (in_width, [rows, columns]) = (work.in_size[1], work.out_size);
    let first = (in_width * work.kernel).div_ceil(words);
    let write = (columns * work.kernel * work.kernel).div_ceil(folding.pixels);
    let read = (work.stride * in_width).div_ceil(words);
    first + rows * write.max(read)
}

/// Cycles of the max pool behind the matrix unit: as many pixels at once as that gives, so never more
/// than it; 0 where there is none.
pub fn pool(work: &Work, folding: Folding) -> u64 {
    let pixels = work.out_size[0] * work.out_size[1];
    work.pool.map_or(0, |_| pixels.div_ceil(folding.pixels))
}

/// Cycles of a layer in a stream of engines: the slower of its two units.
pub fn layer(work: &Work, folding: Folding) -> u64 {
    matrix(work, folding).max(window(work, folding, 1))
}
