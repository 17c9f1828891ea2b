//! How the weights of a convolution lie in memory.

use std::ops::Range;

/// The four sides of weights `[out][ky][kx][in / groups]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Output channels.
    pub outputs: usize,
    /// Rows of the kernel.
    pub rows: usize,
    /// Columns of the kernel.
    pub columns: usize,
    /// Input channels that one output channel reads.
    pub inputs: usize,
}

impl Layout {
    /// Number of weights.
    pub fn count(&self) -> usize {
        self.outputs * self.positions() * self.inputs
    }

    /// Places in the kernel.
    pub fn positions(&self) -> usize {
        self.rows * self.columns
    }

    /// Weights of one output channel.
    pub fn window(&self) -> usize {
        self.positions() * self.inputs
    }

    /// Where the weights of output channel `output` lie.
    pub fn channel(&self, output: usize) -> Range<usize> {
        output * self.window()..(output + 1) * self.window()
    }
}
