//! Layers whose topology stands in no file: a table of sizes and foldings.

use super::layout::{Layout, ThresholdLayout};
use super::parameters::SetSize;
use tincy_network::{Op, Padding, Pool};

/// One layer: its size, its folding, and whether a 2x2 max pool follows.
pub(super) struct Row {
    pub(super) kernel: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) simd: usize,
    pub(super) pe: usize,
    pub(super) pool: bool,
}

/// A layer of these sizes.
pub(super) const fn row(
    kernel: usize,
    channels: [usize; 2],
    [simd, pe]: [usize; 2],
    pool: bool,
) -> Row {
    Row {
        kernel,
        inputs: channels[0],
        outputs: channels[1],
        simd,
        pe,
        pool,
    }
}

impl Row {
    /// How its parameters lie in their files.
    pub(super) fn layout(&self, fraction: u32) -> Layout {
        Layout {
            pe: self.pe,
            simd: self.simd,
            one: 1,
            transposed: false,
            thresholds: ThresholdLayout::Strict64 { fraction },
        }
    }

    /// The size of its parameters.
    pub(super) fn size<'a>(&self, layer: &'a str, steps: usize) -> SetSize<'a> {
        SetSize {
            layer,
            kernel: self.kernel,
            inputs: self.inputs,
            outputs: self.outputs,
            steps,
        }
    }
}

/// The pool that follows a layer: 2 x 2.
pub(super) fn pool() -> Op {
    Op::MaxPool(Pool {
        size: [2; 2],
        stride: [2; 2],
        padding: Padding::default(),
    })
}
