//! A trained network in integers.
//!
//! With weights `s * code`, inputs of step `i`, normalisation `f * x + b` and activations rounded half up
//! to codes of step `o`, a sum `acc` of codes gives code `k` or more where
//! `f * s * i * acc + b >= (k - 1/2) * o`; so
//!
//! ```text
//! t_k = ceil((k - 1/2 - b / o) / (f * s * i / o))      f * s > 0
//! ```
//!
//! and where `f * s < 0` the filter's weights are negated and so is the quotient. Results stay floats:
//! `f * s * i * acc + b`.
//!
//! Scales of kernel rows or positions (SYQ) become [multipliers](tincy_network::multipliers), rounded so that the
//! largest is [`MAX_MULTIPLIER`]; what they are parts of is the `s` of all channels.

use crate::quantizers::{Codes, Shared};
use crate::{Error, Model};
use tincy_network::multipliers::MAX_MULTIPLIER;
use tincy_network::{
    Activation, Code, Convolution, Finish, Input, Network, Op, Source, Thresholds, WeightKind,
    Weights,
};
use tincy_quantize::filters::results;

/// The maps of a model as integers, and what a step of each stood for in training.
#[derive(Clone, Debug)]
pub struct Maps {
    /// The input, in codes.
    pub input: Input,
    /// A step of the input.
    pub input_step: f64,
    /// Codes between layers, unsigned from 0.
    pub code: Code,
    /// A step of them.
    pub step: f64,
}

/// The model in integers.
///
/// # Errors
/// If a convolution has no quantizer, or one whose codes no weights can hold.
pub fn to_integers(model: &mut Model, maps: &Maps) -> Result<Network, Error> {
    let template = model.template().clone();
    let builder = template.rebuild(maps.input.clone(), |index, layer| match layer.op() {
        Op::Convolution(convolution) => {
            let read = match layer.inputs()[0] {
                Source::Input => maps.input_step,
                Source::Layer(_) => maps.step,
            };
            let is_result = template.outputs().contains(&Source::Layer(index));
            let given = (!is_result).then_some((maps.code, maps.step));
            let exported = integers(model, layer.name(), convolution, read, given)?;
            Ok(Op::Convolution(exported))
        }
        op => Ok::<_, Error>(op.clone()),
    })?;
    Ok(builder.build()?)
}

fn integers(
    model: &mut Model,
    name: &str,
    convolution: &Convolution,
    read: f64,
    given: Option<(Code, f64)>,
) -> Result<Convolution, Error> {
    let codes = model.weight_codes(name)?;
    let outputs = convolution.out_channels;
    let Scales {
        channels: scales,
        multipliers,
    } = Scales::new(&codes, convolution);
    let mut weights: Vec<i8> = codes.codes.iter().map(|code| *code as i8).collect();
    let (factors, bias) = model.fold(name, outputs);
    let slopes = factors.iter().zip(&scales);
    let slopes: Vec<f64> = slopes
        .map(|(factor, scale)| factor * scale * read)
        .collect();
    let finish = match given {
        None => results(&slopes, bias, Activation::Linear),
        Some((code, step)) => {
            let lines = slopes.iter().zip(&bias);
            let lines = lines.map(|(slope, bias)| (slope / step, f64::from(*bias) / step));
            let steps = 1..=code.max();
            let values = lines
                .flat_map(|(slope, bias)| steps.clone().map(move |k| threshold(k, slope, bias)));
            turn(&mut weights, &slopes);
            Finish::Thresholds(Thresholds {
                code,
                values: values.collect::<Vec<_>>().into(),
            })
        }
    };
    let places = outputs * convolution.kernel[0] * convolution.kernel[1];
    let channels = weights.len() / places;
    let weights = Weights::integers(WeightKind::smallest(&weights), &weights)?;
    Ok(Convolution {
        weights: match multipliers.is_empty() {
            true => weights,
            false => weights.with_multipliers(channels, multipliers)?,
        },
        finish,
        ..convolution.clone()
    })
}

/// A quantizer's scales, apart by what can hold them.
struct Scales {
    /// One an output channel, for thresholds.
    channels: Vec<f64>,
    /// One a kernel position, for weights; none if all are alike.
    multipliers: Vec<u8>,
}

impl Scales {
    fn new(codes: &Codes, convolution: &Convolution) -> Scales {
        let (outputs, [_, columns]) = (convolution.out_channels, convolution.kernel);
        let scales: Vec<f64> = codes.scales.iter().map(|s| f64::from(*s)).collect();
        match codes.shared {
            Shared::Layer => Scales {
                channels: vec![scales[0]; outputs],
                multipliers: Vec::new(),
            },
            Shared::Channel => Scales {
                channels: scales,
                multipliers: Vec::new(),
            },
            Shared::Row => {
                let positions = scales.iter().flat_map(|s| vec![*s; columns]);
                Scales::by_position(&positions.collect::<Vec<_>>(), outputs)
            }
            Shared::Position => Scales::by_position(&scales, outputs),
        }
    }

    fn by_position(scales: &[f64], outputs: usize) -> Scales {
        let (largest, most) = (scales.iter().copied().fold(0.0, f64::max), MAX_MULTIPLIER);
        // A cast cuts what is above.
        let multiplier = |s: &f64| ((s / largest * f64::from(most)).round() as u8).clamp(1, most);
        let multipliers: Vec<u8> = scales.iter().map(multiplier).collect();
        if multipliers.iter().all(|m| *m == most) {
            return Scales {
                channels: vec![largest; outputs],
                multipliers: Vec::new(),
            };
        }
        Scales {
            channels: vec![largest / f64::from(most); outputs],
            multipliers,
        }
    }
}

/// Negates the filters of falling lines.
fn turn(weights: &mut [i8], slopes: &[f64]) {
    let window = weights.len() / slopes.len();
    let filters = weights.chunks_exact_mut(window).zip(slopes);
    for (filter, _) in filters.filter(|(_, slope)| **slope < 0.0) {
        // -128 has no opposite; 127 is as near as it gets.
        filter
            .iter_mut()
            .for_each(|weight| *weight = weight.saturating_neg());
    }
}

/// The least sum of a code of `k` or more, for a filter that is negated if `slope` is.
fn threshold(k: i32, slope: f64, bias: f64) -> i32 {
    let wanted = f64::from(k) - 0.5 - bias;
    if slope == 0.0 {
        return if wanted <= 0.0 { i32::MIN } else { i32::MAX };
    }
    // Casts cut what lies outside.
    (wanted / slope.abs()).ceil() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_where_rounding_half_up_steps() {
        for (slope, bias) in [(0.3, 1.21), (-0.07, 4.003), (2.5, -3.5), (0.5, 0.0)] {
            for k in 1..=15 {
                let t = threshold(k, slope, bias);
                let code = |acc: i32| (slope.abs() * f64::from(acc) + bias + 0.5).floor() as i32;
                assert!(code(t) >= k && code(t - 1) < k, "{slope} {bias} {k}: {t}");
            }
        }
        assert_eq!(threshold(3, 0.0, 2.6), i32::MIN);
        assert_eq!(threshold(3, 0.0, 2.4), i32::MAX);
    }

    #[test]
    fn scales_of_positions_become_multipliers() {
        let scales = Scales::by_position(&[0.5, 0.25, 1e-6, 0.498], 3);
        assert_eq!(scales.multipliers, [127, 64, 1, 126]);
        assert_eq!(scales.channels, [0.5 / 127.0; 3]);
        let alike = Scales::by_position(&[0.5, 0.4999], 2);
        assert!(alike.multipliers.is_empty(), "no parts of 127");
        assert_eq!(alike.channels, [0.5; 2]);
    }
}
