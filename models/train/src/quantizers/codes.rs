//! What a quantizer hands to the integer network.

/// Integers, and what they are multiplied by.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// One a value, in the values' order.
    pub codes: Vec<i16>,
    /// The scales.
    pub scales: Vec<f32>,
    /// Which values share a scale.
    pub shared: Shared,
}

/// Which values share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// All.
    Layer,
    /// Those of a kernel row: one scale a `ky`.
    Row,
    /// Those of a place in the kernel: one scale a `(ky, kx)`, row by row.
    Position,
    /// Those of an output channel.
    Channel,
}

impl Codes {
    /// Part of the codes that are zero.
    pub fn sparsity(&self) -> f64 {
        let zeros = self.codes.iter().filter(|code| **code == 0).count();
        zeros as f64 / self.codes.len().max(1) as f64
    }
}
