//! Scales of single channels behind an activation: a table of each channel takes them in.
//!
//! A map whose channels reach from 0.1 to 100 loses the small ones to one code for all. Where the activation
//! before it hands factors on, filters carry a factor for each channel; where it does not, as SiLU does not, the
//! factors stand behind it as a layer of their own, `conv.even`, which here becomes part of the convolution.

use crate::share::Groups;
use crate::split::activation;
use std::collections::BTreeMap;
use tincy_network::{
    Activation, Affine, Convolution, Finish, Network, Number, Op, Source, Weights,
};

/// The name of a layer of factors.
pub fn even_name(layer: &str) -> String {
    format!("{layer}.even")
}

/// The layer that multiplies each channel by a factor.
pub fn even(factors: Vec<f32>) -> Op {
    let finish = Finish::Affine(Affine {
        scale: Default::default(),
        bias: vec![0.0; factors.len()].into(),
        activation: Activation::Linear,
        output: Number::F32,
    });
    Op::Convolution(Convolution::by_channel(Weights::floats(factors), finish))
}

/// The convolutions of a network whose channels are scaled behind their activation, and nothing else reads them.
#[derive(Clone, Debug, Default)]
pub struct Evens {
    /// The layer of factors by the convolution's number, and back.
    factors: BTreeMap<usize, usize>,
    convolutions: BTreeMap<usize, usize>,
}

impl Evens {
    /// Those of a network.
    pub fn of(network: &Network, groups: &Groups) -> Evens {
        let mut evens = Evens::default();
        for (index, layer) in network.layers().iter().enumerate() {
            let is_even = layer.convolution().is_some_and(is_even);
            if let (true, Source::Layer(before)) = (is_even, layer.inputs()[0])
                && has_activation(network, before)
                && !groups.is_result(Source::Layer(index))
                && readers(network, before) == 1
            {
                evens.factors.insert(before, index);
                evens.convolutions.insert(index, before);
            }
        }
        evens
    }

    /// The layer of factors behind a convolution.
    pub fn behind(&self, convolution: usize) -> Option<usize> {
        self.factors.get(&convolution).copied()
    }

    /// The convolution before a layer of factors.
    pub fn before(&self, even: usize) -> Option<usize> {
        self.convolutions.get(&even).copied()
    }
}

fn is_even(convolution: &Convolution) -> bool {
    let Finish::Affine(affine) = &convolution.finish else {
        return false;
    };
    convolution.is_depthwise(convolution.groups)
        && convolution.weights.count() == convolution.out_channels
        && convolution.stride == [1, 1]
        && affine.activation == Activation::Linear
        && affine.output == Number::F32
        && affine.scale.is_empty()
        && affine.bias.iter().all(|bias| *bias == 0.0)
}

fn has_activation(network: &Network, layer: usize) -> bool {
    let convolution = network.layers()[layer].convolution();
    convolution.is_some_and(|c| activation(c) != Activation::Linear)
}

/// How often a layer's map is read, as a result too.
fn readers(network: &Network, layer: usize) -> usize {
    let map = Source::Layer(layer);
    let readers = network.layers().iter().flat_map(|layer| layer.inputs());
    let readers = readers.filter(|source| **source == map).count();
    readers
        + network
            .outputs()
            .iter()
            .filter(|output| **output == map)
            .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share;
    use tincy_network::{Builder, Input, Shape};

    fn convolution(activation: Activation) -> Op {
        let finish = Finish::Affine(Affine {
            scale: Default::default(),
            bias: vec![0.5, 0.5].into(),
            activation,
            output: Number::F32,
        });
        Op::Convolution(Convolution::by_channel(
            Weights::floats(vec![1.0, 2.0]),
            finish,
        ))
    }

    /// `reads` layers of factors behind a convolution, then another convolution.
    fn network(activation: Activation, reads: usize) -> Network {
        let input = Input {
            shape: Shape::new(2, 2, 2),
            number: Number::F32,
            picture: None,
        };
        let mut builder = Builder::new("even", input).unwrap();
        let first = builder
            .layer("first", convolution(activation), &[Source::Input])
            .unwrap();
        for i in 0..reads {
            let even = builder
                .layer(format!("{i}"), even(vec![1.0, 8.0]), &[first])
                .unwrap();
            let last = convolution(Activation::Linear);
            let last = builder.layer(format!("last{i}"), last, &[even]).unwrap();
            builder.output_tensor(last);
        }
        builder.build().unwrap()
    }

    #[test]
    fn factors_behind_an_activation_that_are_all_its_readers() {
        let evens = |network: &Network| Evens::of(network, &share::groups(network));
        let swish = evens(&network(Activation::Swish, 1));
        assert_eq!((swish.behind(0), swish.before(1)), (Some(1), Some(0)));
        assert_eq!((swish.behind(1), swish.before(2)), (None, None));
        assert_eq!(evens(&network(Activation::Linear, 1)).behind(0), None);
        assert_eq!(evens(&network(Activation::Swish, 2)).behind(0), None);
    }
}
