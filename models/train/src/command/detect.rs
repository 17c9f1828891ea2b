//! `tincy-train detect`: a detector from a detector.

use super::journal::{Journal, Place};
use super::range::Sizes;
use super::stop::Stop;
use super::threads;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tincy_dataset::{Dataset, Form, Oddities};
use tincy_network::classes::VOC;
use tincy_network::{Input, Network, file};
use tincy_train::augment::{Augment, Loader, Pictures, Plan, Source};
use tincy_train::losses::Loss;
use tincy_train::losses::region::Weights;
use tincy_train::model::{Normalisation, Options};
use tincy_train::networks::tincy_yolo;
use tincy_train::optimizer::{Group, Method, Optimizer, Schedule};
use tincy_train::parameters::Role;
use tincy_train::teacher::Teacher;
use tincy_train::training::Settings;
use tincy_train::{Model, Tape, Training, checkpoint, detector, low_bit, validate};

/// What a run is made of.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The network to start from: a float model of any kind that `tincy import` reads.
    #[arg(long, value_name = "FILE")]
    start: PathBuf,
    /// What is made of the start: the network itself, or one that has a name of its own.
    #[arg(long, value_enum, default_value_t = Kind::Start)]
    network: Kind,
    /// A network whose view of every input is learned from too: anchor-free heads, the same classes.
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// How much the teacher's word counts beside a label's.
    #[arg(long, default_value_t = 0.5)]
    teacher_weight: f32,
    /// The rate of binary weights, which are -1 to 1, times the highest rate.
    #[arg(long, default_value_t = 5.0)]
    sign_rate: f32,
    /// Class names of a Darknet or ONNX network, one a line.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// The only classes to keep, in this order, or `voc` for those of PASCAL VOC.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    keep: Vec<String>,
    /// A set of pictures to learn from; may be given more than once.
    #[arg(long, value_name = "DIR", required = true)]
    data: Vec<PathBuf>,
    /// Objects below this share of their picture are ignored in training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001)]
    ignore_below: f64,
    /// Pictures of the first set that are kept apart to validate with.
    #[arg(long, value_enum, default_value_t = HoldOut::None)]
    hold_out: HoldOut,
    /// A set to validate with; may be given more than once.
    #[arg(long, value_name = "DIR")]
    validate: Vec<PathBuf>,
    /// Objects below this share of their picture do not count in validation.
    #[arg(long, value_name = "SHARE", default_value_t = 0.005)]
    validate_ignore_below: f64,
    /// Length of the run in minutes of training; such a run depends on the machine's speed.
    #[arg(long, group = "length")]
    minutes: Option<f64>,
    /// Length of the run in passes over the pictures.
    #[arg(long, group = "length")]
    epochs: Option<f64>,
    /// Length of the run in steps.
    #[arg(long, group = "length")]
    steps: Option<u64>,
    /// Pictures a step.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Sides of the input, one of which is taken for each step: 416, or 320..416.
    #[arg(long, value_name = "SIZES")]
    size: Option<Sizes>,
    /// The highest rate.
    #[arg(long, default_value_t = 1.5e-5)]
    rate: f32,
    /// Steps until the rate is reached.
    #[arg(long, default_value_t = 50)]
    warm_up: u64,
    /// Share of the rate that is left at the end.
    #[arg(long, default_value_t = 0.02)]
    floor: f32,
    /// Decay of weights.
    #[arg(long, default_value_t = 1e-4)]
    decay: f32,
    /// The longest gradient.
    #[arg(long, default_value_t = 20.0)]
    clip: f32,
    /// Decay of the parameters' average, which is what the run gives.
    #[arg(long, default_value_t = 0.998)]
    average: f32,
    /// Zoom, aspect, place and colours by chance: 0 for none, 1 for much.
    #[arg(long, default_value_t = 0.7)]
    strength: f64,
    /// How often an input is made of four pictures.
    #[arg(long, default_value_t = 0.0)]
    mosaic: f64,
    /// Batch normalisation behind convolutions: its momentum, or nothing.
    #[arg(long, value_name = "MOMENTUM")]
    normalise: Option<f32>,
    /// Decides everything that is by chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads; 0 for one a core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Validations over the run, beside those at its start and end.
    #[arg(long, default_value_t = 1)]
    validations: u32,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 5.0)]
    save_every: f64,
    /// Where checkpoints and the journal lie.
    #[arg(long, value_name = "DIR")]
    checkpoint: PathBuf,
    /// Go on from the checkpoint.
    #[arg(long)]
    resume: bool,
    /// The trained network.
    #[arg(long, value_name = "FILE.tincy")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Kind {
    /// The start as it is, in floats.
    Start,
    /// A low-bit detector with two heads, from a low-bit chain.
    TincyYolo,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum HoldOut {
    /// Every tenth.
    Tenth,
    /// None.
    None,
}

/// What a checkpoint remembers beside the numbers.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Note {
    seed: u64,
    batch: usize,
    /// Pictures that the row of batches is made from.
    pictures: usize,
    /// Seconds of training.
    seconds: f64,
    /// Validations that were made.
    validated: u32,
}

/// A set to validate with, under its name.
type Set = (String, Dataset, validate::Options);

struct Run<'a> {
    arguments: &'a Arguments,
    training: Training,
    loss: Box<dyn Loss>,
    teacher: Option<Teacher>,
    /// What the trained network reads, if not what the template does: an exported one has integers.
    integers: Option<Input>,
    pictures: Arc<Pictures>,
    sets: Vec<Set>,
    journal: Journal,
    note: Note,
    saved: Instant,
}

/// Trains as the arguments say.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.minutes.is_none() && arguments.epochs.is_none() && arguments.steps.is_none() {
        bail!("say how long: --minutes, --epochs or --steps");
    }
    let stop = Stop::listen()?;
    let mut run = Run::open(arguments)?;
    if run.training.steps() == 0 {
        run.validate()?;
    }
    let is_finished = run.train(&stop)?;
    run.save()?;
    if !is_finished {
        let at = run.training.steps();
        run.journal
            .say(&format!("stopped at step {at}; --resume goes on"));
        return Ok(());
    }
    run.validate()?;
    run.write()
}

impl Run<'_> {
    fn open(arguments: &Arguments) -> Result<Run<'_>> {
        let options = tincy_import::Options {
            names: arguments.names.clone(),
            keep: kept(&arguments.keep),
            ..Default::default()
        };
        let start = tincy_import::import(&arguments.start, &options)?;
        let tape = || anyhow::Ok(Tape::new(threads::pool(arguments.threads)?));
        let (pictures, sets) = open_sets(arguments, start.classes())?;
        let pictures = Arc::new(pictures);
        let (model, integers) = match arguments.network {
            Kind::Start => (floats(arguments, &start)?, None),
            Kind::TincyYolo => {
                let model = tincy_yolo(arguments, &start, &pictures, &mut tape()?)?;
                (model, Some(start.input().clone()))
            }
        };
        let network = model.template();
        let loss = detector::loss(network, Weights::default())?;
        let teacher = match &arguments.teacher {
            Some(file) => {
                let teacher = tincy_import::import(file, &Default::default())?;
                Some(Teacher::new(
                    &teacher,
                    network,
                    arguments.teacher_weight,
                    tape()?,
                )?)
            }
            None => None,
        };
        let is_binary = |name: &str| integers.is_some() && model.has_signs(name);
        let optimizer = Optimizer::new(Method::ADAMW, model.parameters(), |parameter| {
            let is_binary = is_binary(&parameter.name);
            Group {
                factor: if is_binary { arguments.sign_rate } else { 1.0 },
                decay: match parameter.role {
                    Role::Weight if !is_binary => arguments.decay,
                    _ => 0.0,
                },
            }
        });
        let settings = Settings {
            schedule: Schedule {
                rate: arguments.rate,
                warm_up: arguments.warm_up,
                floor: arguments.floor,
            },
            clip: arguments.clip,
            average: arguments.average,
        };
        std::fs::create_dir_all(&arguments.checkpoint)
            .with_context(|| arguments.checkpoint.display().to_string())?;
        let mut run = Run {
            training: Training::new(model, optimizer, settings, tape()?),
            loss,
            teacher,
            integers,
            note: Note {
                seed: arguments.seed,
                batch: arguments.batch,
                pictures: pictures.pictures.len(),
                ..Note::default()
            },
            pictures,
            sets,
            journal: Journal::open(&arguments.checkpoint.join("journal.jsonl"))?,
            arguments,
            saved: Instant::now(),
        };
        run.resume()?;
        Ok(run)
    }

    fn state(&self) -> PathBuf {
        self.arguments.checkpoint.join("last.safetensors")
    }

    fn resume(&mut self) -> Result<()> {
        let path = self.state();
        if !self.arguments.resume {
            if path.exists() {
                bail!(
                    "{}: there is a checkpoint; --resume goes on from it, or remove it",
                    path.display()
                );
            }
            return Ok(());
        }
        let note: Note = serde_json::from_str(&checkpoint::note(&path)?)
            .with_context(|| format!("{}: is of another kind of run", path.display()))?;
        let same = (note.seed, note.batch, note.pictures)
            == (self.note.seed, self.note.batch, self.note.pictures);
        if !same {
            bail!(
                "{}: was made with seed {}, batch {} and {} pictures; give the same to go on",
                path.display(),
                note.seed,
                note.batch,
                note.pictures
            );
        }
        checkpoint::read(&path, &mut self.training)?;
        self.note = note;
        let at = self.training.steps();
        self.journal.say(&format!("goes on from step {at}"));
        Ok(())
    }

    /// Trains to the end; `false` if it was stopped.
    fn train(&mut self, stop: &Stop) -> Result<bool> {
        let arguments = self.arguments;
        let plan = Plan {
            seed: arguments.seed,
            batch: arguments.batch,
            sizes: arguments.size.clone().map_or(Vec::new(), |sizes| sizes.0),
            augment: Augment {
                strength: arguments.strength,
                flip: 0.5,
                mosaic: arguments.mosaic,
            },
        };
        let input = self.training.model.template().input().clone();
        let mut loader = Loader::start(&self.pictures, &input, &plan, self.training.steps(), 1)?;
        let mut end = Instant::now();
        while self.place().progress < 1.0 {
            if stop.is_asked() {
                return Ok(false);
            }
            let batch = loader.next_batch()?;
            let progress = self.place().progress;
            let lesson = match &mut self.teacher {
                Some(teacher) => Some(teacher.look(&batch)?),
                None => None,
            };
            let lesson = lesson.as_ref();
            let step = self.training.step(&batch, &*self.loss, lesson, progress)?;
            self.note.seconds += end.elapsed().as_secs_f64();
            let place = self.place();
            self.journal.step(&step, place, batch.truths.len() as u64)?;
            self.between_steps(place)?;
            end = Instant::now();
        }
        Ok(true)
    }

    fn between_steps(&mut self, place: Place) -> Result<()> {
        let due = place.progress * f64::from(self.arguments.validations + 1);
        if due >= f64::from(self.note.validated + 1)
            && self.note.validated < self.arguments.validations
        {
            self.note.validated += 1;
            self.validate()?;
        }
        if self.saved.elapsed().as_secs_f64() > self.arguments.save_every * 60.0 {
            self.save()?;
        }
        Ok(())
    }

    fn place(&self) -> Place {
        let step = self.training.steps();
        let pictures = step * self.arguments.batch as u64;
        let part = |done: f64, all: f64| {
            if all > 0.0 {
                (done / all).min(1.0)
            } else {
                1.0
            }
        };
        let progress = match (
            self.arguments.steps,
            self.arguments.epochs,
            self.arguments.minutes,
        ) {
            (Some(steps), _, _) => part(step as f64, steps as f64),
            (_, Some(epochs), _) => part(pictures as f64, epochs * self.note.pictures as f64),
            (_, _, minutes) => part(self.note.seconds, minutes.unwrap_or(0.0) * 60.0),
        };
        Place {
            step,
            pictures,
            seconds: self.note.seconds,
            progress,
        }
    }

    fn validate(&mut self) -> Result<()> {
        let place = self.place();
        for (name, set, options) in &self.sets {
            let start = Instant::now();
            let report = self
                .training
                .with_average(|model, tape| validate(model, tape, set, options))?;
            let (area, eleven) = (report.area, report.eleven_point);
            self.journal
                .score(name, place, area, eleven, start.elapsed())?;
            self.journal.leave_out(start.elapsed());
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        let note = serde_json::to_string(&self.note)?;
        checkpoint::write(&self.state(), &mut self.training, &note)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let integers = self.integers.clone();
        let network = self.training.with_average(|model, _| match integers {
            Some(input) => low_bit::export::to_integers(model, &input, tincy_yolo::BITS),
            None => model.to_network(),
        })?;
        file::write(&network, &self.arguments.out)?;
        self.journal
            .say(&format!("{}: written", self.arguments.out.display()));
        Ok(())
    }
}

/// The start in floats.
fn floats(arguments: &Arguments, start: &Network) -> Result<Model> {
    let normalisation = match arguments.normalise {
        Some(momentum) => Normalisation::Batch { momentum },
        None => Normalisation::None,
    };
    Ok(Model::new(start, Options { normalisation })?)
}

/// `tincy-yolo` from a low-bit chain, its statistics those of some of the pictures.
fn tincy_yolo(
    arguments: &Arguments,
    start: &Network,
    pictures: &Arc<Pictures>,
    tape: &mut Tape,
) -> Result<Model> {
    const PICTURES: usize = 32;
    const ROUND: usize = 4;
    let momentum = arguments.normalise.unwrap_or(0.02);
    let pruned = low_bit::prune::dead_channels(start, ROUND)?;
    let start = tincy_yolo::start(&pruned, arguments.seed)?;
    let mut model = tincy_yolo::model(&start, momentum)?;
    let plan = Plan {
        seed: arguments.seed,
        batch: PICTURES,
        sizes: Vec::new(),
        augment: Augment {
            strength: arguments.strength,
            flip: 0.5,
            mosaic: 0.0,
        },
    };
    let batch = Loader::start(pictures, start.template.input(), &plan, 0, 1)?.next_batch()?;
    let [width, height] = batch.size;
    tape.begin(&model, PICTURES, height, width)?;
    for (picture, input) in batch.inputs.chunks_exact(width * height * 3).enumerate() {
        tape.set_input(&model, picture, input);
    }
    low_bit::calibrate::calibrate(&mut model, tape, momentum, &start.wanted)?;
    Ok(model)
}

/// The pictures to learn from and the sets to validate with.
fn open_sets(arguments: &Arguments, classes: &[String]) -> Result<(Pictures, Vec<Set>)> {
    let mut all = Pictures::default();
    let mut sets = Vec::new();
    for (index, root) in arguments.data.iter().enumerate() {
        let source = Source {
            root: root.clone(),
            ignore_below: arguments.ignore_below,
        };
        let mut pictures = Pictures::open(&[source], classes)?;
        pictures
            .oddities
            .lines()
            .for_each(|line| eprintln!("{line}"));
        if index == 0 && arguments.hold_out == HoldOut::Tenth {
            let held = Dataset {
                form: Form::Packed,
                root: root.clone(),
                classes: classes.to_vec(),
                pictures: pictures.hold_out_tenth(),
                oddities: Oddities::default(),
            };
            sets.push((
                name_of(root, " held out"),
                held,
                validate::Options::default(),
            ));
        }
        all.pictures.append(&mut pictures.pictures);
    }
    for root in &arguments.validate {
        let options = validate::Options {
            ignore_below: arguments.validate_ignore_below,
            ..validate::Options::default()
        };
        sets.push((name_of(root, ""), Dataset::open(root, classes)?, options));
    }
    Ok((all, sets))
}

/// The classes to keep, `voc` written out.
fn kept(names: &[String]) -> Option<Vec<String>> {
    match names {
        [] => None,
        [voc] if voc.eq_ignore_ascii_case("voc") => Some(VOC.map(String::from).to_vec()),
        names => Some(names.to_vec()),
    }
}

fn name_of(root: &Path, more: &str) -> String {
    let name = root.file_name().map_or(root.display().to_string(), |name| {
        name.to_string_lossy().into_owned()
    });
    name + more
}
