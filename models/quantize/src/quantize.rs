//! The way from floats to integers.

use crate::batch::Batch;
use crate::build::build;
use crate::codes::Codes;
use crate::equalize::{Maps, equalize_exactly};
use crate::filters::Filters;
use crate::forms::Forms;
use crate::observe::{Observed, observe};
use crate::patches::{self, Patches};
use crate::rounding::Products;
use crate::start::start;
use crate::threshold::Method;
use crate::{Error, Level, Report, weights};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tincy_network::{Convolution, Finish, Network};

/// Choices.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How thresholds of maps are chosen.
    pub method: Method,
    /// Whether channels of uneven sizes are brought to like sizes first.
    pub equalize: bool,
    /// How weights are rounded.
    pub rounding: Rounding,
    /// Whether what rounding changes a channel by, in the middle, is taken back by its bias.
    pub bias_correction: bool,
    /// Threads that share the work; they change nothing else.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            method: Method::default(),
            equalize: true,
            rounding: Rounding::default(),
            bias_correction: true,
            threads: 1,
        }
    }
}

/// How weights are rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Each to the nearest code.
    Nearest,
    /// Each making up for the errors of those before ([`rounding`](crate::rounding)).
    #[default]
    Adaptive,
}

impl FromStr for Rounding {
    type Err = String;

    fn from_str(text: &str) -> Result<Rounding, String> {
        match text {
            "nearest" => Ok(Rounding::Nearest),
            "adaptive" => Ok(Rounding::Adaptive),
            _ => Err("known are nearest, adaptive".into()),
        }
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rounding::Nearest => "nearest",
            Rounding::Adaptive => "adaptive",
        })
    }
}

/// Makes a float network one of integers of a level; ranges and the rest are found from the inputs: real
/// values, or codes as numbers where the network reads codes. Its provenance says so as `quantized`.
///
/// # Errors
/// If the network has no form in integers, or the inputs do not fit it.
pub fn quantize(
    network: &Network,
    level: Level,
    inputs: &mut dyn Iterator<Item = Vec<f32>>,
    options: Options,
) -> Result<(Network, Report), Error> {
    let batch = Batch::take(network.input(), inputs)?;
    let mut start = start(network, batch.code)?;
    let mut observed = observe(&start, &batch, options.threads)?;
    if options.equalize {
        let equalized = equalized(&start, &observed)?;
        if equalized != start {
            start = equalized;
            observed = observe(&start, &batch, options.threads)?;
        }
    }
    let forms = Forms::new(&start);
    let codes = Codes::find(&start, &forms, &observed, level, options.method);
    let making = Making {
        start: &start,
        forms: &forms,
        codes: &codes,
        bits: level.of_layers(&start, &forms.groups),
        options,
    };
    let filters = making.filters(&batch)?;
    let (method, inputs) = (options.method, batch.inputs.len());
    let about = format!("{level}, ranges by {method} from {inputs} inputs");
    let made = build(&start, &forms, &codes, filters, &about)?;
    let report = Report::new(
        &start,
        &made,
        (&forms, &codes),
        (&observed, &batch),
        options.threads,
    )?;
    Ok((made, report))
}

/// The network with channels of like sizes, exactly.
fn equalized(start: &Network, observed: &[Observed]) -> Result<Network, Error> {
    let channels = |layer: usize| {
        let channels = start.layers()[layer].shape().channels;
        observed[layer].channels(channels)
    };
    equalize_exactly(&Maps {
        start,
        channels: &channels,
    })
}

/// Weights on their way.
struct Making<'a> {
    start: &'a Network,
    forms: &'a Forms,
    codes: &'a Codes,
    /// Of each layer's weights.
    bits: Vec<u8>,
    options: Options,
}

impl Making<'_> {
    /// The filters of all convolutions.
    fn filters(&self, batch: &Batch) -> Result<BTreeMap<usize, Filters>, Error> {
        let adapts = self.options.rounding == Rounding::Adaptive;
        let threads = self.options.threads;
        let mut patches = match self.options.bias_correction || adapts {
            true => patches::look(self.start, (self.forms, self.codes), batch, threads, adapts)?,
            false => BTreeMap::new(),
        };
        let layers = self.start.layers().iter().enumerate();
        let layers = layers.filter(|(index, _)| self.forms.evens.before(*index).is_none());
        let filters = layers.filter_map(|(index, layer)| {
            let patches = patches.remove(&index);
            Some((index, self.of_layer(index, layer.convolution()?, patches)?))
        });
        Ok(filters.collect())
    }

    fn of_layer(
        &self,
        layer: usize,
        convolution: &Convolution,
        patches: Option<Patches>,
    ) -> Option<Filters> {
        let Finish::Affine(affine) = &convolution.finish else {
            return None;
        };
        let bits = self.bits[layer];
        let window = convolution.weights.count() / convolution.out_channels;
        let floats = convolution.weights.as_floats();
        let products = patches.as_ref().and_then(Patches::products);
        let (codes, steps) = match products {
            Some(products) => Products::new(&products).rounded(floats, bits),
            None => {
                let steps = weights::steps(floats, window, bits);
                (weights::rounded(floats, &steps, window, bits), steps)
            }
        };
        let mut bias = affine.bias.to_vec();
        if let Some(patches) = patches.filter(|_| self.options.bias_correction) {
            let filters = floats.chunks_exact(window).zip(codes.chunks_exact(window));
            for (o, ((floats, codes), bias)) in filters.zip(&mut bias).enumerate() {
                let step = f64::from(steps[o]);
                let means = patches.means(convolution, o);
                let lost = floats
                    .iter()
                    .zip(codes)
                    .zip(means)
                    .map(|((w, q), (exact, rounded))| {
                        f64::from(*w) * exact - step * f64::from(*q) * rounded
                    });
                *bias = (f64::from(*bias) + lost.sum::<f64>()) as f32;
            }
        }
        let input = self.start.layers()[layer].inputs()[0];
        let input = self.codes.of(self.forms, input).scale;
        Some(Filters::new(codes, &steps, input, bias))
    }
}
