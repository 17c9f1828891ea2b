//! `tincy quantize`: makes a float model one of integers, from a batch of pictures and without training.

mod table;

use crate::calibration::{self, Chosen};
use crate::commands::eval;
use crate::detector::{EngineArgs, Model};
use crate::model::{self, ModelArgs};
use crate::outcome::Outcome;
use anyhow::{Result, bail};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use tincy_network::{Network, file};
use tincy_quantize::{Level, Method, Options, Report, Rounding};

/// Arguments of `tincy quantize`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A float model: a .tincy file, or anything that `tincy import` reads
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Class names, one a line, for models that have none
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Pictures like those that the model will see: a folder, a data set, a recording
    #[arg(short, long, value_name = "DIR|FILE")]
    calibrate: PathBuf,
    /// Pictures to choose from them, evenly
    #[arg(long, default_value_t = calibration::ENOUGH as u32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    images: u32,
    /// Bits of weights and activations, each 2 to 8
    #[arg(short, long, default_value = "w8a8", value_name = "wXaY")]
    level: Level,
    /// How ranges of activations are chosen: kl, max, mse, percentile or entropy
    #[arg(long, default_value_t = Method::default(), value_name = "NAME")]
    method: Method,
    /// Leaves channels of uneven sizes as they are; else they are brought to like sizes first
    #[arg(long)]
    no_equalize: bool,
    /// How weights are rounded: nearest, or adaptive, each making up for the others
    #[arg(long, default_value_t = Rounding::default(), value_name = "NAME")]
    rounding: Rounding,
    /// Leaves biases as they are; else they take back what rounding changes a channel by
    #[arg(long)]
    no_bias_correction: bool,
    /// Measures the accuracy before and after on a data set, as `tincy eval` does
    #[arg(long, value_name = "DIR")]
    eval: Option<PathBuf>,
    /// The model file to make, NAME.tincy
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrites the output
    #[arg(short, long)]
    force: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// What is told.
#[derive(Debug, Serialize)]
struct Told {
    model: String,
    level: String,
    method: &'static str,
    bytes: u64,
    accumulator_bits: u32,
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Accuracy>,
}

/// Mean average precision, area under the curve at an overlap of a half.
#[derive(Debug, Serialize)]
struct Accuracy {
    pictures: usize,
    before: f64,
    after: f64,
}

/// Runs it.
///
/// # Errors
/// If the model is not one of floats, there is no picture, or the output cannot be written.
pub fn run(args: Args) -> Result<Outcome> {
    let output = &args.output;
    model::check_output(output, args.force)?;
    let network = open(&args)?;
    let Some(mut chosen) = Chosen::find(&args.calibrate, args.images as usize, &network)? else {
        bail!("stopped");
    };
    let options = Options {
        method: args.method,
        equalize: !args.no_equalize,
        rounding: args.rounding,
        bias_correction: !args.no_bias_correction,
        threads: args.engine.workers(None) * args.engine.threads,
    };
    let inputs = std::mem::take(&mut chosen.inputs);
    let (made, report) =
        tincy_quantize::quantize(&network, args.level, &mut inputs.into_iter(), options)?;
    file::write(&made, output)?;
    let accuracy = match &args.eval {
        Some(_) => Some(accuracy(&args, network, made.clone())?),
        None => None,
    };
    let told = Told {
        model: made.name().into(),
        level: args.level.to_string(),
        method: args.method.name(),
        bytes: std::fs::metadata(output)?.len(),
        accumulator_bits: report.accumulator_bits(),
        report,
        accuracy,
    };
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?,
        false => writeln!(out, "{told}\n{}", output.display())?,
    }
    Ok(Outcome::of(told.report.inputs, chosen.failed))
}

fn open(args: &Args) -> Result<Network> {
    let source = ModelArgs {
        model: Some(args.model.clone()),
        names: args.names.clone(),
        fit: model::FitArg::Model,
    };
    source.open()
}

/// The accuracy before and after.
fn accuracy(args: &Args, before: Network, after: Network) -> Result<Accuracy> {
    let Some(root) = &args.eval else {
        bail!("no data set");
    };
    let measure = |network: Network| {
        let model = Model::new(network, &args.engine.options())?;
        eval::measure(root, &model, args.engine.workers(None))
    };
    let (before, after) = (measure(before)?, measure(after)?);
    Ok(Accuracy {
        pictures: after.pictures,
        before: before.area,
        after: after.area,
    })
}
