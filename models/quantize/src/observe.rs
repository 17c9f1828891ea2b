//! What a float network's maps hold for a batch: one input at a time, counts kept, maps not.

use crate::Error;
use crate::batch::Batch;
use crate::equalize::SAMPLE;
use crate::histogram::Histogram;
use crate::split::{activation_name, split};
use tincy_engine::{Options, Plan, Session};
use tincy_network::{Network, Source};

/// What a layer's map holds.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The map's values.
    pub map: Histogram,
    /// The sums before the activation, where one follows.
    pub sums: Option<Histogram>,
    /// Some pixels of the sums, or of the map where no activation follows; channels adjacent.
    pub pixels: Vec<f32>,
    /// The largest of each channel's sums (or values) in each input, input by input: what objects leave, and
    /// a sample misses.
    pub peaks: Vec<f32>,
}

/// Observes all layers of a network.
///
/// # Errors
/// If the network cannot be run.
pub fn observe(network: &Network, batch: &Batch, threads: usize) -> Result<Vec<Observed>, Error> {
    let split = split(network)?;
    let options = Options {
        threads,
        keep_all: true,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(&split, &options)?);
    let places: Vec<Place> = network
        .layers()
        .iter()
        .map(|layer| Place::of(&split, layer.name()))
        .collect();
    let mut observed = vec![Observed::default(); places.len()];
    for index in 0..batch.inputs.len() {
        batch.fill(index, session.input_mut());
        session.run();
        for ((place, observed), layer) in places.iter().zip(&mut observed).zip(network.layers()) {
            let values = |at: Option<usize>| {
                let tensor = session.output(Source::Layer(at?))?;
                match tensor {
                    tincy_engine::tensor::Tensor::F32(values) => Some(values),
                    _ => None,
                }
            };
            let Some(map) = values(place.map) else {
                continue;
            };
            observed.map.add(map);
            let sums = values(place.sums);
            if let Some(sums) = sums {
                observed.sums.get_or_insert_default().add(sums);
            }
            let channels = layer.shape().channels;
            let wanted = (SAMPLE / batch.inputs.len()).max(1);
            let values = sums.unwrap_or(map);
            observed.peaks.extend(peaks(values, channels));
            let pixels = values.chunks_exact(channels);
            let every = pixels.len().div_ceil(wanted);
            // Not the same columns in every row.
            let every = every + usize::from(every > 1 && layer.shape().width.is_multiple_of(every));
            observed.pixels.extend(pixels.step_by(every).flatten());
        }
    }
    Ok(observed)
}

/// The largest value of each channel.
fn peaks(values: &[f32], channels: usize) -> Vec<f32> {
    let mut peaks = vec![f32::NEG_INFINITY; channels];
    for pixel in values.chunks_exact(channels) {
        peaks
            .iter_mut()
            .zip(pixel)
            .for_each(|(peak, value)| *peak = peak.max(*value));
    }
    peaks
}

/// Where the split network has a layer's maps.
struct Place {
    map: Option<usize>,
    sums: Option<usize>,
}

impl Place {
    fn of(split: &Network, layer: &str) -> Place {
        let whole = split.find(layer);
        match split.find(&activation_name(layer)) {
            None => Place {
                map: whole,
                sums: None,
            },
            activation => Place {
                map: activation,
                sums: whole,
            },
        }
    }
}

impl Observed {
    /// The peaks of each of `channels` channels, and then its sampled values.
    pub fn channels(&self, channels: usize) -> Vec<Vec<f32>> {
        let of = |values: &'_ [f32], c| values.iter().skip(c).step_by(channels).copied().collect();
        let channel = |c| -> Vec<f32> {
            let [peaks, pixels]: [Vec<f32>; 2] = [of(&self.peaks, c), of(&self.pixels, c)];
            [peaks, pixels].concat()
        };
        (0..channels).map(channel).collect()
    }
}
