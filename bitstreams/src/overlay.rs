//! Layer by layer on the published overlay: what fits it, and its cycles from the loop bounds.

use crate::work::Work;
use serde::{Deserialize, Serialize};

/// The registers of the published overlays, by name: one map for both of them.
pub const QNN_MO_REGISTERS: &str = include_str!("../overlays/qnn-mo/registers.json");

/// An engine that runs layers one after another, maps and weights going through memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// For people.
    pub name: String,
    /// Output channels at once.
    pub pe: u64,
    /// Input channels at once.
    pub simd: u64,
    /// Weight bits.
    pub weight_bits: u64,
    /// Activation bits.
    pub activation_bits: u64,
    /// Largest kernel.
    pub max_kernel: u64,
    /// Most input channels.
    pub max_inputs: u64,
    /// Most output channels of one pass.
    pub max_outputs: u64,
    /// Largest padded side of a map.
    pub max_size: u64,
    /// Side of the pool that can follow a convolution, fixed in the bitstream.
    pub pool_size: u64,
    /// Bytes of a bus word.
    pub word_bytes: u64,
    /// Buses that load weights side by side, each serving its share of the elements.
    pub weight_channels: u64,
    /// Words of one channel's thresholds.
    pub threshold_words: u64,
}

/// Cycles of one layer, all its passes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pass {
    /// Passes: output channels in parts of what the engine holds.
    pub passes: u64,
    /// Reading the input map.
    pub read: u64,
    /// Multiplying and accumulating.
    pub matrix: u64,
    /// Writing the pooled output.
    pub write: u64,
    /// Loading weights and thresholds.
    pub init: u64,
}

impl Pass {
    /// Cycles of the layer: in each pass the slowest loop, after the loading.
    pub fn cycles(&self) -> u64 {
        self.slowest() + self.init
    }

    /// Cycles without the loading.
    pub fn slowest(&self) -> u64 {
        self.read.max(self.matrix).max(self.write)
    }

    /// The loop that decides.
    pub fn bound(&self) -> &'static str {
        match self.slowest() {
            slowest if slowest == self.matrix => "compute",
            slowest if slowest == self.read => "memory in",
            _ => "memory out",
        }
    }
}

impl Overlay {
    /// The published overlays.
    pub fn published() -> [Overlay; 2] {
        let texts = [
            include_str!("../overlays/qnn-mo/W1A3.json"),
            include_str!("../overlays/qnn-mo/W1A2.json"),
        ];
        texts.map(|text| {
            serde_json::from_str(text).expect("the built-in overlays are read by a test")
        })
    }

    /// Why a layer cannot run here, or nothing.
    pub fn obstacle(&self, work: &Work) -> Option<String> {
        let pool_sizes = work.pool.map_or(1, |(pool, _)| pool.size[0]);
        let checks = [
            (
                work.weight_bits > self.weight_bits,
                format!("{}-bit weights, not {}", work.weight_bits, self.weight_bits),
            ),
            (
                work.input_bits > self.activation_bits,
                format!(
                    "{}-bit input, not {}",
                    work.input_bits, self.activation_bits
                ),
            ),
            (!work.thresholds, "no thresholds at its end".to_string()),
            (
                work.thresholds && work.output_bits > self.activation_bits,
                format!(
                    "{}-bit output, not {}",
                    work.output_bits, self.activation_bits
                ),
            ),
            (
                work.kernel > self.max_kernel,
                format!("kernel {}, at most {}", work.kernel, self.max_kernel),
            ),
            (work.stride != 1, format!("stride {}, only 1", work.stride)),
            (
                work.inputs > self.max_inputs,
                format!(
                    "{} input channels, at most {}",
                    work.inputs, self.max_inputs
                ),
            ),
            (
                work.in_size[0] != work.in_size[1],
                "a map that is not square".to_string(),
            ),
            (
                work.in_size[0] > self.max_size,
                format!("a map of {}, at most {}", work.in_size[0], self.max_size),
            ),
            (pool_sizes > 3, format!("pool of {pool_sizes}, at most 3")),
        ];
        checks
            .into_iter()
            .find_map(|(wrong, text)| wrong.then_some(text))
    }

    /// Cycles of a layer from the loop bounds, one a cycle and no stalls.
    pub fn pass(&self, work: &Work) -> Pass {
        let passes = work.outputs.div_ceil(self.max_outputs) * work.groups;
        let padding = work.kernel.saturating_sub(1);
        let in_pixels =
            (work.in_size[0].saturating_sub(padding)) * (work.in_size[1].saturating_sub(padding));
        let pixels = work.out_size[0] * work.out_size[1];
        let written = work.pool.map_or(pixels, |(_, shape)| shape.pixels() as u64);
        let folds = work.kernel * work.kernel * work.inputs.div_ceil(self.simd);
        let outputs = work.outputs.div_ceil(self.max_outputs);
        // All passes but the last are full.
        let last = work.outputs - (outputs - 1) * self.max_outputs;
        let rows = (outputs - 1) * self.max_outputs.div_ceil(self.pe) + last.div_ceil(self.pe);
        Pass {
            passes,
            read: in_pixels * self.pixel_words() * passes,
            matrix: pixels * folds * rows * work.groups,
            write: written * self.pixel_words() * passes,
            init: self.init_words(work.kernel) * passes,
        }
    }

    /// Words of a pixel, which always has room for the most channels.
    pub fn pixel_words(&self) -> u64 {
        (self.max_inputs * self.activation_bits).div_ceil(8 * self.word_bytes)
    }

    /// Words that one bus loads before a pass: its elements' weights and thresholds, in full.
    fn init_words(&self, kernel: u64) -> u64 {
        let elements = self.pe / self.weight_channels;
        let rows = self.max_outputs / self.pe;
        let weights = kernel * kernel * rows * self.max_inputs / self.simd;
        elements * (weights + rows * self.threshold_words)
    }
}
