//! A method by its name, as it stands on the command line and in checkpoints.

use super::dorefa::Dorefa;
use super::lsq::Lsq;
use super::sparse::SparseTernary;
use super::syq::{Levels, Subgroup, Syq};
use super::ternary::{Ttq, Twn};
use super::uniform::Uniform;
use super::xnor::Xnor;
use super::{Layout, Quantizer, budget};
use std::fmt;
use std::str::FromStr;

/// SYQ's and TTQ's part of the largest weight up to which a ternary weight is 0.
const THRESHOLD: f64 = 0.05;

/// A way to quantize, of a fixed number of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `syq-binary-position`: levels, subgroup; `-fixed` for scales that are not learned.
    Syq {
        /// -1, 0, +1 instead of -1, +1.
        ternary: bool,
        /// Which weights share a scale.
        subgroup: Subgroup,
        /// Whether the scales are learned.
        learned: bool,
    },
    /// `twn`.
    Twn,
    /// `ttq`.
    Ttq,
    /// `sparse`: ternary, thinned, pruned, retrained.
    Sparse,
    /// `xnor`.
    Xnor,
    /// `dorefa1` to `dorefa8`.
    Dorefa(u8),
    /// `lsq4`, and `lsq4-channel` for a step an output channel. Of weights signed, of activations
    /// unsigned.
    Lsq {
        /// 1 (weights 2) to 8.
        bits: u8,
        /// A step for each output channel.
        by_channel: bool,
    },
    /// `lsq8-signed`: activations of both signs.
    LsqSigned(u8),
    /// `uniform2`: activations on 0 to 1.
    Uniform(u8),
    /// `pact4`: activations up to a learned top.
    Pact(u8),
}

/// Every method without its number of bits, for messages.
const NAMES: &str = "syq-{binary,ternary}-{layer,row,position}[-fixed], twn, ttq, sparse, xnor, \
                     dorefaN, lsqN[-channel], lsqN-signed, uniformN, pactN";

impl Method {
    /// The quantizer for weights that are now `weights`; `None` if the method is for activations.
    pub fn of_weights(self, layout: Layout, weights: &[f32]) -> Option<Box<dyn Quantizer>> {
        Some(match self {
            Method::Syq {
                ternary,
                subgroup,
                learned,
            } => {
                let levels = match ternary {
                    true => Levels::Ternary {
                        threshold: THRESHOLD,
                    },
                    false => Levels::Binary,
                };
                Box::new(Syq::new(levels, subgroup, learned, layout, weights))
            }
            Method::Twn => Box::new(Twn),
            Method::Ttq => Box::new(Ttq::new(THRESHOLD, weights)),
            Method::Sparse => Box::new(SparseTernary::new(budget::START)),
            Method::Xnor => Box::new(Xnor::new(layout)),
            Method::Dorefa(bits) => Box::new(Dorefa::new(bits)),
            Method::Lsq { bits, by_channel } if bits > 1 => {
                Box::new(Lsq::weights(bits, by_channel, layout, weights))
            }
            _ => return None,
        })
    }

    /// The quantizer for activations of which `sample` are some, `features` a picture; `None` if
    /// the method is for weights.
    pub fn of_activations(self, features: usize, sample: &[f32]) -> Option<Box<dyn Quantizer>> {
        Some(match self {
            Method::Lsq {
                bits,
                by_channel: false,
            } => Box::new(Lsq::activations(bits, false, features, sample)),
            Method::LsqSigned(bits) => Box::new(Lsq::activations(bits, true, features, sample)),
            Method::Uniform(bits) => Box::new(Uniform::new(bits, 1.0, false)),
            Method::Pact(bits) => {
                let top = sample.iter().fold(0.0, |top: f32, value| top.max(*value));
                Box::new(Uniform::new(bits, top, true))
            }
            _ => return None,
        })
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Method, String> {
        parse(text).ok_or_else(|| format!("`{text}` is no quantizer; there are {NAMES}"))
    }
}

fn parse(text: &str) -> Option<Method> {
    let (name, rest) = text.split_once('-').unwrap_or((text, ""));
    let (name, bits) = name.split_at(
        name.find(|c: char| c.is_ascii_digit())
            .unwrap_or(name.len()),
    );
    let bits = match bits {
        "" => None,
        digits => Some(digits.parse().ok().filter(|bits| (1..=8).contains(bits))?),
    };
    Some(match (name, bits, rest) {
        ("syq", None, rest) => parse_syq(rest)?,
        ("twn", None, "") => Method::Twn,
        ("ttq", None, "") => Method::Ttq,
        ("sparse", None, "") => Method::Sparse,
        ("xnor", None, "") => Method::Xnor,
        ("dorefa", Some(bits), "") => Method::Dorefa(bits),
        ("lsq", Some(bits), "") => Method::Lsq {
            bits,
            by_channel: false,
        },
        ("lsq", Some(bits @ 2..), "channel") => Method::Lsq {
            bits,
            by_channel: true,
        },
        ("lsq", Some(bits @ 2..), "signed") => Method::LsqSigned(bits),
        ("uniform", Some(bits), "") => Method::Uniform(bits),
        ("pact", Some(bits), "") => Method::Pact(bits),
        _ => return None,
    })
}

fn parse_syq(rest: &str) -> Option<Method> {
    let (rest, learned) = match rest.strip_suffix("-fixed") {
        Some(rest) => (rest, false),
        None => (rest, true),
    };
    let (levels, subgroup) = rest.split_once('-')?;
    Some(Method::Syq {
        ternary: match levels {
            "binary" => false,
            "ternary" => true,
            _ => return None,
        },
        subgroup: match subgroup {
            "layer" => Subgroup::Layer,
            "row" => Subgroup::Row,
            "position" => Subgroup::Position,
            _ => return None,
        },
        learned,
    })
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Syq {
                ternary,
                subgroup,
                learned,
            } => {
                let levels = if *ternary { "ternary" } else { "binary" };
                let subgroup = match subgroup {
                    Subgroup::Layer => "layer",
                    Subgroup::Row => "row",
                    Subgroup::Position => "position",
                };
                let fixed = if *learned { "" } else { "-fixed" };
                write!(f, "syq-{levels}-{subgroup}{fixed}")
            }
            Method::Twn => f.write_str("twn"),
            Method::Ttq => f.write_str("ttq"),
            Method::Sparse => f.write_str("sparse"),
            Method::Xnor => f.write_str("xnor"),
            Method::Dorefa(bits) => write!(f, "dorefa{bits}"),
            Method::Lsq {
                bits,
                by_channel: false,
            } => write!(f, "lsq{bits}"),
            Method::Lsq {
                bits,
                by_channel: true,
            } => write!(f, "lsq{bits}-channel"),
            Method::LsqSigned(bits) => write!(f, "lsq{bits}-signed"),
            Method::Uniform(bits) => write!(f, "uniform{bits}"),
            Method::Pact(bits) => write!(f, "pact{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let names = [
            "syq-binary-layer",
            "syq-ternary-row",
            "syq-binary-position-fixed",
            "twn",
            "ttq",
            "sparse",
            "xnor",
            "dorefa1",
            "lsq4",
            "lsq8-channel",
            "lsq2-signed",
            "uniform2",
            "pact3",
        ];
        for name in names {
            assert_eq!(name.parse::<Method>().unwrap().to_string(), name);
        }
        for wrong in [
            "",
            "syq",
            "syq-binary",
            "lsq",
            "lsq9",
            "lsq0",
            "lsq1-signed",
            "twn2",
            "dorefa",
        ] {
            let message = wrong.parse::<Method>().unwrap_err();
            assert!(message.contains(&format!("`{wrong}`")), "{message}");
        }
    }

    #[test]
    fn methods_are_for_weights_or_activations() {
        let layout = Layout {
            outputs: 2,
            rows: 1,
            columns: 1,
            inputs: 2,
        };
        let cases = [
            ("syq-binary-row", true, false),
            ("sparse", true, false),
            ("lsq4", true, true),
            ("lsq1", false, true),
            ("lsq4-channel", true, false),
            ("lsq4-signed", false, true),
            ("pact2", false, true),
        ];
        let values = [0.5, -0.25, 1.0, 0.125];
        for (name, weights, activations) in cases {
            let method: Method = name.parse().unwrap();
            let quantizer = method.of_weights(layout, &values);
            assert_eq!(quantizer.is_some(), weights, "{name}");
            let other = method.of_activations(4, &values);
            assert_eq!(other.is_some(), activations, "{name}");
            // What is kept is taken up again, and codes say what forward gives.
            for mut quantizer in quantizer.into_iter().chain(other) {
                let state = quantizer.state();
                assert!(quantizer.restore(&state), "{name}");
                let mut out = [0.0; 4];
                quantizer.forward(&values, &mut out);
                let codes = quantizer.codes(&values);
                for (i, code) in codes.codes.iter().enumerate() {
                    let scale = codes.scales[i / (4 / codes.scales.len())];
                    assert_eq!(out[i], f32::from(*code) * scale, "{name}");
                }
            }
        }
    }
}
