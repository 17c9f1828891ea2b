//! `tincy-train detect`: a detector from a detector.

use super::arguments::Arguments;
use super::journal::{Journal, Place};
use super::sets::{self, Set};
use super::start::{self, Export, Learner};
use super::stop::Stop;
use super::threads;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tincy_network::{Input, Network, file};
use tincy_train::augment::{Loader, Pictures};
use tincy_train::losses::Loss;
use tincy_train::losses::region::Weights;
use tincy_train::teacher::Teacher;
use tincy_train::trunk::Trunk;
use tincy_train::{Tape, Training, checkpoint, detector, low_bit, validate, validate_exported};

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
    /// The best score so far, where the best state is kept.
    #[serde(default)]
    best: Option<f64>,
}

struct Run<'a> {
    arguments: &'a Arguments,
    training: Training,
    loss: Box<dyn Loss>,
    teacher: Option<Teacher>,
    trunk: Option<Trunk>,
    /// What batches are made for.
    input: Input,
    export: Export,
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
    run.take_best()?;
    run.write()
}

impl Run<'_> {
    fn open(arguments: &Arguments) -> Result<Run<'_>> {
        file::check_place(&arguments.out)?;
        let start = start::network(arguments)?;
        let tape = || anyhow::Ok(Tape::new(threads::pool(arguments.threads)?));
        let (pictures, sets) = sets::open(arguments, start.classes())?;
        if arguments.best && sets.is_empty() {
            bail!("--best needs pictures to judge by: --hold-out tenth or --validate");
        }
        let pictures = Arc::new(pictures);
        let learner = Learner::new(arguments, &start, &pictures, tape()?)?;
        let input = learner.input();
        let Learner {
            model,
            trunk,
            export,
        } = learner;
        let network = model.template();
        let loss = detector::loss(network, Weights::default(), arguments.likeness)?;
        let teacher = start::teacher(arguments, network)?;
        let optimizer = arguments.optimizer(&model);
        std::fs::create_dir_all(&arguments.checkpoint)
            .with_context(|| arguments.checkpoint.display().to_string())?;
        let mut run = Run {
            training: Training::new(model, optimizer, arguments.settings(), tape()?),
            loss,
            teacher,
            trunk,
            input,
            export,
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

    fn best_state(&self) -> PathBuf {
        self.arguments.checkpoint.join("best.safetensors")
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
        let plan = arguments.plan();
        let mut loader =
            Loader::start(&self.pictures, &self.input, &plan, self.training.steps(), 1)?;
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
            let batch = match &mut self.trunk {
                Some(trunk) => trunk.look(&batch)?,
                None => batch,
            };
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
        let mut sum = 0.0;
        // Thresholds are the same network, and faster.
        let integers = match self.export {
            Export::Thresholds(_) if !self.sets.is_empty() => Some(self.exported()?),
            _ => None,
        };
        for (name, set, options) in &self.sets {
            let start = Instant::now();
            let report = self.training.with_average(|model, tape| match &integers {
                Some(network) => validate_exported(network, tape, set, options),
                None => validate(model, tape, set, options),
            })?;
            let (area, eleven) = (report.area, report.eleven_point);
            sum += area;
            self.journal
                .score(name, place, area, eleven, start.elapsed())?;
            self.journal.leave_out(start.elapsed());
        }
        self.keep_best(sum / self.sets.len().max(1) as f64)
    }

    /// Keeps the state if no earlier one scored better; a score is the mean area over all sets.
    fn keep_best(&mut self, score: f64) -> Result<()> {
        if self.arguments.best && self.note.best.is_none_or(|best| score > best) {
            self.note.best = Some(score);
            let path = self.best_state();
            checkpoint::write(
                &path,
                &mut self.training,
                &serde_json::to_string(&self.note)?,
            )?;
        }
        Ok(())
    }

    /// Goes back to the best state.
    fn take_best(&mut self) -> Result<()> {
        if self.arguments.best {
            checkpoint::read(&self.best_state(), &mut self.training)?;
            let at = self.training.steps();
            self.journal.say(&format!("the best was at step {at}"));
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        let note = serde_json::to_string(&self.note)?;
        checkpoint::write(&self.state(), &mut self.training, &note)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// The whole network as it is to be written.
    fn exported(&mut self) -> Result<Network> {
        let export = &self.export;
        let network = self.training.with_average(|model, _| match export {
            Export::Floats => model.to_network(),
            Export::Thresholds(maps) => low_bit::export::to_integers(model, maps),
            Export::Codes(plan) => plan.to_integers(model),
        })?;
        Ok(match &self.trunk {
            Some(trunk) => trunk.before(&network)?,
            None => network,
        })
    }

    fn write(&mut self) -> Result<()> {
        let network = self.exported()?;
        file::write(&network, &self.arguments.out)?;
        self.journal
            .say(&format!("{}: written", self.arguments.out.display()));
        match self.export {
            Export::Floats => Ok(()),
            _ => self.validate_exported(&network),
        }
    }

    /// Scores the integers, which are what counts.
    fn validate_exported(&mut self, network: &Network) -> Result<()> {
        let place = self.place();
        for (name, set, options) in &self.sets {
            let start = Instant::now();
            let report = self
                .training
                .with_average(|_, tape| validate_exported(network, tape, set, options))?;
            let name = format!("{name}, in integers");
            let (area, eleven) = (report.area, report.eleven_point);
            self.journal
                .score(&name, place, area, eleven, start.elapsed())?;
        }
        Ok(())
    }
}
