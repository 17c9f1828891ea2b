//! A trained network in integers.
//!
//! With weights `s * code`, normalisation `f * x + b` and activations rounded half up to codes of step
//! 1, a sum `acc` of codes gives code `k` or more where `f * s * acc + b >= k - 1/2`; so
//!
//! ```text
//! t_k = ceil((k - 1/2 - b) / (f * s))      f * s > 0
//! ```
//!
//! and where `f * s < 0` the filter's weights are negated and so is the quotient. Results stay floats:
//! `s * acc + bias`.

use crate::quantizers::{Codes, Shared};
use crate::{Error, Model};
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Input, Network, Number, Op, Source, Thresholds,
    WeightKind, Weights,
};

/// The model in integers: inputs are `input`'s codes, maps between layers codes of `bits` bits.
///
/// # Errors
/// If a convolution has no quantizer, or one whose scales no finish can hold.
pub fn to_integers(model: &mut Model, input: &Input, bits: u8) -> Result<Network, Error> {
    let template = model.template().clone();
    let builder = template.rebuild(input.clone(), |index, layer| match layer.op() {
        Op::Convolution(convolution) => {
            let is_result = template.outputs().contains(&Source::Layer(index));
            let code = (!is_result).then(|| Code::unsigned(bits, 1.0));
            let exported = integers(model, layer.name(), convolution, code)?;
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
    code: Option<Code>,
) -> Result<Convolution, Error> {
    let codes = model.weight_codes(name)?;
    let outputs = convolution.out_channels;
    let scales: Vec<f64> = match codes.shared {
        Shared::Layer => vec![codes.scales[0].into(); outputs],
        Shared::Channel => codes.scales.iter().map(|s| f64::from(*s)).collect(),
        _ => {
            let what = "scales within a kernel cannot be exported as thresholds";
            return Err(Error::layer(name, what));
        }
    };
    let mut weights: Vec<i8> = codes.codes.iter().map(|code| *code as i8).collect();
    let (factors, bias) = model.fold(name, outputs);
    let finish = match code {
        None => affine(&scales, &bias),
        Some(code) => {
            let window = weights.len() / outputs;
            let mut values = Vec::with_capacity(outputs * code.max() as usize);
            for (o, filter) in weights.chunks_exact_mut(window).enumerate() {
                let slope = factors[o] * scales[o];
                if slope < 0.0 {
                    // -128 has no opposite; 127 is as near as it gets.
                    filter
                        .iter_mut()
                        .for_each(|weight| *weight = weight.saturating_neg());
                }
                let steps = 1..=code.max();
                values.extend(steps.map(|k| threshold(k, slope, bias[o].into())));
            }
            Finish::Thresholds(Thresholds {
                code,
                values: values.into(),
            })
        }
    };
    Ok(Convolution {
        weights: Weights::integers(kind(&codes), &weights)?,
        finish,
        ..convolution.clone()
    })
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

fn affine(scales: &[f64], bias: &[f32]) -> Finish {
    let scale: Vec<f32> = scales.iter().map(|scale| *scale as f32).collect();
    Finish::Affine(Affine {
        scale: scale.into(),
        bias: bias.to_vec().into(),
        activation: Activation::Linear,
        output: Number::F32,
    })
}

fn kind(codes: &Codes) -> WeightKind {
    if codes.codes.iter().all(|code| code.abs() == 1) {
        return WeightKind::Binary;
    }
    let most = codes.codes.iter().map(|code| code.abs()).max().unwrap_or(1);
    match most {
        0..=1 => WeightKind::Ternary,
        most => WeightKind::Int {
            bits: (17 - most.leading_zeros()) as u8,
        },
    }
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
    fn bits_hold_the_largest_code() {
        let kind_of = |codes: &[i16]| {
            kind(&Codes {
                codes: codes.to_vec(),
                scales: vec![1.0],
                shared: Shared::Layer,
            })
        };
        assert_eq!(kind_of(&[1, -1]), WeightKind::Binary);
        assert_eq!(kind_of(&[1, 0]), WeightKind::Ternary);
        assert_eq!(kind_of(&[3, -2]), WeightKind::Int { bits: 3 });
        assert_eq!(kind_of(&[-127, 64]), WeightKind::Int { bits: 8 });
    }
}
