//! `tincy detect`: finds objects in pictures.

use crate::accelerator::AcceleratorArgs;
use crate::detector::{Detector, EngineArgs, FilterArgs, Model};
use crate::inputs::expand::{Wanted, expand_lines};
use crate::inputs::{Input, InputArgs, Kind};
use crate::model::ModelArgs;
use crate::outcome::{Outcome, one_line};
use crate::output::lines::Lines;
use crate::output::picture::{format, write};
use crate::output::place::Place;
use crate::output::{Found, ReportArgs, Reports};
use crate::pipeline;
use crate::progress::Progress;
use crate::stop::Stop;
use anyhow::{Result, anyhow};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tincy_dataset::picture::{self, Limit};
use tincy_vision::{Detection, Frame};

/// Arguments of `tincy detect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: InputArgs,
    /// Annotated pictures: a file for one input, else a folder
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Largest picture that is opened, in pixels
    #[arg(long, value_name = "N", default_value_t = Limit::default().pixels, hide_default_value = true)]
    max_pixels: u64,
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
}

/// A picture on its way.
#[derive(Default)]
struct Job {
    input: Option<Input>,
    /// Its bytes, if they came by the standard input.
    bytes: Bytes,
    output: Option<PathBuf>,
    result: Option<Result<Seen>>,
    notes: Vec<String>,
}

struct Seen {
    width: usize,
    height: usize,
    detections: Vec<Detection>,
}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(args: Args) -> Result<Outcome> {
    let (inputs, stdin) = inputs(&args.inputs)?;
    let is_picture = |path: &Path| format(path).is_ok();
    let place = args
        .output
        .as_deref()
        .map(|path| Place::new(path, &inputs, is_picture));
    let model = Model::new(args.model.open()?, &args.engine.options())?;
    let model = model.accelerated(&args.accelerator)?;
    let filter = args.filter.filter(model.names())?;
    let plain = Lines::new(Arc::clone(model.names()));
    let reports = Reports::new(&args.reports, model.names(), false, Some(Box::new(plain)))?;
    let workers = args.engine.workers(Some(inputs.len()));
    let detectors = (0..workers).map(|_| Worker {
        detector: Detector::new(&model, filter.clone()),
        names: Arc::clone(model.names()),
        limit: Limit {
            pixels: args.max_pixels,
        },
    });
    let run = Run {
        place: place.transpose()?,
        stdin,
        stop: Stop::listen()?,
        progress: Progress::start("detect", "pictures", Some(inputs.len() as u64)),
        reports,
        done: 0,
        objects: 0,
    };
    let outcome = run.all(inputs, detectors.collect())?;
    if let Some(accelerator) = model.accelerator() {
        log::info!("{}", accelerator.report());
    }
    Ok(outcome)
}

/// Bytes of a picture that came by the standard input.
type Bytes = Option<Arc<[u8]>>;

/// The inputs. A picture on the standard input is one, a list of names there many.
fn inputs(args: &InputArgs) -> Result<(Vec<Input>, Bytes)> {
    let mut inputs = args.expand(Wanted::Pictures)?;
    let Some(at) = inputs.iter().position(Input::is_stdin) else {
        return Ok((inputs, None));
    };
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(1 << 30)
        .read_to_end(&mut bytes)?;
    if Kind::of(&bytes, Path::new("-")) != Kind::Unknown || bytes.is_empty() {
        return Ok((inputs, Some(bytes.into())));
    }
    let mut listed = Vec::new();
    expand_lines(Cursor::new(bytes), Wanted::Pictures, &mut listed)?;
    inputs.splice(at..=at, args.shard.select(listed));
    Ok((inputs, None))
}

struct Run {
    place: Option<Place>,
    stdin: Bytes,
    stop: Stop,
    progress: Progress,
    reports: Reports,
    done: usize,
    objects: usize,
}

impl Run {
    fn all(mut self, inputs: Vec<Input>, workers: Vec<Worker>) -> Result<Outcome> {
        let (count, stop) = (inputs.len(), self.stop.clone());
        let mut waiting = inputs.into_iter();
        let (mut place, stdin) = (self.place.take(), self.stdin.take());
        let mut next = |job: &mut Job| {
            *job = Job::default();
            let Some(input) = waiting.next().filter(|_| stop.signal().is_none()) else {
                return false;
            };
            job.bytes = stdin.clone().filter(|_| input.is_stdin());
            match place
                .as_mut()
                .map(|place| place.of(&input, ending(&input)))
                .transpose()
            {
                Ok(output) => job.output = output,
                Err(error) => job.result = Some(Err(error)),
            }
            job.input = Some(input);
            true
        };
        let mut failed = 0;
        if workers.len() == 1 {
            // One worker needs no threads.
            let mut worker = workers
                .into_iter()
                .next()
                .ok_or_else(|| anyhow!("no worker"))?;
            let mut job = Job::default();
            while next(&mut job) {
                worker.work(&mut job);
                failed += usize::from(!self.tell(&mut job)?);
            }
        } else {
            let work = |mut worker: Worker| move |job: &mut Job| worker.work(job);
            let pool = (0..2 * workers.len()).map(|_| Job::default()).collect();
            let workers = workers.into_iter().map(work).collect();
            pipeline::ordered(pool, next, workers, |mut job, free| {
                failed += usize::from(!self.tell(&mut job)?);
                let _ = free.send(job); // nobody fills jobs any more after the last input
                Ok(())
            })?;
        }
        self.end(count, failed)
    }

    /// Tells what was found in a picture. False if it failed.
    fn tell(&mut self, job: &mut Job) -> Result<bool> {
        self.progress.step();
        let (Some(input), Some(result)) = (job.input.take(), job.result.take()) else {
            return Ok(false);
        };
        let name = input.name();
        for note in &job.notes {
            log::warn!("{name}: {note}");
        }
        let seen = match result {
            Ok(seen) => seen,
            Err(error) => {
                log::error!("{name}: {}", one_line(&error));
                return Ok(false);
            }
        };
        self.done += 1;
        self.objects += seen.detections.len();
        self.reports.add(&Found {
            source: &name,
            relative: &input.relative,
            frame: 0,
            time: None,
            width: seen.width,
            height: seen.height,
            detections: &seen.detections,
        })?;
        Ok(true)
    }

    fn end(self, count: usize, failed: usize) -> Result<Outcome> {
        self.reports.finish()?;
        let (rate, seconds) = (self.progress.rate(), self.progress.elapsed().as_secs_f64());
        drop(self.progress);
        if count > 1 {
            let failures = if failed > 0 {
                format!(", {failed} failed")
            } else {
                String::new()
            };
            let (done, objects) = (self.done, self.objects);
            log::info!(
                "{done} pictures, {objects} objects{failures}; {seconds:.1} s, {rate:.1} a second"
            );
        }
        match self.stop.signal() {
            Some(signal) => Ok(Outcome::Stopped(signal)),
            None => Ok(Outcome::of(self.done, failed)),
        }
    }
}

/// Annotated pictures have the input's name, if its ending is one that is written.
fn ending(input: &Input) -> Option<&'static str> {
    format(&input.relative).is_err().then_some("jpg")
}

struct Worker {
    detector: Detector,
    names: Arc<[String]>,
    limit: Limit,
}

impl Worker {
    fn work(&mut self, job: &mut Job) {
        if job.result.is_none() {
            job.result = Some(self.look(job));
        }
    }

    fn look(&mut self, job: &mut Job) -> Result<Seen> {
        let mut frame = self.open(job)?;
        let detections = self.detector.detect(&frame)?;
        if let Some(path) = &job.output {
            tincy_vision::annotate(&mut frame, &detections, &self.names);
            write(&frame, path)?;
        }
        Ok(Seen {
            width: frame.width,
            height: frame.height,
            detections,
        })
    }

    fn open(&self, job: &mut Job) -> Result<Frame> {
        let path = job
            .input
            .as_ref()
            .map(|input| input.path.as_path())
            .unwrap_or(Path::new("-"));
        let notes = &mut job.notes;
        let mut note = |text: &str| notes.push(text.into());
        Ok(match &job.bytes {
            Some(bytes) => picture::decode(bytes, path, self.limit, &mut note)?,
            None => picture::read(path, self.limit, &mut note)?,
        })
    }
}
