//! `tincy-train classify`: classifiers of digits, to try quantizers on.

use super::stop::Stop;
use super::threads;
use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;
use tincy_network::{Network, WeightKind, file};
use tincy_train::classify::export::{accuracy_of_integers, dense_twin, to_integers};
use tincy_train::classify::{Course, Distortion, Kind, Quantization, Settings, accuracy, quantize};
use tincy_train::idx::Digits;
use tincy_train::low_bit::prune::dead_channels;
use tincy_train::model::{Normalisation, Options};
use tincy_train::quantizers::Method;
use tincy_train::{Model, Tape};

/// What a run is made of.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder with MNIST's four files.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The network: cnn-C1-C2-C3-H or mlp-H1-H2..., with widths.
    #[arg(long, default_value = "cnn-8-16-16-64")]
    network: Kind,
    /// Quantizers of the inner layers' weights, each tried from the same start; `float` for none.
    #[arg(
        long,
        value_name = "METHOD",
        value_delimiter = ',',
        default_value = "float"
    )]
    weights: Vec<Choice>,
    /// Quantizer of the activations, or `float`.
    #[arg(long, value_name = "METHOD", default_value = "float")]
    activations: Choice,
    /// Quantizes the first layer's weights too.
    #[arg(long)]
    first: bool,
    /// Quantizer of the last layer's weights, or `float`.
    #[arg(long, value_name = "METHOD", default_value = "float")]
    last: Choice,
    /// Passes over the digits in floats, before the quantizers come in.
    #[arg(long, default_value_t = 5)]
    float_epochs: usize,
    /// Passes with the quantizers.
    #[arg(long, default_value_t = 5)]
    epochs: usize,
    /// The part of all inner weights that are left, for `--weights sparse`.
    #[arg(long)]
    density: Option<f64>,
    /// Passes after pruning.
    #[arg(long, default_value_t = 5)]
    retrain_epochs: usize,
    /// Digits a step.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// The highest rate in floats, and with the quantizers.
    #[arg(long, num_args = 2, default_values_t = [3e-3, 1e-3], value_names = ["FLOAT", "QUANTIZED"])]
    rates: Vec<f32>,
    /// Decay of weights, before retraining.
    #[arg(long, default_value_t = 1e-4)]
    decay: f32,
    /// Moves and bends the digits.
    #[arg(long)]
    distort: bool,
    /// Decides everything that is by chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads; 0 for one a core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// The trained network in integers; all layers must be quantized, the activations by uniformN.
    #[arg(long, value_name = "FILE.tincy")]
    out: Option<PathBuf>,
}

impl Arguments {
    /// Bits of the activations, if what is trained can be written.
    fn bits(&self) -> Result<u8> {
        let last = self.last.0.is_some();
        match (self.weights.as_slice(), self.activations.0) {
            ([Choice(Some(_))], Some(Method::Uniform(bits))) if self.first && last => Ok(bits),
            _ => bail!(
                "--out writes integers: give one method to --weights, uniformN to --activations, \
                 --first, and --last lsq8-channel or the like"
            ),
        }
    }
}

/// A quantizer, or none.
#[derive(Clone, Copy, Debug)]
struct Choice(Option<Method>);

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        match text {
            "float" => Ok(Choice(None)),
            method => method.parse().map(|method| Choice(Some(method))),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(method) => method.fmt(f),
            None => f.write_str("float"),
        }
    }
}

struct Run<'a> {
    arguments: &'a Arguments,
    model: Model,
    tape: Tape,
    train: Digits,
    test: Digits,
    stop: Stop,
}

/// Trains as the arguments say. The standard output has a line of JSON for each way to quantize.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let bits = arguments
        .out
        .as_ref()
        .map(|path| {
            file::check_place(path)
                .map_err(Into::into)
                .and_then(|()| arguments.bits())
        })
        .transpose()?;
    let network = arguments.network.build(arguments.seed)?;
    let options = Options {
        normalisation: Normalisation::Batch { momentum: 0.1 },
    };
    let mut run = Run {
        arguments,
        model: Model::new(&network, options)?,
        // Matrices of weights are packed once a shard, and a few shards keep the threads busy.
        tape: Tape::new(threads::pool(arguments.threads)?).with_shard((arguments.batch / 4).max(1)),
        train: Digits::open(&arguments.data, "train")?,
        test: Digits::open(&arguments.data, "t10k")?,
        stop: Stop::listen()?,
    };
    let (float_rate, rate) = (arguments.rates[0], arguments.rates[1]);
    let float = run.course("float", arguments.float_epochs, float_rate, None)?;
    let start = run.model.parameters().values().to_vec();
    for weights in &arguments.weights {
        let since = Instant::now();
        run.model = Model::new(&network, options)?;
        run.model
            .parameters_mut()
            .values_mut()
            .copy_from_slice(&start);
        let quantization = Quantization {
            weights: weights.0,
            activations: arguments.activations.0,
            first: arguments.first,
            last: arguments.last.0,
        };
        quantize(&mut run.model, &quantization)?;
        let name = weights.to_string();
        let quantized = run.course(&name, arguments.epochs, rate, arguments.density)?;
        let retrained = match arguments.density {
            Some(_) => Some(run.course("retrained", arguments.retrain_epochs, rate, None)?),
            None => None,
        };
        let exported = bits.map(|bits| run.export(bits)).transpose()?;
        let line = json!({
            "weights": name,
            "activations": arguments.activations.to_string(),
            "seed": arguments.seed,
            "float": float,
            "quantized": quantized,
            "retrained": retrained,
            "density": arguments.density,
            "exported": exported,
            "seconds": since.elapsed().as_secs_f64().round(),
        });
        println!("{line}");
    }
    Ok(())
}

impl Run<'_> {
    /// One stage; returns the accuracy on the test digits.
    fn course(
        &mut self,
        stage: &str,
        epochs: usize,
        rate: f32,
        density: Option<f64>,
    ) -> Result<f64> {
        let settings = Settings {
            epochs,
            batch: self.arguments.batch,
            rate,
            decay: if stage == "retrained" {
                0.0
            } else {
                self.arguments.decay
            },
            distortion: match self.arguments.distort {
                true => Distortion::STRONG,
                false => Distortion::default(),
            },
            seed: self.arguments.seed,
            density,
        };
        if epochs > 0 {
            let course = Course::new(&mut self.model, &mut self.tape, settings);
            let stop = &self.stop;
            course.run(&self.train, |epoch, loss| {
                eprintln!("{stage}: epoch {} of {epochs}, loss {loss:.4}", epoch + 1);
                !stop.is_asked()
            })?;
        }
        if self.stop.is_asked() {
            bail!("stopped");
        }
        let right = accuracy(&mut self.model, &mut self.tape, &self.test)?;
        eprintln!("{stage}: {:.2} % of the test digits", 100.0 * right);
        Ok(right)
    }

    /// Writes the integers, and counts what they get right and how large they are.
    fn export(&mut self, bits: u8) -> Result<serde_json::Value> {
        let whole = to_integers(&mut self.model, bits)?;
        let network = dead_channels(&whole, 1)?;
        let right = accuracy_of_integers(&network, &self.tape, &self.test)?;
        eprintln!("integers: {:.2} % of the test digits", 100.0 * right);
        let mut bytes = None;
        if let Some(path) = &self.arguments.out {
            file::write(&network, path)?;
            bytes = Some(std::fs::metadata(path)?.len());
        }
        Ok(json!({
            "right": right,
            "sparsity": sparsity(&whole),
            "bytes": bytes,
            "dense_binary_bytes": dense_twin(&whole, WeightKind::Binary)?,
            "dense_ternary_bytes": dense_twin(&whole, WeightKind::Ternary)?,
        }))
    }
}

/// The part of all weights that are zero.
fn sparsity(network: &Network) -> f64 {
    let convolutions = network
        .layers()
        .iter()
        .filter_map(|layer| layer.convolution());
    let (zeros, all) = convolutions.fold((0, 0), |(zeros, all), convolution| {
        let weights = convolution.weights.unpack();
        let zero = weights.iter().filter(|weight| **weight == 0).count();
        (zeros + zero, all + weights.len())
    });
    zeros as f64 / all as f64
}
