//! `tincy compare`: two backends, levels or models on the same pictures, layer by layer.
//!
//! Whether the maps are equal, where they first differ, how much noise the second has, and which
//! layer adds most of it. Backends of one model must agree in all that is integer; a model and its
//! quantized form show what each layer costs.

use crate::calibration::{self, Chosen};
use crate::columns::{Align, Columns, grouped, shorten};
use crate::comparison::{Comparison, First, Side};
use crate::detector::FilterArgs;
use crate::inputs::expand::Wanted;
use crate::inputs::{Input, InputArgs, Shard};
use crate::model;
use crate::outcome::{Outcome, Usage, one_line};
use crate::precision::Precision;
use crate::progress::Progress;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use tincy_dataset::picture::{self, Limit};
use tincy_engine::{Backend, Options};
use tincy_network::{Finish, Layer, Network, Number};
use tincy_vision::Detection;

/// Arguments of `tincy compare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A name that `tincy models` lists, a .tincy file, or anything that `tincy import` reads
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The first way: a backend (auto, reference, portable, avx2, avx512, neon) that runs MODEL, a level that MODEL is
    /// quantized to by the very pictures (f32, w8a8, w4a4, w1a3, ...), or another model
    #[arg(value_name = "A")]
    one: String,
    /// The second way
    #[arg(value_name = "B")]
    other: String,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Pictures: files, folders, patterns in quotes
    #[arg(long, value_name = "FILE|DIR", required = true, num_args = 1..)]
    input: Vec<std::ffi::OsString>,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Runs it. The outcome is that some failed where one model's backends differ in an integer map.
///
/// # Errors
/// If a model cannot be opened, the two have nothing in common, or no picture can be read.
pub fn run(args: Args) -> Result<Outcome> {
    let inputs = InputArgs {
        inputs: args.input.clone(),
        list: None,
        shard: Shard::WHOLE,
    };
    let inputs = inputs.expand(Wanted::Pictures)?;
    let mut sides = [
        side(&args, &args.one, &inputs)?,
        side(&args, &args.other, &inputs)?,
    ];
    let mut comparison = Comparison::new(sides[0].network(), sides[1].network())?;
    let mut progress = Progress::start("compare", "pictures", Some(inputs.len() as u64));
    let (mut boxes, mut failed) = (Boxes::default(), 0);
    for input in &inputs {
        let mut note = |note: &str| log::warn!("{}: {note}", input.name());
        let frame = picture::read(&input.path, Limit::default(), &mut note);
        let added = frame
            .map_err(Into::into)
            .and_then(|frame| comparison.add(&mut sides, &frame));
        match added {
            Ok(()) => boxes.add(sides[0].found(), sides[1].found()),
            Err(error) => {
                log::error!("{}: {}", input.name(), one_line(&error));
                failed += 1;
            }
        }
        progress.step();
    }
    drop(progress);
    if comparison.frames == 0 {
        return Ok(Outcome::NothingDone);
    }
    let report = Report::new(&args, &sides, &comparison, boxes);
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        false => writeln!(out, "{report}")?,
    }
    if is_one_model(&args) && report.integers_differ() {
        log::error!("integer maps of one model differ between backends: please report it");
        return Ok(Outcome::SomeFailed);
    }
    Ok(Outcome::of(comparison.frames, failed))
}

/// Whether both ways are backends.
fn is_one_model(args: &Args) -> bool {
    [&args.one, &args.other]
        .iter()
        .all(|way| backend(way).is_some())
}

fn backend(way: &str) -> Option<Backend> {
    Backend::ALL
        .into_iter()
        .find(|backend| backend.name() == way)
}

/// One way: a backend or a level of the model, or another model.
fn side(args: &Args, way: &str, inputs: &[Input]) -> Result<Side> {
    let (backend, level) = (backend(way), way.parse::<Precision>().ok());
    let path = match backend.is_some() || level.is_some() {
        true => &args.model,
        false => Path::new(way),
    };
    if model::built_in(path).is_none() && !path.exists() {
        let names = Backend::ALL.map(Backend::name).join(", ");
        let what = format!(
            "{way}: neither a backend, nor a level as w8a8, nor a model; backends are {names}"
        );
        return Err(Usage(what).into());
    }
    let mut network = model::open(path, &Default::default()).context("model")?;
    if let Some(level) = level {
        let chosen = Chosen::of_inputs(inputs, calibration::ENOUGH, &network)?;
        network = level
            .make(&network, &chosen.inputs, 1)
            .with_context(|| way.to_string())?;
    }
    let filter = args.filter.filter(network.classes())?;
    let options = Options {
        backend: backend.unwrap_or_default(),
        ..Options::default()
    };
    Side::new(network, options, filter).with_context(|| way.to_string())
}

/// Boxes of both, and those that both have: of one class, overlapping by half.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Boxes {
    one: usize,
    other: usize,
    both: usize,
}

impl Boxes {
    fn add(&mut self, one: &[Detection], other: &[Detection]) {
        self.one += one.len();
        self.other += other.len();
        let mut free: Vec<&Detection> = other.iter().collect();
        for found in one {
            let is_same = |other: &&Detection| {
                other.class == found.class && other.rect.overlap(&found.rect) >= 0.5
            };
            if let Some(place) = free.iter().position(is_same) {
                free.remove(place);
                self.both += 1;
            }
        }
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    one: String,
    other: String,
    frames: usize,
    layers: Vec<Line>,
    /// Layers whose maps are equal in all frames.
    equal: usize,
    /// The layer that adds most noise.
    worst: Option<String>,
    boxes: Boxes,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    kind: &'static str,
    one: String,
    other: String,
    /// Whether the first network makes it of codes, in integers only.
    is_integer: bool,
    elements: u64,
    differing: u64,
    first: Option<First>,
    largest: f64,
    /// None where nothing differs.
    sqnr_db: Option<f64>,
}

impl Report {
    fn new(args: &Args, sides: &[Side; 2], comparison: &Comparison, boxes: Boxes) -> Report {
        let [one, other] = [0, 1].map(|side: usize| sides[side].network());
        let line = |compared: &crate::comparison::Compared| {
            let layer = &one.layers()[compared.index];
            let difference = &compared.difference;
            Line {
                name: layer.name().to_string(),
                kind: layer.op().name(),
                one: layer.number().to_string(),
                other: other.layers()[compared.other].number().to_string(),
                is_integer: is_integer(one, layer),
                elements: difference.elements,
                differing: difference.differing,
                first: difference.first,
                largest: difference.largest,
                sqnr_db: Some(difference.decibels()).filter(|db| db.is_finite()),
            }
        };
        let layers: Vec<Line> = comparison.layers.iter().map(line).collect();
        let worst = comparison
            .worst(one)
            .map(|place| layers[place].name.clone());
        Report {
            one: format!("{} by {}", one.name(), args.one),
            other: format!("{} by {}", other.name(), args.other),
            frames: comparison.frames,
            equal: layers.iter().filter(|layer| layer.differing == 0).count(),
            layers,
            worst,
            boxes,
        }
    }
}

impl Report {
    /// Whether the first map that differs is made in integers: later ones may follow from floats.
    fn integers_differ(&self) -> bool {
        let first = self.layers.iter().find(|layer| layer.differing > 0);
        first.is_some_and(|layer| layer.is_integer)
    }
}

fn is_integer(network: &Network, layer: &Layer) -> bool {
    let is_code = |number: Number| number != Number::F32;
    let finish = layer.convolution().map(|convolution| &convolution.finish);
    is_code(layer.number())
        && !matches!(finish, Some(Finish::Affine(_)))
        && layer
            .inputs()
            .iter()
            .all(|source| is_code(network.tensor(*source).1))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "A  {}\nB  {}\n", self.one, self.other)?;
        let mut table = Columns::new(&[
            ("layer", Align::Left),
            ("kind", Align::Left),
            ("A", Align::Left),
            ("B", Align::Left),
            ("differing", Align::Right),
            ("SQNR dB", Align::Right),
            ("largest", Align::Right),
            ("first difference", Align::Left),
        ]);
        self.layers.iter().for_each(|line| table.row(line.cells()));
        writeln!(f, "{table}\n")?;
        let (equal, all, frames) = (self.equal, self.layers.len(), self.frames);
        writeln!(f, "equal    {equal} of {all} layers, in {frames} pictures")?;
        if let Some(worst) = &self.worst {
            writeln!(f, "noise    {worst} adds most")?;
        }
        let Boxes { one, other, both } = self.boxes;
        write!(f, "boxes    A {one}, B {other}, both {both}")
    }
}

impl Line {
    fn cells(&self) -> [String; 8] {
        let differs = self.differing > 0;
        let shown = |text: String| if differs { text } else { String::new() };
        let share = 100.0 * self.differing as f64 / self.elements.max(1) as f64;
        [
            shorten(&self.name, 32),
            self.kind.to_string(),
            self.one.clone(),
            self.other.clone(),
            match differs {
                true => format!("{} ({share:.2} %)", grouped(self.differing)),
                false => "equal".to_string(),
            },
            shown(self.sqnr_db.map_or(String::new(), |db| format!("{db:.1}"))),
            shown(format!("{:.3e}", self.largest)),
            self.first.map_or(String::new(), |first| first.to_string()),
        ]
    }
}

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let First {
            frame,
            y,
            x,
            channel,
            one,
            other,
        } = self;
        write!(
            f,
            "picture {frame}, row {y}, column {x}, channel {channel}: {one:.6} and {other:.6}"
        )
    }
}
