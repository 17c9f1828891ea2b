//! Files of weight bits and thresholds to the parameters of a convolution.

use super::layout::Layout;
use crate::{Error, Result, files};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use tincy_network::{Code, Convolution, Error as NetworkError, Finish, Padding};
use tincy_network::{Thresholds, WeightKind, Weights};

/// The most weights a layer may have: more than any such network, little enough to allocate.
const MAX_WEIGHTS: usize = 1 << 27;

/// The most channels of a layer.
const MAX_CHANNELS: usize = 1 << 16;

/// The folder that parameter files are read from.
pub(super) struct ParameterFolder {
    path: PathBuf,
    sum: Sha256,
}

/// The size of one set of parameter files.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetSize<'a> {
    /// The layer it belongs to, for messages.
    pub(super) layer: &'a str,
    /// Height and width of the kernel.
    pub(super) kernel: usize,
    /// Input channels.
    pub(super) inputs: usize,
    /// Output channels.
    pub(super) outputs: usize,
    /// Thresholds a channel; where there are none, there is no file of them.
    pub(super) steps: usize,
}

/// The parameters of a convolution's output channels, in the order of a network's.
#[derive(Default)]
pub(super) struct Parameters {
    /// `[out][ky][kx][in]`, -1 or +1.
    pub(super) weights: Vec<i8>,
    /// `[out][steps]`, rising, reached by `acc >= t`.
    pub(super) thresholds: Vec<i32>,
}

impl ParameterFolder {
    /// A folder of parameter files.
    pub(super) fn new(path: PathBuf) -> ParameterFolder {
        ParameterFolder {
            path,
            sum: Sha256::new(),
        }
    }

    /// The SHA-256 of all files that were read, one after the other.
    pub(super) fn sum(self) -> String {
        files::hex(&self.sum.finalize())
    }

    /// The parameters of set `number`.
    pub(super) fn set(
        &mut self,
        layout: &Layout,
        number: usize,
        size: SetSize,
    ) -> Result<Parameters> {
        let window = size
            .kernel
            .saturating_mul(size.kernel)
            .saturating_mul(size.inputs);
        let count = window.saturating_mul(size.outputs);
        if !(1..=MAX_WEIGHTS).contains(&count) || size.outputs > MAX_CHANNELS {
            let SetSize { layer, outputs, .. } = size;
            let what = format!("layer {layer}: {count} weights for {outputs} channels cannot be");
            return Err(Error::file(&self.path, what));
        }
        // A description alone must not take memory: what it claims is there, or is an error.
        for pe in 0..layout.pe {
            // The last layer may have no thresholds.
            let files = element_files(layout, number, pe, size).into_iter();
            for (name, expected) in files.filter(|(_, expected)| *expected > 0) {
                self.measure(&name, size.layer, expected)?;
            }
        }
        let mut set = Parameters {
            weights: vec![0; count],
            thresholds: vec![0; size.outputs * size.steps],
        };
        for pe in 0..layout.pe {
            self.element(layout, number, pe, size, &mut set)?;
        }
        Ok(set)
    }

    /// Reads the two files of one PE into the channels that are its.
    fn element(
        &mut self,
        layout: &Layout,
        number: usize,
        pe: usize,
        size: SetSize,
        set: &mut Parameters,
    ) -> Result<()> {
        let [(name, weight_bytes), (thresholds, threshold_bytes)] =
            element_files(layout, number, pe, size);
        let bits = self.read(&name, size.layer, weight_bytes)?;
        let levels = match size.steps {
            0 => Vec::new(),
            _ => self.read(&thresholds, size.layer, threshold_bytes)?,
        };
        let (words, step_bytes) = (size.words(layout), layout.thresholds.row_bytes(size.steps));
        let window = set.weights.len() / size.outputs;
        for (row, bits) in bits.chunks_exact(words * 8).enumerate() {
            let channel = row * layout.pe + pe;
            if channel >= size.outputs {
                break;
            }
            let weights = &mut set.weights[channel * window..][..window];
            unpack(layout, bits, size, weights).map_err(|what| {
                let what = format!("layer {}: output channel {channel}: {what}", size.layer);
                Error::file(&self.path.join(&name), what)
            })?;
            if size.steps == 0 {
                continue;
            }
            let levels = &levels[row * step_bytes..][..step_bytes];
            let (mut steps, complement) = layout.thresholds.row(levels, size.steps);
            if complement {
                turn(weights, &mut steps);
            }
            steps.sort_unstable();
            set.thresholds[channel * size.steps..][..size.steps].copy_from_slice(&steps);
        }
        Ok(())
    }

    fn read(&mut self, name: &str, layer: &str, expected: usize) -> Result<Vec<u8>> {
        let path = self.measure(name, layer, expected)?;
        let bytes = files::bytes(&path, expected as u64)?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    /// The path of a file, if it has the expected size.
    fn measure(&self, name: &str, layer: &str, expected: usize) -> Result<PathBuf> {
        let path = self.path.join(name);
        let found = std::fs::metadata(&path)
            .map_err(|source| Error::Io {
                path: path.clone(),
                source,
            })?
            .len();
        if found != expected as u64 {
            return Err(Error::Size {
                path,
                layer: layer.to_string(),
                expected: expected as u64,
                found,
            });
        }
        Ok(path)
    }
}

impl SetSize<'_> {
    /// 64-bit words of a channel's weights.
    fn words(&self, layout: &Layout) -> usize {
        self.kernel * self.kernel * self.inputs.div_ceil(layout.simd)
    }
}

/// Name and size of a PE's files: weights and thresholds.
fn element_files(layout: &Layout, number: usize, pe: usize, size: SetSize) -> [(String, usize); 2] {
    let rows = size.outputs.div_ceil(layout.pe);
    let levels = layout.thresholds.row_bytes(size.steps);
    [
        (
            format!("{number}-{pe}-weights.bin"),
            rows * size.words(layout) * 8,
        ),
        (format!("{number}-{pe}-thres.bin"), rows * levels),
    ]
}

/// The weights of one output channel from its words.
fn unpack(layout: &Layout, words: &[u8], size: SetSize, out: &mut [i8]) -> Result<(), String> {
    let (kernel, inputs) = (size.kernel, size.inputs);
    let blocks = inputs.div_ceil(layout.simd);
    for (stored, words) in words.chunks_exact(blocks * 8).enumerate() {
        let (first, second) = (stored / kernel, stored % kernel);
        let position = if layout.transposed {
            second * kernel + first
        } else {
            stored
        };
        let weights = &mut out[position * inputs..][..inputs];
        for (weights, word) in weights.chunks_mut(layout.simd).zip(words.chunks_exact(8)) {
            let mut word = word
                .iter()
                .rev()
                .fold(0u64, |n, byte| n << 8 | u64::from(*byte));
            for weight in weights.iter_mut() {
                *weight = if word & 1 == 1 {
                    layout.one
                } else {
                    -layout.one
                };
                word >>= 1;
            }
            if word != 0 {
                return Err("weight bits beyond the input channels".into());
            }
        }
    }
    Ok(())
}

/// Replaces a channel whose code is complemented by one that is not: `steps - count(acc >= t)` is
/// the number of `-acc >= 1 - t`.
fn turn(weights: &mut [i8], steps: &mut [i32]) {
    weights.iter_mut().for_each(|weight| *weight = -*weight);
    steps.iter_mut().for_each(|step| *step = 1 - *step);
}

impl Parameters {
    /// Adds the output channels of another set.
    pub(super) fn append(&mut self, mut other: Parameters) {
        self.weights.append(&mut other.weights);
        self.thresholds.append(&mut other.thresholds);
    }

    /// The binary weights.
    pub(super) fn binary(&self) -> Result<Weights, NetworkError> {
        Weights::integers(WeightKind::Binary, &self.weights)
    }

    /// A convolution of stride 1 that gives codes.
    pub(super) fn convolution(
        self,
        size: SetSize,
        padding: usize,
        code: Code,
    ) -> Result<Convolution, NetworkError> {
        Ok(Convolution {
            out_channels: size.outputs,
            kernel: [size.kernel; 2],
            stride: [1; 2],
            dilation: [1; 2],
            padding: Padding::same(padding),
            groups: 1,
            weights: self.binary()?,
            finish: Finish::Thresholds(Thresholds {
                code,
                values: self.thresholds.into(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_channel_gives_the_complement() {
        let codes = [3i32, 1, 2];
        let (weights, steps) = ([1i8, -1, -1], [-2i32, 0, 1]);
        let reached = |w: &[i8], t: &[i32]| {
            let acc: i32 = codes.iter().zip(w).map(|(c, w)| c * i32::from(*w)).sum();
            t.iter().filter(|t| acc >= **t).count()
        };
        let (mut turned, mut turned_steps) = (weights, steps);
        turn(&mut turned, &mut turned_steps);
        assert_eq!(
            reached(&turned, &turned_steps),
            3 - reached(&weights, &steps)
        );
    }
}
