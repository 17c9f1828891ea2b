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
use tincy_network::{Activation, Layer, Network, Op, Source};

/// The largest factor, and the inverse of the least.
const MOST: f64 = 64.0;

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

    /// A factor for each root: one that brings its size to that of the weights that read it. Both then
    /// lose alike; weights of single channels have steps of their own and lose nothing.
    fn factors(&mut self, maps: &Maps<'_>) -> Vec<f64> {
        let mut sizes = vec![0.0f64; self.parents.len()];
        let mut weights = vec![0.0f64; self.parents.len()];
        let groups = share::groups(maps.start);
        let mut group_of = vec![0; self.parents.len()];
        let mut largest = vec![0.0f64; maps.start.layers().len() + 1];
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
                sizes[root] = made.fold(sizes[root], f64::max);
                largest[group] = largest[group].max(sizes[root]);
                group_of[root] = group;
            }
            let taken = self.map(layer.inputs()[0]);
            if convolution.is_depthwise(taken.len()) {
                continue;
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
        let factor = |root: usize| match (self.fixed[root], sizes[root], weights[root]) {
            (true, ..) | (_, 0.0, _) => 1.0,
            // Only single channels read it: all to one size.
            (_, size, 0.0) => (largest[group_of[root]] / size).min(MOST),
            (_, size, weight) => {
                let factor = (largest[group_of[root]] / size * weight).sqrt();
                factor.clamp(1.0 / MOST, MOST)
            }
        };
        (0..sizes.len()).map(factor).collect()
    }
}
