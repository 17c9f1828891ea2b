//! `tincy-train detect`: a detector from a detector.

use super::journal::{Journal, Place};
use super::range::Sizes;
use super::sets::{self, HoldOut, Set};
use super::start::{self, Kind};
use super::stop::Stop;
use super::threads;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tincy_network::{Input, file};
use tincy_train::augment::{Augment, Loader, Pictures, Plan};
use tincy_train::losses::Loss;
use tincy_train::losses::region::Weights;
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
    pub(super) start: PathBuf,
    /// What is made of the start: the network itself, or one that has a name of its own.
    #[arg(long, value_enum, default_value_t = Kind::Start)]
    pub(super) network: Kind,
    /// A network whose view of every input is learned from too: anchor-free heads, the same classes.
    #[arg(long, value_name = "FILE")]
    pub(super) teacher: Option<PathBuf>,
    /// How much the teacher's word counts beside a label's.
    #[arg(long, default_value_t = 0.5)]
    pub(super) teacher_weight: f32,
    /// The rate of binary weights, which are -1 to 1, times the highest rate.
    #[arg(long, default_value_t = 5.0)]
    pub(super) sign_rate: f32,
    /// Class names of a Darknet or ONNX network, one a line.
    #[arg(long, value_name = "FILE")]
    pub(super) names: Option<PathBuf>,
    /// The only classes to keep, in this order, or `voc` for those of PASCAL VOC.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) keep: Vec<String>,
    /// A set of pictures to learn from; may be given more than once.
    #[arg(long, value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,
    /// Objects below this share of their picture are ignored in training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001)]
    pub(super) ignore_below: f64,
    /// Pictures of the first set that are kept apart to validate with.
    #[arg(long, value_enum, default_value_t = HoldOut::None)]
    pub(super) hold_out: HoldOut,
    /// A set to validate with; may be given more than once.
    #[arg(long, value_name = "DIR")]
    pub(super) validate: Vec<PathBuf>,
    /// Objects below this share of their picture do not count in validation.
    #[arg(long, value_name = "SHARE", default_value_t = 0.005)]
    pub(super) validate_ignore_below: f64,
    /// Length of the run in minutes of training; such a run depends on the machine's speed.
    #[arg(long, group = "length")]
    pub(super) minutes: Option<f64>,
    /// Length of the run in passes over the pictures.
    #[arg(long, group = "length")]
    pub(super) epochs: Option<f64>,
    /// Length of the run in steps.
    #[arg(long, group = "length")]
    pub(super) steps: Option<u64>,
    /// Pictures a step.
    #[arg(long, default_value_t = 8)]
    pub(super) batch: usize,
    /// Sides of the input, one of which is taken for each step: 416, or 320..416.
    #[arg(long, value_name = "SIZES")]
    pub(super) size: Option<Sizes>,
    /// The highest rate.
    #[arg(long, default_value_t = 1.5e-5)]
    pub(super) rate: f32,
    /// Steps until the rate is reached.
    #[arg(long, default_value_t = 50)]
    pub(super) warm_up: u64,
    /// Share of the rate that is left at the end.
    #[arg(long, default_value_t = 0.02)]
    pub(super) floor: f32,
    /// Decay of weights.
    #[arg(long, default_value_t = 1e-4)]
    pub(super) decay: f32,
    /// The longest gradient.
    #[arg(long, default_value_t = 20.0)]
    pub(super) clip: f32,
    /// Decay of the parameters' average, which is what the run gives.
    #[arg(long, default_value_t = 0.998)]
    pub(super) average: f32,
    /// Zoom, aspect, place and colours by chance: 0 for none, 1 for much.
    #[arg(long, default_value_t = 0.7)]
    pub(super) strength: f64,
    /// How often an input is made of four pictures.
    #[arg(long, default_value_t = 0.0)]
    pub(super) mosaic: f64,
    /// Batch normalisation behind convolutions: its momentum, or nothing.
    #[arg(long, value_name = "MOMENTUM")]
    pub(super) normalise: Option<f32>,
    /// Decides everything that is by chance.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Threads; 0 for one a core.
    #[arg(long, default_value_t = 0)]
    pub(super) threads: usize,
    /// Validations over the run, beside those at its start and end.
    #[arg(long, default_value_t = 1)]
    pub(super) validations: u32,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 5.0)]
    pub(super) save_every: f64,
    /// Where checkpoints and the journal lie.
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoint: PathBuf,
    /// Go on from the checkpoint.
    #[arg(long)]
    pub(super) resume: bool,
    /// The trained network.
    #[arg(long, value_name = "FILE.tincy")]
    pub(super) out: PathBuf,
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
        let start = start::network(arguments)?;
        let tape = || anyhow::Ok(Tape::new(threads::pool(arguments.threads)?));
        let (pictures, sets) = sets::open(arguments, start.classes())?;
        let pictures = Arc::new(pictures);
        let (model, integers) = start::model(arguments, &start, &pictures, tape()?)?;
        let network = model.template();
        let loss = detector::loss(network, Weights::default())?;
        let teacher = start::teacher(arguments, network, tape()?)?;
        let optimizer = optimizer(arguments, &model);
        std::fs::create_dir_all(&arguments.checkpoint)
            .with_context(|| arguments.checkpoint.display().to_string())?;
        let mut run = Run {
            training: Training::new(model, optimizer, settings(arguments), tape()?),
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

/// Every parameter at the same rate, but binary weights, of which none shrink.
fn optimizer(arguments: &Arguments, model: &Model) -> Optimizer {
    Optimizer::new(Method::ADAMW, model.parameters(), |parameter| {
        let is_binary = model.has_signs(&parameter.name);
        Group {
            factor: if is_binary { arguments.sign_rate } else { 1.0 },
            decay: match parameter.role {
                Role::Weight if !is_binary => arguments.decay,
                _ => 0.0,
            },
        }
    })
}

fn settings(arguments: &Arguments) -> Settings {
    Settings {
        schedule: Schedule {
            rate: arguments.rate,
            warm_up: arguments.warm_up,
            floor: arguments.floor,
        },
        clip: arguments.clip,
        average: arguments.average,
    }
}
