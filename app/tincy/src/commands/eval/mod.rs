//! `tincy eval`: measures how well a model finds what is known to be there.
//!
//! Work can be spread: `--shard K/N -o PART` writes what one part found, `--merge PART...` scores
//! all parts together and gives exactly the figures of a run in one piece. `--detections FILE`
//! scores what another program found.

mod figures;
mod infer;
mod part;
mod table;

use crate::detector::{EngineArgs, Model};
use crate::inputs::Shard;
use crate::model::ModelArgs;
use crate::outcome::{Outcome, Usage};
use crate::plot;
use anyhow::{Context, Result, bail};
use figures::Figures;
use part::{Merged, Part, Settings};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tincy_dataset::score::{self, Found, Report};
use tincy_dataset::{Dataset, Oddities, match_classes};
use tincy_vision::{Detection, Filter};

/// Smallest score that counts, if nothing else is said.
const THRESHOLD: f32 = 0.005;

/// Overlap above which two boxes are one object, if nothing else is said.
const NMS: f32 = 0.45;

/// Arguments of `tincy eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pictures with known objects: a VOC, YOLO or COCO folder, a COCO file, or a packed set
    #[arg(short, long, value_name = "DIR")]
    dataset: PathBuf,
    /// Only the pictures named in a file, one a line (or a name in VOC's ImageSets/Main)
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Smallest score that counts; low, because the curves want the doubtful ones too
    #[arg(short, long, default_value_t = THRESHOLD, value_name = "SCORE")]
    threshold: f32,
    /// Overlap (intersection over union) above which two boxes of a class are one object
    #[arg(long, default_value_t = NMS, value_name = "IOU")]
    nms: f32,
    /// Ignores objects smaller than this fraction of their picture
    #[arg(long, default_value_t = 0.0, value_name = "FRACTION")]
    ignore_below: f64,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Draws precision over recall, as .svg or .png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Writes what was found as CSV: picture, class, score, left, top, right, bottom
    #[arg(long, value_name = "FILE")]
    save_detections: Option<PathBuf>,
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Where the detections come from, if not from one run of the model.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Work in parts")]
struct WorkArgs {
    /// Takes part K of N of the pictures: each N-th one, from the K-th
    #[arg(long, value_name = "K/N", requires = "output", conflicts_with_all = ["merge", "detections"])]
    shard: Option<Shard>,
    /// Writes what was found in this part, as JSON Lines
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["merge", "detections"])]
    output: Option<PathBuf>,
    /// Scores parts written with -o, together
    #[arg(long, value_name = "FILE", num_args = 1..)]
    merge: Vec<PathBuf>,
    /// Scores detections of another program, as CSV or JSON Lines
    #[arg(long, value_name = "FILE", conflicts_with = "merge")]
    detections: Option<PathBuf>,
}

/// What is to be scored.
struct Work {
    /// Whose detections they are.
    title: String,
    found: Vec<Found>,
    /// Classes of the data set that cannot be found.
    left_out: Vec<usize>,
    done: usize,
    failed: usize,
    stopped: Option<i32>,
}

/// Runs it.
///
/// # Errors
/// If the data set or the model cannot be opened, or parts do not fit together.
pub fn run(args: Args) -> Result<Outcome> {
    if let Some(path) = &args.plot {
        plot::Kind::of(path).map_err(|error| Usage(error.to_string()))?;
    }
    let model = match args.work.detections.is_some() || !args.work.merge.is_empty() {
        true => None,
        false => Some(Model::new(args.model.open()?, &args.engine.options())?),
    };
    let names: &[String] = model.as_ref().map_or(&[], |model| model.names());
    let mut dataset = Dataset::open(&args.dataset, names)?;
    if let Some(list) = &args.list {
        dataset.keep_listed(list)?;
    }
    warn(&dataset.oddities);
    let work = match &model {
        Some(model) => by_model(&args, &dataset, model)?,
        None => by_files(&args, &dataset)?,
    };
    if let Some(signal) = work.stopped {
        return Ok(Outcome::Stopped(signal));
    }
    if args.work.shard.is_none() {
        tell(&args, &dataset, &work)?;
    }
    Ok(Outcome::of(work.done, work.failed))
}

/// The figures of a model on a data set, with the thresholds that `tincy eval` has by itself.
///
/// # Errors
/// If the data set cannot be opened, or the work was stopped.
pub fn measure(root: &Path, model: &Model, workers: usize) -> Result<Report> {
    let dataset = Dataset::open(root, model.names())?;
    let filter = Filter {
        threshold: THRESHOLD,
        nms: NMS,
        ..Filter::default()
    };
    let numbers: Vec<usize> = (0..dataset.pictures.len()).collect();
    let mut gathered = Gathered::new(model.names(), &dataset);
    let take = |number, result| {
        gathered.add(&dataset, number, result);
        Ok(())
    };
    if infer::run(&dataset, &numbers, model, &filter, workers, take)?.is_some() {
        bail!("the evaluation was stopped");
    }
    let options = score::Options {
        ignore_below: 0.0,
        left_out: gathered.left_out,
    };
    Ok(score::score(&dataset, &gathered.found, &options))
}

fn warn(oddities: &Oddities) {
    oddities.lines().for_each(|line| log::warn!("{line}"));
}

/// Runs the model over the pictures, or over those of a part.
fn by_model(args: &Args, dataset: &Dataset, model: &Model) -> Result<Work> {
    let numbers: Vec<usize> = (0..dataset.pictures.len()).collect();
    let (numbers, shard) = match args.work.shard {
        Some(shard) => (shard.select(numbers), shard.to_string()),
        None => (numbers, "1/1".to_string()),
    };
    let settings = Settings {
        model: model.network().name().to_string(),
        classes: model.names().to_vec(),
        threshold: args.threshold,
        nms: args.nms,
        pictures: dataset.pictures.len(),
    };
    let mut part = match &args.work.output {
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            Some(Part::new(BufWriter::new(file), settings.clone(), shard)?)
        }
        None => None,
    };
    let filter = Filter {
        threshold: args.threshold,
        nms: args.nms,
        ..Filter::default()
    };
    let workers = args.engine.workers(Some(numbers.len()));
    let mut gathered = Gathered::new(&settings.classes, dataset);
    let stopped = infer::run(
        dataset,
        &numbers,
        model,
        &filter,
        workers,
        |number, result| {
            if let Some(part) = &mut part {
                part.picture(&dataset.pictures[number].name, &result)?;
            }
            gathered.add(dataset, number, result);
            Ok(())
        },
    )?;
    if let Some(part) = part {
        part.finish()?;
    }
    Ok(gathered.into_work(settings.model, stopped))
}

/// Takes the detections from parts, or from another program.
fn by_files(args: &Args, dataset: &Dataset) -> Result<Work> {
    if let Some(path) = &args.work.detections {
        let mut oddities = Oddities::default();
        let found = table::read_detections(path)?.resolve(dataset, &mut oddities);
        warn(&oddities);
        let title = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let done = dataset.pictures.len();
        return Ok(Work {
            title,
            found,
            left_out: Vec::new(),
            done,
            failed: 0,
            stopped: None,
        });
    }
    let merged = Merged::read(&args.work.merge, dataset)?;
    let undone = merged
        .pictures
        .iter()
        .filter(|picture| picture.is_none())
        .count();
    if let Some(first) = merged.pictures.iter().position(|picture| picture.is_none()) {
        bail!(
            "{undone} of {} pictures are in no part, {} for one: run the missing shards",
            merged.pictures.len(),
            dataset.pictures[first].name
        );
    }
    let mut gathered = Gathered::new(&merged.settings.classes, dataset);
    for (number, result) in merged.pictures.into_iter().enumerate() {
        gathered.add(dataset, number, result.unwrap_or_else(|| Ok(Vec::new())));
    }
    Ok(gathered.into_work(merged.settings.model, None))
}

/// The detections of a model so far.
struct Gathered {
    /// The data set's class of each of the model's.
    classes: Vec<Option<usize>>,
    left_out: Vec<usize>,
    found: Vec<Found>,
    done: usize,
    failed: usize,
}

impl Gathered {
    fn new(names: &[String], dataset: &Dataset) -> Gathered {
        let classes = match_classes(names, &dataset.classes);
        let left_out: Vec<usize> = (0..dataset.classes.len())
            .filter(|class| !classes.contains(&Some(*class)))
            .collect();
        if !left_out.is_empty() {
            let names: Vec<&str> = left_out
                .iter()
                .map(|class| dataset.classes[*class].as_str())
                .collect();
            log::warn!(
                "classes that the model does not know are not counted: {}",
                names.join(", ")
            );
        }
        Gathered {
            classes,
            left_out,
            found: Vec::new(),
            done: 0,
            failed: 0,
        }
    }

    fn add(&mut self, dataset: &Dataset, number: usize, result: Result<Vec<Detection>, String>) {
        match result {
            Ok(detections) => {
                self.done += 1;
                self.found
                    .extend(score::found(number, &detections, &self.classes));
            }
            Err(error) => {
                self.failed += 1;
                let picture = &dataset.pictures[number];
                log::warn!("{picture}: {error}; its objects count as not found");
            }
        }
    }

    fn into_work(self, title: String, stopped: Option<i32>) -> Work {
        let Gathered {
            left_out,
            found,
            done,
            failed,
            ..
        } = self;
        Work {
            title,
            found,
            left_out,
            done,
            failed,
            stopped,
        }
    }
}

/// Scores, and writes what was asked for.
fn tell(args: &Args, dataset: &Dataset, work: &Work) -> Result<()> {
    if let Some(path) = &args.save_detections {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        table::write_csv(BufWriter::new(file), dataset, &work.found)?;
    }
    let options = score::Options {
        ignore_below: args.ignore_below,
        left_out: work.left_out.clone(),
    };
    let report = score::score(dataset, &work.found, &options);
    if let Some(path) = &args.plot {
        plot::write(&figure(dataset, work, &report), path)?;
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        let root = dataset.root.display();
        let (form, pictures) = (dataset.form, dataset.pictures.len());
        writeln!(
            out,
            "{} on {root} ({form}), {pictures} pictures\n\n{}",
            work.title,
            Figures(&report)
        )?;
    }
    Ok(())
}

fn figure(dataset: &Dataset, work: &Work, report: &Report) -> plot::Figure {
    let root = dataset
        .root
        .canonicalize()
        .unwrap_or_else(|_| dataset.root.clone());
    let set = root
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let title = format!(
        "{} on {set}: mean average precision {:.3}",
        work.title, report.area
    );
    let subtitle = format!(
        "{} pictures, {} objects; a hit overlaps by 0.5; 11-point {:.3}, COCO .5:.95 {:.3}",
        report.pictures, report.objects, report.eleven_point, report.coco.mean
    );
    plot::precision_recall(report, &title, &subtitle)
}
