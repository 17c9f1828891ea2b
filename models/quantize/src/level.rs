//! How many bits weights and activations have.

use crate::share::Groups;
use std::fmt;
use std::str::FromStr;
use tincy_network::{Convolution, Network, Source};

/// Bits of weights and activations: `w8a8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Of weights, 2 to 8.
    pub weights: u8,
    /// Of activations, 2 to 8.
    pub activations: u8,
}

/// Bits where a level says fewer but fewer would cost much and save little.
pub const ENDS: u8 = 8;

/// The share of the other weights that keep [`ENDS`] bits too where no training follows, those of the
/// smallest layers.
const SPARED: f64 = 0.25;

impl Level {
    /// Bits of a convolution's weights: [`ENDS`] for those that read the picture or give results, and
    /// for depthwise ones, which have few weights, each of much effect.
    pub fn of_weights(
        &self,
        network: &Network,
        groups: &Groups,
        layer: usize,
        convolution: &Convolution,
    ) -> u8 {
        let input = network.layers()[layer].inputs()[0];
        let is_depthwise =
            convolution.groups > 1 && convolution.groups == network.tensor(input).0.channels;
        let is_end = groups.is_input(input) || groups.is_result(Source::Layer(layer));
        if is_depthwise || is_end {
            ENDS
        } else {
            self.weights
        }
    }

    /// Bits of each layer's weights where no training follows. Of those that may have few, the smallest layers
    /// keep [`ENDS`] bits, up to a quarter of all weights: that is most layers, as networks grow towards
    /// their end, and a layer's noise does not depend on how many weights make it.
    pub fn of_layers(&self, network: &Network, groups: &Groups) -> Vec<u8> {
        let mut bits = vec![ENDS; network.layers().len()];
        let layers = network.layers().iter().enumerate();
        let mut few: Vec<(usize, usize)> = layers
            .filter_map(|(index, layer)| Some((index, layer.convolution()?)))
            .filter(|(index, c)| self.of_weights(network, groups, *index, c) < ENDS)
            .map(|(index, convolution)| (convolution.weights.count(), index))
            .collect();
        few.sort_unstable();
        let all: usize = few.iter().map(|(weights, _)| weights).sum();
        let mut smaller = 0;
        for (weights, layer) in few {
            smaller += weights;
            if smaller as f64 > SPARED * all as f64 {
                bits[layer] = self.weights;
            }
        }
        bits
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Level, String> {
        let bits = |digits: &str| match digits.parse() {
            Ok(bits @ 2..=8) => Ok(bits),
            _ => Err(format!(
                "'{text}' is not w8a8 or the like, of 2 to 8 bits (fewer need tincy-train)"
            )),
        };
        let (weights, activations) = text
            .strip_prefix('w')
            .and_then(|rest| rest.split_once('a'))
            .unwrap_or_default();
        Ok(Level {
            weights: bits(weights)?,
            activations: bits(activations)?,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}a{}", self.weights, self.activations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_network::{Activation, Affine, Builder, Finish, Input, Number, Op, Shape, Weights};

    fn pointwise(from: usize, to: usize) -> Op {
        Op::Convolution(Convolution {
            out_channels: to,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Default::default(),
            groups: 1,
            weights: Weights::floats(vec![1.0; from * to]),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: vec![0.0; to].into(),
                activation: Activation::Relu,
                output: Number::F32,
            }),
        })
    }

    #[test]
    fn ends_and_the_smallest_layers_are_spared() {
        let input = Input {
            shape: Shape::new(2, 2, 3),
            number: Number::F32,
            picture: None,
        };
        let mut builder = Builder::new("spared", input).unwrap();
        let mut last = Source::Input;
        // Between the ends are 64, 80 and 180 weights: the first are less than a quarter.
        let sizes = [3, 8, 8, 10, 18, 2];
        for (i, pair) in sizes.windows(2).enumerate() {
            let op = pointwise(pair[0], pair[1]);
            last = builder.layer(format!("{i}"), op, &[last]).unwrap();
        }
        builder.output_tensor(last);
        let network = builder.build().unwrap();
        let groups = crate::share::groups(&network);
        let bits = |level: &str| level.parse::<Level>().unwrap().of_layers(&network, &groups);
        assert_eq!(bits("w4a8"), [8, 8, 4, 4, 8]);
        assert_eq!(bits("w8a8"), [8; 5]);
    }

    #[test]
    fn a_level_is_read_as_it_is_written() {
        for text in ["w8a8", "w4a8", "w2a2"] {
            assert_eq!(text.parse::<Level>().unwrap().to_string(), text);
        }
        for odd in ["", "w8", "a8w8", "w1a8", "w8a9", "w8a8x", "8/8"] {
            let refusal = odd.parse::<Level>().unwrap_err();
            assert!(refusal.starts_with(&format!("'{odd}' is not")), "{refusal}");
        }
    }
}
