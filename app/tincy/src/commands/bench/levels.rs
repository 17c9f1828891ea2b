//! `tincy bench --levels`: what each quantization level of one network costs and gives.

use super::{Args, chart, counted, cpu_name, kernels};
use crate::bench::{Contestant, Picture, ROUNDS, race};
use crate::calibration::{self, Chosen};
use crate::columns::{Align, Columns, grouped, shorten};
use crate::commands::eval;
use crate::detector::Model;
use crate::outcome::{Outcome, Usage, one_line};
use crate::plot;
use crate::precision::{self, Precision};
use crate::progress::Progress;
use crate::stop::Stop;
use anyhow::{Result, bail};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use tincy_network::{Network, file};

/// Runs it.
///
/// # Errors
/// If a level is none, or no level can be made of the model.
pub(super) fn run(args: &Args, network: &Network) -> Result<Outcome> {
    if let Some(plot) = &args.plot {
        plot::Kind::of(plot)?;
    }
    let names = match args.levels.as_slice() {
        [all] if all == "all" => precision::ALL.map(String::from).to_vec(),
        some => some.to_vec(),
    };
    let precisions = names.iter().map(|name| {
        let known = name.parse::<Precision>();
        known.map_err(|what| Usage(format!("--levels {name}: {what}")))
    });
    let precisions = precisions.collect::<Result<Vec<_>, _>>()?;
    let noise = Picture::noise(super::NOISE[0], super::NOISE[1]);
    let chosen = match &args.calibrate {
        Some(from) => Chosen::find(from, calibration::ENOUGH, network)?,
        None => Some(Chosen::of_frame(&noise, network)?),
    };
    let Some(chosen) = chosen else {
        bail!("stopped");
    };
    let mut made = Vec::new();
    let mut progress = Progress::start("levels", "levels", Some(names.len() as u64));
    for (name, precision) in names.iter().zip(precisions) {
        let threads = args.engine.workers(None) * args.engine.threads;
        match precision.make(network, &chosen.inputs, threads) {
            Ok(network) => made.push((name.clone(), Model::new(network, &args.engine.options())?)),
            Err(error) => log::error!("level {name}: {}", one_line(&error)),
        }
        progress.step();
    }
    drop(progress);
    if made.is_empty() {
        return Ok(Outcome::NothingDone);
    }
    let stop = Stop::listen()?;
    let report = measured(args, network, &noise, &made, &stop)?;
    if let Some(signal) = stop.signal() {
        return Ok(Outcome::Stopped(signal));
    }
    if let Some(path) = &args.plot {
        plot::write(&chart::chart(&report), path)?;
    }
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        false => writeln!(out, "{report}")?,
    }
    Ok(Outcome::of(made.len(), names.len() - made.len()))
}

fn measured(
    args: &Args,
    network: &Network,
    frame: &tincy_vision::Frame,
    made: &[(String, Model)],
    stop: &Stop,
) -> Result<Report> {
    let mut contestants: Vec<Contestant> = made
        .iter()
        .map(|(_, model)| Contestant::new(model))
        .collect();
    let turns = (ROUNDS * made.len()) as u64;
    let mut progress = Progress::start("bench", "turns", Some(turns));
    race(&mut contestants, frame, args.frames as usize, || {
        progress.step();
        stop.signal().is_none()
    })?;
    drop(progress);
    let lines = made.iter().zip(&contestants).map(|((name, model), times)| {
        let accuracy = match &args.eval {
            Some(root) if stop.signal().is_none() => {
                Some(eval::measure(root, model, args.engine.workers(None))?.area)
            }
            _ => None,
        };
        Ok(Line::new(name, model, times, accuracy))
    });
    Ok(Report {
        model: network.name().to_string(),
        cpu: cpu_name(),
        backend: args.engine.backend.name().to_string(),
        threads: args.engine.options().threads,
        frames: (args.frames as usize).div_ceil(ROUNDS) * ROUNDS,
        rounds: ROUNDS,
        levels: lines.collect::<Result<Vec<Line>>>()?,
    })
}

/// What is printed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) model: String,
    pub(super) cpu: String,
    backend: String,
    pub(super) threads: usize,
    frames: usize,
    rounds: usize,
    pub(super) levels: Vec<Line>,
}

/// A level.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) level: String,
    /// Frames a second by the median: pixels to boxes.
    pub(super) fps: f64,
    /// By the medians of the slowest and the fastest turn.
    fps_slowest: f64,
    fps_fastest: f64,
    median_ms: f64,
    p99_ms: f64,
    /// Of the model file.
    pub(super) bytes: u64,
    /// Of the network alone.
    operations_per_second: f64,
    /// Mean average precision, area under the curve, at an overlap of a half.
    pub(super) accuracy: Option<f64>,
    /// That of most operations.
    kernel: &'static str,
    /// All, in the order of their first layers.
    kernels: Vec<String>,
}

impl Line {
    fn new(level: &str, model: &Model, times: &Contestant, accuracy: Option<f64>) -> Line {
        let steps = model.plan().steps();
        let most = steps.iter().max_by_key(|step| step.operations());
        let operations: u64 = steps.iter().map(|step| step.operations()).sum();
        let whole = times.whole.figures();
        let [fastest, slowest] = times.turns.ends_ms();
        Line {
            level: level.to_string(),
            fps: 1e3 / whole.median_ms,
            fps_slowest: 1e3 / slowest,
            fps_fastest: 1e3 / fastest,
            median_ms: whole.median_ms,
            p99_ms: whole.p99_ms,
            bytes: file::to_bytes(model.network()).len() as u64,
            operations_per_second: 1e3 * operations as f64 / times.network.figures().median_ms,
            accuracy,
            kernel: most.map_or("", |step| step.kernel()),
            kernels: kernels(model.plan()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = counted(self.threads, "thread");
        writeln!(f, "model    {}", self.model)?;
        let (cpu, backend) = (&self.cpu, &self.backend);
        writeln!(f, "cpu      {cpu}, {threads}, backend {backend}")?;
        writeln!(
            f,
            "frames   {} a level, in {} turns\n",
            self.frames, self.rounds
        )?;
        let mut table = Columns::new(&[
            ("level", Align::Left),
            ("frames/s", Align::Right),
            ("turns", Align::Right),
            ("median ms", Align::Right),
            ("p99 ms", Align::Right),
            ("Gop/s", Align::Right),
            ("bytes", Align::Right),
            ("mAP", Align::Right),
            ("kernel of most operations", Align::Left),
        ]);
        self.levels.iter().for_each(|line| table.row(line.cells()));
        writeln!(f, "{table}\n")?;
        write!(
            f,
            "included letterbox, network, boxes, nms; levels of 1 bit and three values are not trained: they show the speed"
        )
    }
}

impl Line {
    fn cells(&self) -> [String; 9] {
        [
            self.level.clone(),
            format!("{:.1}", self.fps),
            format!("{:.1}-{:.1}", self.fps_slowest, self.fps_fastest),
            format!("{:.2}", self.median_ms),
            format!("{:.2}", self.p99_ms),
            format!("{:.0}", self.operations_per_second / 1e9),
            grouped(self.bytes),
            self.accuracy
                .map_or(String::new(), |area| format!("{area:.4}")),
            shorten(self.kernel, 32),
        ]
    }
}
