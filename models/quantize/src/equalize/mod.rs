//! Channels of a map brought to like sizes, so that one code serves them all.
//!
//! Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
//! Correction", ICCV 2019): what a convolution's channel is multiplied by, the weights of its readers
//! are divided by. That changes nothing where the activation between is homogeneous, as ReLU is. Others
//! are approximated by themselves, by least squares over what the map holds (`fit`); where training follows,
//! it makes up for the rest: a map whose channels reach from 0.1 to 100 costs far more in steps of 0.3.

mod exact;
mod fit;

pub use exact::equalize_exactly;

use crate::Error;
use crate::split::activation;
use fit::Fit;
use std::collections::BTreeMap;
use tincy_network::{Activation, Affine, Convolution, Finish, Network, Op, Source, Weights};

/// Values of a channel that are enough to look at.
pub const SAMPLE: usize = 2048;

/// Largest values of a code that are tried.
const MOST: [f32; 8] = [3.0, 4.0, 5.0, 6.5, 8.0, 11.0, 16.0, 24.0];

/// The noise that a map may bring to its readers, as a share of what they hold.
const NOISE: f64 = 0.005;

/// The share of the noise that may be left for a map to be changed.
const WORTH: f64 = 0.25;

/// The maps of a float network.
pub struct Maps<'a> {
    /// The network in floats.
    pub start: &'a Network,
    /// Some values of each channel of a layer's sums, before its activation, by the layer's number.
    pub channels: &'a dyn Fn(usize) -> Vec<Vec<f32>>,
}

/// The network with channels of like sizes in maps that need it, or nothing if none does. Its provenance
/// names their layers as `equalized`.
///
/// # Errors
/// If the network cannot be built, which would be a fault here.
pub fn equalize(maps: &Maps<'_>) -> Result<Option<Network>, Error> {
    let layers = 0..maps.start.layers().len();
    let changes: BTreeMap<usize, Vec<Fit>> = layers
        .filter_map(|layer| Some((layer, maps.fits(layer)?)))
        .collect();
    if changes.is_empty() {
        return Ok(None);
    }
    let input = maps.start.input().clone();
    let mut builder = maps.start.rebuild(input, |index, layer| match layer.op() {
        Op::Convolution(convolution) => {
            let mut changed = convolution.clone();
            if let Source::Layer(read) = layer.inputs()[0]
                && let Some(fits) = changes.get(&read)
            {
                changed = reading(&changed, fits);
            }
            if let Some(fits) = changes.get(&index) {
                changed = giving(&changed, fits);
            }
            Ok(Op::Convolution(changed))
        }
        op => Ok::<_, Error>(op.clone()),
    })?;
    let names = changes
        .keys()
        .map(|layer| maps.start.layers()[*layer].name());
    builder.provenance("equalized", names.collect::<Vec<_>>().join(", "));
    Ok(Some(builder.build()?))
}

impl Maps<'_> {
    /// How a layer's channels change, if that is worth it.
    fn fits(&self, layer: usize) -> Option<Vec<Fit>> {
        let activation = activation(self.start.layers()[layer].convolution()?);
        if activation == Activation::Linear {
            return None;
        }
        let readers = readers(self.start, layer)?;
        let channels = (self.channels)(layer);
        let worth = self.worth(layer, &readers);
        let noise = noise(activation, &channels, &worth);
        if noise <= NOISE {
            return None;
        }
        let trial = |most: f32| -> (Vec<Fit>, f64) {
            let fits = channels.iter().zip(&worth).map(|(sums, worth)| {
                let (fit, error) = Fit::best(sums, activation, most);
                (fit, worth * error)
            });
            let (fits, errors): (Vec<_>, Vec<_>) = fits.unzip();
            (fits, errors.iter().sum())
        };
        let trials = MOST.iter().map(|most| trial(*most));
        let (fits, left) = trials.min_by(|a, b| a.1.total_cmp(&b.1))?;
        (left < WORTH * noise).then_some(fits)
    }

    /// What a squared error of each channel is worth: the squared weights of its readers, each in
    /// proportion to what it adds up to, in the middle over the readers' channels.
    fn worth(&self, layer: usize, readers: &[usize]) -> Vec<f64> {
        let channels = self.start.layers()[layer].shape().channels;
        let mut worth = vec![0.0; channels];
        let mut filters = 0;
        for reader in readers {
            let Some(convolution) = self.start.layers()[*reader].convolution() else {
                continue;
            };
            let windows = convolution.weights.as_floats();
            let windows = windows.chunks_exact(convolution.window(channels));
            filters += convolution.out_channels;
            for (o, (window, sums)) in windows.zip((self.channels)(*reader)).enumerate() {
                let power = variance(&sums);
                for (i, weight) in window.iter().enumerate() {
                    let squared = f64::from(*weight).powi(2);
                    worth[read(convolution, channels, o, i)] += squared / power;
                }
            }
        }
        worth.iter_mut().for_each(|worth| *worth /= filters as f64);
        worth
    }
}

/// The readers of a map if all are convolutions.
fn readers(network: &Network, layer: usize) -> Option<Vec<usize>> {
    let source = Source::Layer(layer);
    let layers = network.layers().iter().enumerate();
    let readers = layers.filter(|(_, reader)| reader.inputs().contains(&source));
    let readers: Vec<_> = readers.map(|(index, _)| index).collect();
    let is_convolution = |reader: &usize| network.layers()[*reader].convolution().is_some();
    let is_result = network.outputs().contains(&source);
    let all = !is_result && !readers.is_empty() && readers.iter().all(is_convolution);
    all.then_some(readers)
}

fn variance(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let squares = values.iter().map(|v| (f64::from(*v) - mean).powi(2));
    (squares.sum::<f64>() / count).max(1e-9)
}

/// The input channel that weight `i` of filter `o` is for.
fn read(convolution: &Convolution, channels: usize, o: usize, i: usize) -> usize {
    let width = channels / convolution.groups;
    o * convolution.groups / convolution.out_channels * width + i % width
}

/// The noise of the best code for all channels as they are.
fn noise(activation: Activation, channels: &[Vec<f32>], worth: &[f64]) -> f64 {
    let values = channels.iter().map(|sums| {
        let values = sums.iter().map(|sum| activation.apply(*sum));
        values.collect::<Vec<_>>()
    });
    let values: Vec<_> = values.collect();
    let largest = values.iter().flatten().fold(0.0f32, |most, v| most.max(*v));
    let noise = (1..=24).map(|share| {
        let most = largest * share as f32 / 24.0;
        let errors = values.iter().map(|values| fit::cut(values, most));
        let weighted = errors.zip(worth).map(|(error, worth)| error * worth);
        weighted.sum::<f64>()
    });
    noise.fold(f64::MAX, f64::min)
}

/// A convolution whose sums are changed.
fn giving(convolution: &Convolution, fits: &[Fit]) -> Convolution {
    let each = |o: usize, _| f64::from(fits[o].factor);
    let bias = |o: usize, bias: f64| bias * f64::from(fits[o].factor) + f64::from(fits[o].shift);
    changed(convolution, each, bias)
}

/// A convolution that reads what was changed. At the border, where it reads zeros, the part that its
/// bias takes over is not exact.
fn reading(convolution: &Convolution, fits: &[Fit]) -> Convolution {
    let channels = fits.len();
    let window = convolution.window(channels);
    let weights = convolution.weights.as_floats();
    let fit = |o: usize, i: usize| &fits[read(convolution, channels, o, i)];
    let factor = |o: usize, i: usize| f64::from(fit(o, i).post);
    let bias = |o: usize, bias: f64| {
        let window = weights[o * window..][..window].iter().enumerate();
        bias + window
            .map(|(i, weight)| f64::from(*weight) * f64::from(fit(o, i).rest))
            .sum::<f64>()
    };
    changed(convolution, factor, bias)
}

/// A float convolution with each weight, by filter and place in it, times a factor, and other biases.
fn changed(
    convolution: &Convolution,
    factor: impl Fn(usize, usize) -> f64,
    bias: impl Fn(usize, f64) -> f64,
) -> Convolution {
    let Finish::Affine(affine) = &convolution.finish else {
        unreachable!("the split refuses what has codes");
    };
    let scale = |o: usize| affine.scale.get(o).map_or(1.0, |scale| f64::from(*scale));
    let window = convolution.weights.count() / convolution.out_channels;
    let weights = convolution.weights.as_floats().iter().enumerate();
    let weights = weights.map(|(at, weight)| {
        let (o, i) = (at / window, at % window);
        (f64::from(*weight) * scale(o) * factor(o, i)) as f32
    });
    let biases = affine.bias.iter().enumerate();
    let biases = biases.map(|(o, b)| bias(o, f64::from(*b)) as f32);
    Convolution {
        weights: Weights::floats(weights.collect()),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: biases.collect::<Vec<_>>().into(),
            ..affine.clone()
        }),
        ..convolution.clone()
    }
}
