//! Statistics of a batch taken into batch normalisation, with the function kept.
//!
//! A layer whose sums have mean `m` and deviation `s` computes `a * acc + b` as
//! `scale * (acc - m) / s + shift` with `scale = a * s` and `shift = b + a * m`.

use crate::layers::EPSILON;
use crate::low_bit::line::Line;
use crate::parameters::{ParameterId, Parameters};
use crate::{Error, Model, Tape};

/// What a normalised layer is to compute at first.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A line a channel; one without stays still, but so that it can learn to fire.
    Lines(Vec<Option<Line>>),
    /// Codes of this mean and deviation, in every channel: for layers that are new.
    Spread {
        /// Mean of the codes before they are rounded and cut.
        mean: f32,
        /// Their deviation.
        deviation: f32,
    },
}

/// Mean and deviation of a still channel's codes before they are rounded: four deviations fire.
const STILL: (f64, f64) = (-3.5, 1.0);

/// Sets each layer's normalisation, in the order given, which must be that of the network: statistics
/// of the inputs that lie on the tape, and scale and shift for what is wanted. The normalisation must
/// take statistics of batches, with this momentum.
///
/// # Errors
/// If a layer has no normalisation.
pub fn calibrate(
    model: &mut Model,
    tape: &mut Tape,
    momentum: f32,
    layers: &[(String, Wanted)],
) -> Result<(), Error> {
    for (name, wanted) in layers {
        let ids = ids(model.parameters(), name)?;
        let before = ids.map(|id| model.parameters().get(id).to_vec());
        tape.forward(model, true);
        let parameters = model.parameters_mut();
        let batch = |now: &[f32], before: &[f32]| -> Vec<f32> {
            let pairs = now.iter().zip(before);
            pairs
                .map(|(now, before)| before + (now - before) / momentum)
                .collect()
        };
        let mean = batch(parameters.get(ids[2]), &before[2]);
        let variance = batch(parameters.get(ids[3]), &before[3]);
        for channel in 0..mean.len() {
            let deviation = (f64::from(variance[channel].max(0.0)) + EPSILON).sqrt();
            let (scale, shift) = match wanted {
                Wanted::Lines(lines) => match lines[channel] {
                    Some(Line { factor, offset }) => (
                        factor * deviation,
                        offset + factor * f64::from(mean[channel]),
                    ),
                    None => (STILL.1, STILL.0),
                },
                Wanted::Spread { mean, deviation } => (f64::from(*deviation), f64::from(*mean)),
            };
            parameters.get_mut(ids[0])[channel] = scale as f32;
            parameters.get_mut(ids[1])[channel] = shift as f32;
        }
        parameters.get_mut(ids[2]).copy_from_slice(&mean);
        parameters.get_mut(ids[3]).copy_from_slice(&variance);
    }
    Ok(())
}

fn ids(parameters: &Parameters, layer: &str) -> Result<[ParameterId; 4], Error> {
    let find = |part: &str| parameters.find(&format!("{layer}.{part}"));
    let all = (find("scale"), find("shift"), find("mean"), find("variance"));
    let (Some(scale), Some(shift), Some(mean), Some(variance)) = all else {
        return Err(Error::layer(layer, "has no normalisation to calibrate"));
    };
    Ok([scale, shift, mean, variance])
}
