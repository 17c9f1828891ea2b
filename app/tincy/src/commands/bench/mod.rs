//! `tincy bench`: measures how fast a model runs.
//!
//! Latency is one frame at a time, throughput all workers at once. Said beside every figure: the
//! model, the machine, threads, workers, kernels, and what is included. Reading files, drawing and
//! writing never are; decoding is, if a picture is given.

mod chart;
mod levels;

use crate::bench::{Measured, Picture, Samples, measure};
use crate::columns::{Align, Columns, shorten};
use crate::detector::{EngineArgs, Model};
use crate::model;
use crate::outcome::{Outcome, Usage};
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use tincy_engine::Plan;
use tincy_vision::Filter;

/// Size of the picture if none is given.
const NOISE: [usize; 2] = [768, 576];

/// Arguments of `tincy bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A name that `tincy models` lists, a .tincy file, or anything that `tincy import` reads
    /// [env: TINCY_MODEL] [default: small]
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Frames to measure, at least
    #[arg(short, long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frames: u32,
    /// A picture, decoded anew for every frame; else noise of 768x576
    #[arg(short, long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Shows every layer
    #[arg(short, long)]
    layers: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Compares quantization levels of a float model: all, or some of f32, w8a8, w4a8, w8a4, w4a4, wta8, wta4, wta3
    /// (ternary weights), w1a8, w1a4, w1a3, w1a2, w1a1
    #[arg(long, value_name = "all|LEVEL,...", value_delimiter = ',')]
    levels: Vec<String>,
    /// Pictures that levels find their ranges from: a folder, a data set, a recording; else noise, which only speed can
    /// be measured with
    #[arg(long, value_name = "DIR|FILE", requires = "levels")]
    calibrate: Option<PathBuf>,
    /// Measures the accuracy of each level on a data set too
    #[arg(long, value_name = "DIR", requires = "calibrate")]
    eval: Option<PathBuf>,
    /// Draws the levels: rate over accuracy, or over bytes without --eval; NAME.svg or NAME.png
    #[arg(long, value_name = "FILE", requires = "levels")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs it.
///
/// # Errors
/// If the model or the picture cannot be opened.
pub fn run(args: Args) -> Result<Outcome> {
    let path = model::path(args.model.as_deref());
    let network = model::open(&path, &Default::default())?;
    if !args.levels.is_empty() {
        return levels::run(&args, &network);
    }
    let model = Model::new(network, &args.engine.options())?;
    let (picture, name) = match &args.picture {
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
            (
                Picture::File {
                    name: path.clone(),
                    bytes,
                },
                path.display().to_string(),
            )
        }
        None => (
            Picture::Frame(Picture::noise(NOISE[0], NOISE[1])),
            format!("noise, {}x{}", NOISE[0], NOISE[1]),
        ),
    };
    let workers = args.engine.workers(None);
    if workers * args.engine.options().threads > 4096 {
        return Err(Usage("more than 4096 threads".into()).into());
    }
    let frames = args.frames as usize;
    let measured =
        measure(&model, &Filter::default(), &picture, workers, frames).context(name.clone())?;
    let report = Report::new(&model, &args, name, workers, &measured);
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        false => writeln!(out, "{report}")?,
    }
    Ok(Outcome::Done)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    cpu: String,
    cores: usize,
    backend: String,
    kernels: Vec<String>,
    threads: usize,
    workers: usize,
    picture: String,
    objects: usize,
    frames: u32,
    stages: Vec<Line>,
    layers: Vec<Line>,
    latency_fps: f64,
    throughput_fps: f64,
    #[serde(skip)]
    show_layers: bool,
}

/// A stage, or a layer (with a pool after it where one kernel does both).
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<u64>,
    #[serde(flatten)]
    time: crate::bench::Figures,
}

impl Report {
    fn new(
        model: &Model,
        args: &Args,
        picture: String,
        workers: usize,
        measured: &Measured,
    ) -> Report {
        let stages = stages(measured, args.picture.is_some());
        let whole = measured.whole.figures();
        Report {
            model: model.network().name().to_string(),
            cpu: cpu_name(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            backend: args.engine.backend.name().to_string(),
            kernels: kernels(model.plan()),
            threads: args.engine.options().threads,
            workers,
            picture,
            objects: measured.objects,
            frames: args.frames,
            stages,
            layers: layers(model.plan(), &measured.steps),
            latency_fps: 1e3 / whole.median_ms,
            throughput_fps: measured.throughput,
            show_layers: args.layers,
        }
    }
}

fn stages(measured: &Measured, decoded: bool) -> Vec<Line> {
    let all = [
        ("decode", &measured.decode),
        ("letterbox", &measured.input),
        ("network", &measured.network),
        ("boxes, nms", &measured.boxes),
        ("whole", &measured.whole),
    ];
    let line = |(name, samples): (&str, &Samples)| Line {
        name: name.to_string(),
        kernel: None,
        operations: None,
        time: samples.figures(),
    };
    all.into_iter()
        .skip(usize::from(!decoded))
        .map(line)
        .collect()
}

fn layers(plan: &Plan, samples: &[Samples]) -> Vec<Line> {
    let line = |(step, samples): (&tincy_engine::plan::Step, &Samples)| Line {
        name: step.name().to_string(),
        kernel: Some(step.kernel()),
        operations: Some(step.operations()),
        time: samples.figures(),
    };
    plan.steps().iter().zip(samples).map(line).collect()
}

/// The kernels in use, each once, in the order of their first layers.
fn kernels(plan: &Plan) -> Vec<String> {
    let mut kernels: Vec<String> = Vec::new();
    for step in plan.steps() {
        if !kernels.iter().any(|kernel| kernel == step.kernel()) {
            kernels.push(step.kernel().to_string());
        }
    }
    kernels
}

/// What the system calls the CPU; Arm kernels give numbers only.
fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let arm = || {
        Some(format!(
            "implementer {} part {}",
            value("CPU implementer")?,
            value("CPU part")?
        ))
    };
    value("model name")
        .or_else(arm)
        .unwrap_or_else(|| std::env::consts::ARCH.to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            model,
            cpu,
            cores,
            backend,
            threads,
            workers,
            picture,
            objects,
            frames,
            ..
        } = self;
        writeln!(f, "model    {model}")?;
        writeln!(f, "cpu      {cpu}, {cores} cores")?;
        writeln!(
            f,
            "backend  {backend}: {}",
            shorten(&self.kernels.join(", "), 80)
        )?;
        writeln!(
            f,
            "picture  {picture}; {objects} objects found; {frames} frames after a warm-up"
        )?;
        writeln!(f, "\n{}", stage_table(&self.stages))?;
        if self.show_layers {
            writeln!(f, "\n{}", layer_table(&self.layers))?;
        }
        let included: Vec<_> = self
            .stages
            .iter()
            .map(|stage| stage.name.as_str())
            .filter(|n| *n != "whole")
            .collect();
        let threads = counted(*threads, "thread");
        writeln!(
            f,
            "\nlatency     {:8.1} frames/s, one at a time, {threads}",
            self.latency_fps
        )?;
        let workers = counted(*workers, "worker");
        writeln!(
            f,
            "throughput  {:8.1} frames/s, {workers} of {threads} each",
            self.throughput_fps
        )?;
        write!(
            f,
            "included    {}; not reading files, drawing, writing",
            included.join(", ")
        )
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Three or four digits of milliseconds.
fn milliseconds(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.3}")
    } else {
        format!("{ms:.2}")
    }
}

fn stage_table(stages: &[Line]) -> Columns {
    use Align::{Left, Right};
    let mut table = Columns::new(&[
        ("stage", Left),
        ("median ms", Right),
        ("p99 ms", Right),
        ("min ms", Right),
        ("share", Right),
    ]);
    let whole = stages.last().map_or(0.0, |stage| stage.time.median_ms);
    for Line { name, time, .. } in stages {
        let [median, p99, min] = [time.median_ms, time.p99_ms, time.min_ms].map(milliseconds);
        table.row([name.clone(), median, p99, min, share(time.median_ms, whole)]);
    }
    table
}

fn layer_table(layers: &[Line]) -> Columns {
    use Align::{Left, Right};
    let mut table = Columns::new(&[
        ("layer", Left),
        ("kernel", Left),
        ("median ms", Right),
        ("p99 ms", Right),
        ("min ms", Right),
        ("share", Right),
        ("Gop/s", Right),
    ]);
    let all: f64 = layers.iter().map(|layer| layer.time.median_ms).sum();
    for Line {
        name,
        kernel,
        operations,
        time,
    } in layers
    {
        let [median, p99, min] = [time.median_ms, time.p99_ms, time.min_ms].map(milliseconds);
        let rate = match operations {
            Some(operations) if *operations > 0 => {
                format!("{:.1}", *operations as f64 / time.median_ms / 1e6)
            }
            _ => String::new(),
        };
        let kernel = shorten(kernel.unwrap_or_default(), 24);
        table.row([
            shorten(name, 24),
            kernel,
            median,
            p99,
            min,
            share(time.median_ms, all),
            rate,
        ]);
    }
    table
}

fn share(part: f64, whole: f64) -> String {
    if whole > 0.0 {
        format!("{:.1} %", 100.0 * part / whole)
    } else {
        String::new()
    }
}
