//! Numbers of weights and activations that a float network can be given.

use anyhow::Result;
use std::str::FromStr;
use tincy_network::Network;
use tincy_quantize::{Level, LowBit, Options, low_bit, quantize};

/// All that are compared by default, most bits first.
pub const ALL: [&str; 13] = [
    "f32", "w8a8", "w4a8", "w8a4", "w4a4", "wta8", "wta4", "wta3", "w1a8", "w1a4", "w1a3", "w1a2",
    "w1a1",
];

/// Numbers of weights and activations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// As they are: `f32`.
    Floats,
    /// Integers of 2 to 8 bits: `w8a8`.
    Integers(Level),
    /// Weights of one bit (`w1a3`) or three values (`wta3`), not trained.
    LowBit(LowBit),
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Precision, String> {
        if text == "f32" {
            return Ok(Precision::Floats);
        }
        let low_bit = text.parse().map(Precision::LowBit);
        let known = low_bit.or_else(|_: String| text.parse().map(Precision::Integers));
        known.map_err(|_: String| format!("no level; known are {} and the like", ALL.join(", ")))
    }
}

impl Precision {
    /// The network in such numbers; `inputs` are as the network reads them.
    ///
    /// # Errors
    /// If it is no float network, or has no form in integers.
    pub fn make(self, network: &Network, inputs: &[Vec<f32>], threads: usize) -> Result<Network> {
        let mut inputs = inputs.iter().cloned();
        let options = Options {
            threads,
            ..Options::default()
        };
        Ok(match self {
            Precision::Floats => network.clone(),
            Precision::Integers(level) => quantize(network, level, &mut inputs, options)?.0,
            Precision::LowBit(level) => low_bit(network, level, &mut inputs, threads)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_known() {
        assert!(ALL.iter().all(|name| name.parse::<Precision>().is_ok()));
        assert_eq!("f32".parse(), Ok(Precision::Floats));
        assert!("w2a2".parse::<Precision>().is_ok());
        for odd in ["f16", "w1", "w9a8", ""] {
            assert!(
                odd.parse::<Precision>().unwrap_err().contains("no level"),
                "{odd}"
            );
        }
    }
}
