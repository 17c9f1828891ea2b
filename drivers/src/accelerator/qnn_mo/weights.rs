//! Weights and thresholds as the core loads them.
//!
//! A set is two buffers, one a memory port, each for half of the processing elements. A buffer is
//! 64-bit little-endian words: for each element its weights, filled up to what the chip holds for a
//! kernel of this size; then for each element its thresholds, filled up likewise. Output channel
//! `32 r + p` is row `r` of element `p`; its word for kernel position (y, x) and block `k` of 64 input
//! channels is `(r * K * K + y * K + x) * blocks + k` of that element. Bit 1 is the weight -1.
//!
//! Published files have x before y, since that network looks at the transposed picture. Here kernels
//! and maps are row by row; to the core these are merely other weights.

use std::ops::Range;
use tincy_bitstreams::overlay::Overlay;
use tincy_network::{Convolution, Finish};

/// A threshold that no sum reaches, for steps and channels that a layer does not have.
const NEVER: i16 = i16::MAX;

/// How the words of a set are counted, for one overlay and kernel.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    kernel: usize,
    elements: usize,
    lanes: usize,
    ports: usize,
    /// Words of an element's weights.
    pub weight_words: usize,
    /// Rows of thresholds of an element.
    pub rows: usize,
    /// Words of a row of thresholds.
    pub threshold_words: usize,
}

impl Layout {
    /// The layout for a kernel of this side.
    pub fn new(overlay: &Overlay, kernel: usize) -> Layout {
        let (elements, lanes) = (overlay.pe as usize, overlay.simd as usize);
        let most = overlay.max_outputs as usize * overlay.max_inputs as usize;
        Layout {
            kernel,
            elements,
            lanes,
            ports: overlay.weight_channels as usize,
            weight_words: kernel * kernel * most / (elements * lanes),
            rows: overlay.max_outputs as usize / elements,
            threshold_words: overlay.threshold_words as usize,
        }
    }

    /// Elements that one buffer serves.
    pub fn elements_a_port(&self) -> usize {
        self.elements / self.ports
    }

    /// Words of one buffer.
    pub fn words(&self) -> usize {
        self.elements_a_port() * (self.weight_words + self.rows * self.threshold_words)
    }

    /// Bytes of one buffer.
    pub fn bytes(&self) -> usize {
        8 * self.words()
    }
}

/// The buffers of some output channels of a convolution on `inputs` channels, one a port.
///
/// # Panics
/// If the channels lie outside, or are more than the chip holds.
pub fn pack(
    convolution: &Convolution,
    inputs: usize,
    channels: Range<usize>,
    layout: &Layout,
) -> Vec<Vec<u64>> {
    let Layout {
        elements, ports, ..
    } = *layout;
    let mut buffers = vec![vec![0u64; layout.words()]; ports];
    for element in 0..elements {
        let buffer = &mut buffers[element / layout.elements_a_port()];
        let place = element % layout.elements_a_port();
        let (weights, thresholds) =
            buffer.split_at_mut(layout.elements_a_port() * layout.weight_words);
        let weights = &mut weights[place * layout.weight_words..][..layout.weight_words];
        let thresholds = thresholds.chunks_exact_mut(layout.threshold_words);
        let thresholds = thresholds.skip(place * layout.rows).take(layout.rows);
        for (row, thresholds) in thresholds.enumerate() {
            let channel = channels.start + row * elements + element;
            let channel = Some(channel).filter(|channel| *channel < channels.end);
            steps(convolution, channel, thresholds);
            if let Some(channel) = channel {
                signs(convolution, inputs, channel, row, layout, weights);
            }
        }
    }
    buffers
}

/// Writes the weights of a channel into its row of an element.
fn signs(
    convolution: &Convolution,
    inputs: usize,
    channel: usize,
    row: usize,
    layout: &Layout,
    element: &mut [u64],
) {
    let (positions, blocks) = (layout.kernel * layout.kernel, inputs.div_ceil(layout.lanes));
    let row = &mut element[row * positions * blocks..][..positions * blocks];
    let mut weights = vec![0i8; positions * inputs];
    convolution
        .weights
        .unpack_range(channel * weights.len(), &mut weights);
    for (words, weights) in row
        .chunks_exact_mut(blocks)
        .zip(weights.chunks_exact(inputs))
    {
        for (word, weights) in words.iter_mut().zip(weights.chunks(layout.lanes)) {
            let bits = weights.iter().rev().map(|weight| u64::from(*weight < 0));
            *word = bits.fold(0, |word, bit| word << 1 | bit);
        }
    }
}

/// Writes the thresholds of a channel, or those that give code 0 always, into its words: `t0 t1 ..`
/// and a flag in numbers of 16 bits, four a word, the last word first. The flag, which would
/// complement the code, stays 0.
fn steps(convolution: &Convolution, channel: Option<usize>, words: &mut [u64]) {
    let mut numbers = vec![NEVER; 4 * words.len()];
    if let (Some(channel), Finish::Thresholds(thresholds)) = (channel, &convolution.finish) {
        for (number, step) in numbers.iter_mut().zip(thresholds.channel(channel)) {
            *number = (*step).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
    }
    if let Some(flag) = numbers.last_mut() {
        *flag = 0;
    }
    for (word, numbers) in words.iter_mut().rev().zip(numbers.chunks_exact(4)) {
        let parts = numbers.iter().rev();
        *word = parts.fold(0, |word, number| word << 16 | u64::from(*number as u16));
    }
}
