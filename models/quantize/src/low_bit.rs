//! Weights of one bit or three values without training, for the speed that they have: what a network of
//! such weights finds, training has to teach it.
//!
//! Binary weights are `a * sign(w)` with `a` the mean of |w| of a filter (XNOR-Net), ternary ones
//! `a * sign(w)` where `|w| > 0.7 * mean |w|` and else 0, with `a` the mean of those kept (TWN). Codes are
//! unsigned without a zero point, so what is negative is cut. Convolutions that read the picture, give results
//! or have groups keep weights of eight bits.

use crate::batch::Batch;
use crate::build::build;
use crate::codes::Codes;
use crate::filters::Filters;
use crate::forms::Forms;
use crate::level::ENDS;
use crate::observe::observe;
use crate::start::start;
use crate::{Error, Method, weights};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tincy_network::{
    Convolution, Finish, Network, Number, Op, Source, Thresholds, WeightKind, Weights, accumulator,
    order,
};

/// Weights that are kept, by their size as a share of the mean (Li and Liu, 2016).
const KEPT: f32 = 0.7;

/// What weights that are all zero stand for.
const LEAST: f32 = 1e-30;

/// Most bits of codes that thresholds are counted for.
const MAX_COUNTED_BITS: u8 = 4;

/// One-bit or ternary weights: `w1a3`, `wta8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LowBit {
    /// -1, 0, +1 instead of -1, +1.
    pub ternary: bool,
    /// Bits of activations, 1 to 8.
    pub activations: u8,
}

impl FromStr for LowBit {
    type Err = String;

    fn from_str(text: &str) -> Result<LowBit, String> {
        let wrong = || format!("'{text}' is not w1a3, wta4 or the like");
        let (weights, bits) = text.split_once('a').ok_or_else(wrong)?;
        let ternary = match weights {
            "w1" => false,
            "wt" => true,
            _ => return Err(wrong()),
        };
        match bits.parse() {
            Ok(activations @ 1..=8) => Ok(LowBit {
                ternary,
                activations,
            }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for LowBit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = if self.ternary { "t" } else { "1" };
        write!(f, "w{weights}a{}", self.activations)
    }
}

/// Makes a float network one of such weights, with ranges found from the inputs (as
/// [`quantize`](crate::quantize) takes them).
///
/// # Errors
/// If the network has no form in integers, or the inputs do not fit it.
pub fn low_bit(
    network: &Network,
    level: LowBit,
    inputs: &mut dyn Iterator<Item = Vec<f32>>,
    threads: usize,
) -> Result<Network, Error> {
    let batch = Batch::take(network.input(), inputs)?;
    let start = start(network, batch.code)?;
    let observed = observe(&start, &batch, threads)?;
    let forms = Forms::new(&start);
    let codes = Codes::unsigned(&start, &forms, &observed, level.activations, Method::Max);
    let layers = start.layers().iter().enumerate();
    let filters = layers.filter_map(|(index, layer)| {
        let input = codes.of(&forms, layer.inputs()[0]).scale;
        let is_end = is_end(&forms, index, layer.inputs()[0]);
        Some((index, filters(layer.convolution()?, level, is_end, input)?))
    });
    let filters: BTreeMap<usize, Filters> = filters.collect();
    let about = format!(
        "{level}, not trained, ranges from {} inputs",
        batch.inputs.len()
    );
    counted(&build(&start, &forms, &codes, filters, &about)?)
}

fn is_end(forms: &Forms, layer: usize, input: Source) -> bool {
    forms.groups.is_input(input) || !forms.is_code(Source::Layer(layer))
}

fn filters(convolution: &Convolution, level: LowBit, is_end: bool, input: f64) -> Option<Filters> {
    let Finish::Affine(affine) = &convolution.finish else {
        return None;
    };
    let floats = convolution.weights.as_floats();
    let window = floats.len() / convolution.out_channels;
    let (codes, steps) = match is_end || convolution.groups > 1 {
        true => {
            let steps = weights::steps(floats, window, ENDS);
            (weights::rounded(floats, &steps, window, ENDS), steps)
        }
        false => signs(floats, window, level.ternary),
    };
    Some(Filters::new(codes, &steps, input, affine.bias.to_vec()))
}

/// Signs of weights, and what they stand for in each filter.
fn signs(floats: &[f32], window: usize, ternary: bool) -> (Vec<i8>, Vec<f32>) {
    let filters = floats.chunks_exact(window);
    let filters = filters.map(|filter| {
        let mean = filter.iter().map(|weight| weight.abs()).sum::<f32>() / window as f32;
        let is_left_out = |weight: f32| ternary && weight.abs() <= KEPT * mean;
        let code = |weight: &f32| match (is_left_out(*weight), *weight < 0.0) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let kept: Vec<f32> = filter
            .iter()
            .map(|w| w.abs())
            .filter(|w| !is_left_out(*w))
            .collect();
        let size = kept.iter().sum::<f32>() / kept.len().max(1) as f32;
        (
            filter.iter().map(code).collect::<Vec<i8>>(),
            size.max(LEAST),
        )
    });
    let (codes, steps): (Vec<Vec<i8>>, Vec<f32>) = filters.unzip();
    (codes.concat(), steps)
}

/// The same network with weights as small as they are, and few codes counted by thresholds: what look-up
/// kernels take.
fn counted(network: &Network) -> Result<Network, Error> {
    let builder = network.rebuild(network.input().clone(), |_, layer| {
        let Op::Convolution(convolution) = layer.op() else {
            return Ok::<_, Error>(layer.op().clone());
        };
        let input = network.tensor(layer.inputs()[0]).1;
        let mut convolution = Convolution {
            weights: packed(&convolution.weights)?,
            ..convolution.clone()
        };
        if let Some(thresholds) = thresholds(&convolution, input) {
            convolution.finish = Finish::Thresholds(thresholds);
        }
        Ok(Op::Convolution(convolution))
    })?;
    Ok(builder.build()?)
}

/// Weights in the kind that holds them in fewest bits.
fn packed(weights: &Weights) -> Result<Weights, Error> {
    if weights.kind() == WeightKind::F32 {
        return Ok(weights.clone());
    }
    let codes = weights.unpack();
    Ok(Weights::integers(WeightKind::smallest(&codes), &codes)?)
}

/// The thresholds that count what a requantization gives, where they can: for each code the first sum that
/// reaches it.
fn thresholds(convolution: &Convolution, input: Number) -> Option<Thresholds> {
    let Finish::Requantize(requantize) = &convolution.finish else {
        return None;
    };
    let (input, code) = (input.code()?, requantize.output());
    let is_counted = !code.signed && code.zero == 0 && code.bits <= MAX_COUNTED_BITS;
    if !is_counted || input.bits > MAX_COUNTED_BITS || convolution.weights.kind().bits() > 2 {
        return None;
    }
    let bound = accumulator::bound(convolution, input);
    if !bound.fits(i32::BITS) {
        return None;
    }
    let first_sum = |o, wanted| {
        // Codes rise with sums here.
        let reaches = |sum| requantize.apply(sum as i32, o) >= wanted;
        let sum = order::first(bound.min, bound.max, reaches);
        if sum > bound.max {
            i32::MAX
        } else {
            sum as i32
        }
    };
    let channels = 0..convolution.out_channels;
    let values = channels.flat_map(|o| (1..=code.max()).map(move |wanted| first_sum(o, wanted)));
    Some(Thresholds {
        code,
        values: values.collect::<Vec<_>>().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_as_it_is_written() {
        for text in ["w1a1", "w1a8", "wta3"] {
            assert_eq!(text.parse::<LowBit>().unwrap().to_string(), text);
        }
        for odd in ["w1", "w2a3", "w1a0", "wta9", ""] {
            assert!(odd.parse::<LowBit>().is_err(), "{odd}");
        }
    }

    #[test]
    fn signs_and_their_sizes() {
        let filter = [0.5, -1.5, 0.25, -0.75];
        assert_eq!(signs(&filter, 4, false), (vec![1, -1, 1, -1], vec![0.75]));
        // 0.7 of the mean 0.75 is 0.525: two are kept.
        assert_eq!(signs(&filter, 4, true), (vec![0, -1, 0, -1], vec![1.125]));
        assert_eq!(signs(&[0.0, 0.0], 2, true).0, [0, 0]);
    }
}
