//! `tincy plan`: what fits a device and how fast it will run, before anything is built.

mod chart;
mod report;
mod text;

use crate::commands::plan::report::Report;
use crate::model;
use crate::outcome::{Outcome, Usage};
use crate::plot;
use anyhow::Result;
use clap::ValueEnum;
use std::io::Write;
use std::path::PathBuf;
use tincy_bitstreams::dataflow::Search;
use tincy_bitstreams::device::{self, Device};
use tincy_bitstreams::overlay::Overlay;
use tincy_bitstreams::sequential;
use tincy_bitstreams::work::{self, Part, Precision};

/// Arguments of `tincy plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A name that `tincy models` lists, a .tincy file, or anything that `tincy import` reads
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Part name, as in xczu3eg
    #[arg(short, long, value_name = "NAME")]
    device: String,
    /// More devices: a JSON list of objects with the fields of the built-in table
    #[arg(long, value_name = "FILE")]
    devices: Option<PathBuf>,
    /// The cheapest plan of at least this rate; else the fastest that fits
    #[arg(long, value_name = "N", conflicts_with = "max")]
    fps: Option<f64>,
    /// The fastest plan that fits (what is done without --fps)
    #[arg(long)]
    max: bool,
    /// Clock of the logic, else the device's usual one
    #[arg(long, value_name = "MHZ")]
    clock: Option<f64>,
    /// Other widths for the low-bit layers, as in W1A3
    #[arg(long, value_name = "WxAy")]
    precision: Option<Precision>,
    /// How the design is built
    #[arg(long, value_enum, default_value_t = Architecture::Dataflow)]
    architecture: Architecture,
    /// Plans float layers too, as 8-bit ones; else they stay on the CPU
    #[arg(long)]
    all_layers: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Operations a second over operations a byte, against the device's roof (.svg or .png)
    #[arg(long, value_name = "FILE")]
    roofline: Option<PathBuf>,
    /// Frames a second over devices and precisions (.svg or .png)
    #[arg(long, value_name = "FILE")]
    scaling: Option<PathBuf>,
}

/// How a design is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Architecture {
    /// An engine for each layer, joined by streams
    Dataflow,
    /// One engine for all layers: the published overlay
    Overlay,
}

/// Runs it.
///
/// # Errors
/// If the device is unknown, a layer has no engine, or the goal cannot be met: what is possible
/// instead.
pub fn run(args: Args) -> Result<Outcome> {
    for path in args.roofline.iter().chain(&args.scaling) {
        plot::Kind::of(path).map_err(|error| Usage(error.to_string()))?;
    }
    let devices = devices(&args)?;
    let device = device::find(&devices, &args.device)?;
    let clock = positive("--clock", args.clock)?.unwrap_or(device.clock_mhz);
    positive("--fps", args.fps)?;
    let network = model::open(&args.model, &Default::default())?;
    let part = if args.all_layers {
        Part::Whole
    } else {
        Part::LowBit
    };
    let works = work::of(&network, part, args.precision)?;
    let report = match args.architecture {
        Architecture::Dataflow => {
            let search = Search::new(&works, device, clock);
            let plan = match args.fps {
                Some(fps) => search.reach(fps)?,
                None => search.fastest()?,
            };
            Report::dataflow(&network, device, clock, &works, &search, plan)
        }
        Architecture::Overlay => {
            let overlay = overlay(&works);
            let plan = sequential::plan(&overlay, &works, device, clock)?;
            Report::overlay(&network, device, clock, &works, &overlay, plan)
        }
    };
    print(&report, args.json)?;
    if let Some(path) = &args.roofline {
        plot::write(&chart::roofline(&report, device), path)?;
    }
    if let Some(path) = &args.scaling {
        let figure = chart::scaling(&network, part, &devices)?;
        plot::write(&figure, path)?;
    }
    Ok(Outcome::Done)
}

fn devices(args: &Args) -> Result<Vec<Device>> {
    let mut devices = match &args.devices {
        Some(path) => device::from_file(path)?,
        None => Vec::new(),
    };
    devices.extend(device::known());
    Ok(devices)
}

fn positive(name: &str, value: Option<f64>) -> Result<Option<f64>> {
    match value {
        Some(value) if !value.is_finite() || value <= 0.0 => {
            Err(Usage(format!("{name} {value}: a number above 0 is needed")).into())
        }
        value => Ok(value),
    }
}

/// The published overlay that has the layers' activation bits, else the wider one.
fn overlay(works: &[work::Work]) -> Overlay {
    let [wide, narrow] = Overlay::published();
    let fits = |overlay: &Overlay| works.iter().all(|work| overlay.obstacle(work).is_none());
    if fits(&narrow) { narrow } else { wide }
}

fn print(report: &Report, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(report)?)?,
        false => writeln!(out, "{report}")?,
    }
    Ok(())
}
