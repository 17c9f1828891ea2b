//! Factors of single channels that change nothing but their sizes.
//!
//! An activation that is homogeneous above zero (ReLU, leaky, none) hands a factor on. What a convolution's
//! filter is multiplied by, the weights that read its channel are divided by: through pools, concatenations
//! and sums, whose terms must have the same factor. The map's one code then serves all its channels, and
//! the filter's own step takes the factor in for nothing. Behind other activations factors are a layer of their
//! own ([`even`](crate::even)), which costs a table of each channel.

use super::fit::Fit;
use super::{Maps, giving, read, reading};
use crate::Error;
use crate::even::{even, even_name};
use crate::rebuilt::Rebuilt;
use crate::share::{self, shares};
use crate::split::activation;
use tincy_network::{Activation, Convolution, Layer, Network, Op, Source};

/// The largest factor, and the inverse of the least.
const MOST: f64 = 64.0;

/// By how much noise must fall, as a power, for tables by channel: they take 256 bytes a channel. On YOLOX-nano
/// tables everywhere gain one more dB at the results, in a file of 3.0 MB instead of 1.4.
const WORTH: f64 = 10.0;

/// The network with channels of like sizes where that is exact.
///
/// # Errors
/// If the network cannot be built, which would be a fault here.
pub fn equalize_exactly(maps: &Maps<'_>) -> Result<Network, Error> {
    let mut channels = Channels::of(maps.start);
    let factors = channels.factors(maps);
    let fits = |source: Source, channels: &mut Channels| -> Vec<Fit> {
        let map = channels.map(source).into_iter();
        let fit = |channel| {
            let factor = factors[channels.root(channel)];
            Fit {
                factor: factor as f32,
                shift: 0.0,
                post: (1.0 / factor) as f32,
                rest: 0.0,
            }
        };
        map.map(fit).collect()
    };
    let mut rebuilt = Rebuilt::new(maps.start)?;
    for (index, layer) in maps.start.layers().iter().enumerate() {
        let Op::Convolution(convolution) = layer.op() else {
            rebuilt.layer(layer.name(), layer.op().clone(), layer.inputs())?;
            continue;
        };
        let read = reading(convolution, &fits(layer.inputs()[0], &mut channels));
        let given = fits(Source::Layer(index), &mut channels);
        if is_homogeneous(activation(convolution)) {
            let whole = Op::Convolution(giving(&read, &given));
            rebuilt.layer(layer.name(), whole, layer.inputs())?;
            continue;
        }
        rebuilt.layer(layer.name(), Op::Convolution(read), layer.inputs())?;
        let factors: Vec<f32> = given.iter().map(|fit| fit.factor).collect();
        if factors.iter().any(|factor| *factor != 1.0) {
            rebuilt.behind(&even_name(layer.name()), even(factors))?;
        }
    }
    rebuilt.finish()
}

/// Whether an activation hands positive factors on.
fn is_homogeneous(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Linear | Activation::Relu | Activation::Leaky { .. }
    )
}

/// Channels that have one factor, as a forest.
struct Channels {
    parents: Vec<usize>,
    /// Whether a channel must stay as it is, by root.
    fixed: Vec<bool>,
    input: Vec<usize>,
    layers: Vec<Vec<usize>>,
}

impl Channels {
    fn of(network: &Network) -> Channels {
        let mut channels = Channels {
            parents: Vec::new(),
            fixed: Vec::new(),
            input: Vec::new(),
            layers: Vec::new(),
        };
        channels.input = channels.new_map(network.input().shape.channels, true);
        for layer in network.layers() {
            let map = channels.of_layer(network, layer);
            channels.layers.push(map);
        }
        for output in network.outputs() {
            channels.fix(*output);
        }
        channels
    }

    fn of_layer(&mut self, network: &Network, layer: &Layer) -> Vec<usize> {
        let count = layer.shape().channels;
        let first = self.map(layer.inputs()[0]);
        match layer.op() {
            Op::Convolution(_) => self.new_map(count, false),
            Op::MaxPool(_) | Op::Upsample { .. } => first,
            Op::Concat => {
                let maps = layer.inputs().iter().map(|source| self.map(*source));
                maps.flatten().collect()
            }
            Op::Slice { start, count } => first[*start..start + count].to_vec(),
            Op::Add { .. } if shares(network, layer) => {
                let second = self.map(layer.inputs()[1]);
                first
                    .iter()
                    .zip(&second)
                    .for_each(|(a, b)| self.join(*a, *b));
                first
            }
            _ => {
                layer.inputs().iter().for_each(|source| self.fix(*source));
                self.new_map(count, true)
            }
        }
    }

    fn new_map(&mut self, count: usize, fixed: bool) -> Vec<usize> {
        let start = self.parents.len();
        self.parents.extend(start..start + count);
        self.fixed.resize(start + count, fixed);
        (start..start + count).collect()
    }

    fn map(&self, source: Source) -> Vec<usize> {
        match source {
            Source::Input => self.input.clone(),
            Source::Layer(index) => self.layers[index].clone(),
        }
    }

    fn root(&mut self, mut channel: usize) -> usize {
        while self.parents[channel] != channel {
            self.parents[channel] = self.parents[self.parents[channel]];
            channel = self.parents[channel];
        }
        channel
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        let (first, later) = (one.min(other), one.max(other));
        self.parents[later] = first;
        self.fixed[first] |= self.fixed[later];
    }

    fn fix(&mut self, source: Source) {
        for channel in self.map(source) {
            let root = self.root(channel);
            self.fixed[root] = true;
        }
    }

    /// A factor for each root, where tables by channel are not worth their bytes one of 1.
    fn factors(&mut self, maps: &Maps<'_>) -> Vec<f64> {
        let sizes = self.sizes(maps);
        for (index, layer) in maps.start.layers().iter().enumerate() {
            let Some(convolution) = layer.convolution() else {
                continue;
            };
            let map = self.map(Source::Layer(index));
            let roots: Vec<usize> = map.into_iter().map(|channel| self.root(channel)).collect();
            if !is_homogeneous(activation(convolution)) && sizes.gain(&roots) < WORTH {
                self.fix(Source::Layer(index));
            }
        }
        let roots = self.fixed.iter().enumerate();
        let factor = |(root, fixed): (usize, &bool)| match fixed {
            true => 1.0,
            false => sizes.factor(root),
        };
        roots.map(factor).collect()
    }

    fn sizes(&mut self, maps: &Maps<'_>) -> Sizes {
        let count = self.parents.len();
        let mut sizes = Sizes {
            values: vec![0.0; count],
            weights: vec![0.0; count],
            largest: vec![0.0; maps.start.layers().len() + 1],
            groups: vec![0; count],
        };
        let groups = share::groups(maps.start);
        for (index, layer) in maps.start.layers().iter().enumerate() {
            let Some(convolution) = layer.convolution() else {
                continue;
            };
            let activation = activation(convolution);
            let given = self.map(Source::Layer(index));
            let group = groups.of(Source::Layer(index));
            for (channel, values) in given.into_iter().zip((maps.channels)(index)) {
                let root = self.root(channel);
                let made = values.iter().map(|v| f64::from(activation.apply(*v).abs()));
                sizes.add(root, group, made.fold(0.0, f64::max));
            }
            self.weigh(convolution, layer.inputs()[0], &mut sizes.weights);
        }
        sizes
    }

    /// The largest weight that reads each root, as a share of its filter's largest; of a depthwise convolution,
    /// whose filters have steps of their own, none.
    fn weigh(&mut self, convolution: &Convolution, input: Source, weights: &mut [f64]) {
        let taken = self.map(input);
        if convolution.is_depthwise(taken.len()) {
            return;
        }
        let window = convolution.window(taken.len());
        let filters = convolution.weights.as_floats().chunks_exact(window);
        for (o, filter) in filters.enumerate() {
            let most = filter.iter().fold(f32::MIN_POSITIVE, |m, w| m.max(w.abs()));
            for (i, weight) in filter.iter().enumerate() {
                let root = self.root(taken[read(convolution, taken.len(), o, i)]);
                weights[root] = weights[root].max(f64::from(weight.abs() / most));
            }
        }
    }
}

/// What decides factors, by root.
struct Sizes {
    /// The largest value.
    values: Vec<f64>,
    /// The largest weight that reads it, as a share of its filter's largest; 0 if only single channels read it.
    weights: Vec<f64>,
    /// The group of maps of one code.
    groups: Vec<usize>,
    /// The largest value of each group.
    largest: Vec<f64>,
}

impl Sizes {
    fn add(&mut self, root: usize, group: usize, value: f64) {
        self.values[root] = self.values[root].max(value);
        self.largest[group] = self.largest[group].max(value);
        self.groups[root] = group;
    }

    /// A factor that brings a root's size to that of the weights that read it. Both then lose alike; weights
    /// of single channels have steps of their own and lose nothing.
    fn factor(&self, root: usize) -> f64 {
        let largest = self.largest[self.groups[root]];
        match (self.values[root], self.weights[root]) {
            (0.0, _) => 1.0,
            (size, 0.0) => (largest / size).min(MOST),
            (size, weight) => (largest / size * weight).sqrt().clamp(1.0 / MOST, MOST),
        }
    }

    /// The noise of one code for a map's channels as they are, over that with factors: as powers, as their readers
    /// weigh them.
    fn gain(&self, roots: &[usize]) -> f64 {
        let noise = |factor: &dyn Fn(usize) -> f64| -> f64 {
            let sizes = roots.iter().map(|root| self.values[*root] * factor(*root));
            let largest = sizes.fold(0.0, f64::max);
            let weight = |root: usize| match self.weights[root] {
                0.0 => 1.0 / self.values[root].max(self.largest[self.groups[root]] / MOST),
                weight => weight,
            };
            let noise = |root: &usize| (weight(*root) * largest / factor(*root)).powi(2);
            roots.iter().map(noise).sum()
        };
        noise(&|_| 1.0) / noise(&|root| self.factor(root)).max(f64::MIN_POSITIVE)
    }
}
