//! `tincy replay`: finds objects in recordings.

mod check;
mod end;
mod tally;

use crate::accelerator::AcceleratorArgs;
use crate::detector::{Detector, EngineArgs, FilterArgs, Model};
use crate::inputs::expand::Wanted;
use crate::inputs::{Input, InputArgs};
use crate::live::cores::Plan;
use crate::model::ModelArgs;
use crate::outcome::{self, Outcome, one_line};
use crate::output::place::Place;
use crate::output::report::class_name;
use crate::output::video::stages::{Shot, Stages};
use crate::output::video::{self, extension};
use crate::output::{Found, ReportArgs, Reports};
use crate::pipeline::{self, Free};
use crate::progress;
use crate::recording::{self, Reader};
use crate::stop::Stop;
use anyhow::{Result, anyhow};
use check::Check;
use end::End;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tally::Tally;
use tincy_vision::Filter;

/// Arguments of `tincy replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: InputArgs,
    /// Annotated recordings: a file (.mp4, .mkv, .mov, .webm, .avi, .y4m; - for Y4M on the
    /// standard output), or a folder for several inputs
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    accelerator: AcceleratorArgs,
    #[command(flatten)]
    reports: ReportArgs,
    /// Holds what is found to what `tincy run --record` decided; the first frame that differs is named
    #[arg(long, help_heading = "Results")]
    check: bool,
}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(args: Args) -> Result<Outcome> {
    let inputs = args.inputs.expand(Wanted::Recordings)?;
    let is_video = |path: &Path| path == Path::new("-") || extension(path).is_some();
    let place = args
        .output
        .as_deref()
        .map(|path| Place::new(path, &inputs, is_video));
    let model = Model::new(args.model.open()?, &args.engine.options())?;
    let model = model.accelerated(&args.accelerator)?;
    let filter = args.filter.filter(model.names())?;
    let mut replay = Replay {
        place: place.transpose()?,
        reports: Reports::new(&args.reports, model.names(), true, None)?,
        quiet_stdout: args.reports.use_stdout() || args.output.as_deref() == Some(Path::new("-")),
        workers: args.engine.workers(None),
        check: args.check,
        stop: Stop::listen()?,
        model,
        filter,
    };
    let (mut done, mut failed, mut frames) = (0, 0, 0);
    let start = Instant::now();
    for input in &inputs {
        if replay.stop.signal().is_some() {
            break;
        }
        let end = match replay.one(input) {
            Err(error) if outcome::error_code(&error) == 0 => return Err(error),
            end => end.unwrap_or_else(|error| End::failed(one_line(&error))),
        };
        end.tell(&input.name());
        done += usize::from(end.frames > 0);
        frames += end.frames;
        failed += usize::from(!end.is_whole());
    }
    replay.reports.finish()?;
    if let Some(accelerator) = replay.model.accelerator() {
        log::info!("{}", accelerator.report());
    }
    let seconds = start.elapsed().as_secs_f64();
    if done > 0 {
        let failures = if failed > 0 {
            format!(", {failed} failed")
        } else {
            String::new()
        };
        let rate = frames as f64 / seconds.max(1e-9);
        log::info!("{frames} frames{failures}; {seconds:.1} s, {rate:.1} a second");
    }
    Ok(match replay.stop.signal() {
        Some(signal) => Outcome::Stopped(signal),
        None => Outcome::of(done, failed),
    })
}

struct Replay {
    place: Option<Place>,
    reports: Reports,
    /// Results for programs go to the standard output; people are not addressed there.
    quiet_stdout: bool,
    workers: usize,
    /// Whether detections are held to those recorded.
    check: bool,
    stop: Stop,
    model: Model,
    filter: Filter,
}

/// What [`Replay::open`] gives.
type Opened = (Box<dyn Reader>, Option<PathBuf>, Option<Check>);

impl Replay {
    /// One recording, from its start to its end or as far as it can be read.
    ///
    /// # Errors
    /// If the results cannot be written.
    fn one(&mut self, input: &Input) -> Result<End> {
        let (mut reader, path, mut check) = match self.open(input) {
            Ok(opened) => opened,
            Err(error) => return Ok(End::failed(error.to_string())),
        };
        let info = reader.info().clone();
        let sound = Some(input.path.as_path()).filter(|_| !input.is_stdin());
        let writer = path
            .map(|path| video::create(&path, &info, sound))
            .transpose()?;
        let mut tally = Tally::new(input, &info);
        let mut error = None;
        std::thread::scope(|scope| {
            let names = Arc::clone(self.model.names());
            let stages = writer
                .map(|writer| Stages::start(scope, Arc::clone(&names), writer, &Plan::default()));
            let stages = stages.transpose()?;
            let frames = self.frames(
                reader.as_mut(),
                &mut error,
                |found, shot, free| {
                    tally.add(found);
                    if let Some(check) = &mut check {
                        check.add(found, &names)?;
                    }
                    let Some(stages) = &stages else {
                        let _ = free.send(shot); // at the end nobody fills shots any more
                        return Ok(());
                    };
                    if !stages.send(shot, free) {
                        return Err(anyhow!("the output has ended"));
                    }
                    Ok(())
                },
                input,
            );
            // Where the writer failed, its reason is the better one.
            stages.map_or(Ok(()), Stages::finish).and(frames)
        })?;
        let frames = tally.frames;
        self.summary(tally)?;
        let mut complaints = reader.complaints();
        if let Some(check) = check {
            match check.end(&self.model, &self.filter)? {
                Ok(said) => self.say(&format!("{}: {said}", input.name()))?,
                Err(differs) => complaints.push(differs),
            }
        }
        Ok(End {
            frames,
            error,
            complaints,
        })
    }

    /// A recording, where the annotated one goes, and what it is held to.
    ///
    /// # Errors
    /// If one of these cannot be had.
    fn open(&mut self, input: &Input) -> Result<Opened> {
        let reader = recording::open(input)?;
        let place = self.place.as_mut();
        let path = place.map(|place| place.of(input, ending(input)));
        let check = self.check.then(|| Check::beside(input));
        Ok((reader, path.transpose()?, check.transpose()?))
    }

    /// Reads, detects and reports all frames in order; `then` takes each over.
    fn frames(
        &mut self,
        reader: &mut dyn Reader,
        error: &mut Option<String>,
        mut then: impl FnMut(&Found, Shot, &Free<Shot>) -> Result<()>,
        input: &Input,
    ) -> Result<()> {
        let (name, stop) = (input.name(), self.stop.clone());
        let source = reader.source().map_or_else(|| name.clone(), str::to_string);
        let frame_bytes = 3 * reader.info().width * reader.info().height;
        let mut sequence = 0;
        let capture = |shot: &mut Shot| {
            // A raw recording's reader knows better.
            shot.frame.sequence = sequence;
            sequence += 1;
            match reader.next(&mut shot.frame) {
                Ok(more) => more && stop.signal().is_none(),
                Err(reason) => {
                    *error = Some(reason.to_string());
                    false
                }
            }
        };
        let worker = |_| {
            let mut detector = Detector::new(&self.model, self.filter.clone());
            move |shot: &mut Shot| {
                let found = detector.detect(&shot.frame);
                (shot.detections, shot.failure) = match found {
                    Ok(detections) => (detections, None),
                    Err(failure) => (Vec::new(), Some(failure)),
                };
            }
        };
        let workers = (0..self.workers).map(worker).collect();
        let pool = (0..shots(self.workers, frame_bytes))
            .map(|_| Shot::default())
            .collect();
        let reports = &mut self.reports;
        pipeline::ordered(pool, capture, workers, |mut shot, free| {
            if let Some(failure) = shot.failure.take() {
                return Err(failure.context(name.clone()));
            }
            let detections = shot.detections.clone();
            let found = Found {
                source: &source,
                relative: &input.relative,
                frame: shot.frame.sequence,
                time: shot.frame.time,
                width: shot.frame.width,
                height: shot.frame.height,
                detections: &detections,
            };
            reports.add(&found)?;
            then(&found, shot, free)
        })
    }

    /// A line for people: how many frames show which class.
    fn summary(&self, tally: Tally) -> Result<()> {
        drop(tally.progress);
        let frames = tally.frames;
        let mut classes: Vec<_> = tally
            .classes
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .collect();
        classes.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), *class));
        let names = self.model.names();
        let one =
            |(class, count): (usize, &u64)| format!("{} in {count}", class_name(names, class));
        let what = match classes.is_empty() {
            true => "nothing found".into(),
            false => classes.into_iter().map(one).collect::<Vec<_>>().join(", "),
        };
        let unit = if frames == 1 { "frame" } else { "frames" };
        self.say(&format!("{}: {frames} {unit}: {what}", tally.name))
    }

    /// A line for people, where the standard output is theirs.
    fn say(&self, line: &str) -> Result<()> {
        if !self.quiet_stdout {
            progress::aside(|| writeln!(std::io::stdout(), "{line}"))?;
        }
        Ok(())
    }
}

/// Frames in memory at a time: enough to keep all threads busy, fewer where they are huge.
fn shots(workers: usize, bytes: usize) -> usize {
    const MEMORY: usize = 512 << 20;
    (MEMORY / bytes.max(1)).clamp(workers + 1, 2 * workers + 4)
}

/// Annotated recordings have the input's name, if its ending is one that is written.
fn ending(input: &Input) -> Option<&'static str> {
    extension(&input.relative).is_none().then_some("mp4")
}
