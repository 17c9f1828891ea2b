//! `tincy run`: finds objects as a camera sees them.

mod hud;
mod report;

use crate::accelerator::AcceleratorArgs;
use crate::camera::CameraArgs;
use crate::detector::{Detector, EngineArgs, FilterArgs, Model};
use crate::live::Item;
use crate::live::flow::{self, Flow};
use crate::live::source::{CameraSource, Paced, Source};
use crate::model::ModelArgs;
use crate::outcome::Outcome;
use crate::output::lines::objects;
use crate::output::video::screen::{ScreenWriter, Several};
use crate::output::video::stages::{Shot, Stages};
use crate::output::video::{self, VideoWriter};
use crate::output::{Found, ReportArgs, Reports};
use crate::progress;
use crate::recording::Info;
use crate::service::Service;
use crate::stop::Stop;
use anyhow::{Result, anyhow, bail};
use crossbeam_channel::{Receiver, Sender, unbounded};
use hud::Hud;
use report::Report;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tincy_drivers::camera::Camera;
use tincy_vision::Detection;

/// Arguments of `tincy run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A recording instead of a camera: it plays at its own rate, and what comes too fast is dropped
    #[arg(long, value_name = "FILE", conflicts_with_all = ["camera", "size", "fps", "format"])]
    source: Option<PathBuf>,
    /// Annotated recording (.mp4, .mkv, .mov and .webm keep the frames' times; .avi, .y4m; - for Y4M
    /// on the standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A screen to show what is found on: kms is the first that is plugged in, kms:NAME that of a
    /// connector; no desktop may run there
    #[arg(long, value_name = "SCREEN", value_parser = display)]
    display: Option<Display>,
    /// Writes rate and latency into the corner of what is shown or recorded
    #[arg(long)]
    hud: bool,
    /// Ends after so many seconds
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Ends after so many frames are put out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// At the end tells rates, queues, latency and dropped frames: on stderr, or as JSON to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pipeline: Option<PathBuf>,
    #[command(flatten)]
    camera: CameraArgs,
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

/// A screen.
#[derive(Clone, Debug)]
struct Display {
    connector: Option<String>,
}

fn display(text: &str) -> Result<Display, String> {
    let connector = match text.split_once(':') {
        Some(("kms", name)) if !name.is_empty() => Some(name.to_string()),
        None if text == "kms" => None,
        _ => return Err("kms or kms:NAME is expected, as in kms:HDMI-A-1".into()),
    };
    Ok(Display { connector })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "a number above 0 is expected".into())
}

/// Runs it until the source ends, a limit is reached or a signal comes.
///
/// # Errors
/// If there is no camera, or nothing can be put out.
pub fn run(args: Args) -> Result<Outcome> {
    let stop = Stop::listen()?;
    let mut source = source(&args)?;
    let model = Model::new(args.model.open()?, &args.engine.options())?;
    let model = model.accelerated(&args.accelerator)?;
    let filter = args.filter.filter(model.names())?;
    let workers = args.engine.workers(None);
    let detectors = (0..workers).map(|_| Detector::new(&model, filter.clone()));
    let name = source.name();
    let live = Live {
        to_people: !args.reports.use_stdout() && args.output.as_deref() != Some(Path::new("-")),
        reports: Reports::new(&args.reports, model.names(), true, None)?,
        names: Arc::clone(model.names()),
        name: name.clone(),
        frames: args.frames,
        done: 0,
        said: String::new(),
        service: Service::ready(),
        hud: args.hud.then(Hud::default),
    };
    let flow = live.run(source.as_mut(), detectors.collect(), &args, &stop)?;
    for complaint in &flow.complaints {
        log::warn!("{name}: {complaint}");
    }
    log::info!("{}", report::summary(&flow));
    if let Some(accelerator) = model.accelerator() {
        log::info!("{}", accelerator.report());
    }
    if let Some(path) = &args.pipeline {
        Report::new(name.clone(), workers, &flow).tell(path)?;
    }
    outcome(&name, &flow, &stop)
}

fn outcome(name: &str, flow: &Flow, stop: &Stop) -> Result<Outcome> {
    let frames = flow.output.count();
    match (&flow.failure, stop.signal()) {
        (_, Some(signal)) => Ok(Outcome::Stopped(signal)),
        (Some(failure), None) if frames == 0 => bail!("{name}: {failure}"),
        (Some(failure), None) => {
            log::error!("{name}: {failure}; {frames} frames until then are done");
            Ok(Outcome::SomeFailed)
        }
        (None, None) => Ok(Outcome::of(1, usize::from(!flow.complaints.is_empty()))),
    }
}

/// The recording, or the camera.
fn source(args: &Args) -> Result<Box<dyn Source>> {
    if let Some(path) = &args.source {
        return Ok(Box::new(Paced::open(path)?));
    }
    let camera = Camera::open(&args.camera.request());
    let camera = camera.map_err(|error| anyhow!("{error}; or play a recording: --source FILE"))?;
    let (path, card) = (camera.path().display(), &camera.identity().card);
    let rate = camera.interval().map_or(String::new(), |interval| {
        format!(" at {:.4} a second", interval.rate())
    });
    log::info!("{path}: {card}, {}{rate}", camera.format());
    Ok(Box::new(CameraSource::new(camera)))
}

/// What is put out.
struct Live {
    name: String,
    names: Arc<[String]>,
    reports: Reports,
    /// Whether lines for people go to the standard output.
    to_people: bool,
    /// Frames to put out at most.
    frames: Option<u64>,
    done: u64,
    /// The last line for people.
    said: String,
    service: Service,
    hud: Option<Hud>,
}

/// Where annotated frames go, if anywhere.
fn writer(args: &Args, info: &Info) -> Result<Option<Box<dyn VideoWriter>>> {
    let mut writers: Vec<Box<dyn VideoWriter>> = Vec::new();
    if let Some(path) = &args.output {
        writers.push(video::create(path, info, None)?);
    }
    if let Some(display) = &args.display {
        writers.push(Box::new(ScreenWriter::open(display.connector.as_deref())?));
    }
    Ok(match writers.len() {
        0 | 1 => writers.pop(),
        _ => Some(Box::new(Several(writers))),
    })
}

impl Live {
    fn run(
        mut self,
        source: &mut dyn Source,
        detectors: Vec<Detector>,
        args: &Args,
        stop: &Stop,
    ) -> Result<Flow> {
        let start = Instant::now();
        let over = |limit: Duration| start.elapsed() >= limit;
        let stop = || stop.signal().is_some() || args.seconds.is_some_and(over);
        let writer = writer(args, source.info())?;
        let flow = std::thread::scope(|scope| {
            let names = Arc::clone(&self.names);
            let stages = writer.map(|writer| Stages::start(scope, names, writer));
            let film = stages.transpose()?.map(Film::new);
            let draw = film.is_some();
            let finders = detectors
                .into_iter()
                .map(|detector| flow::finder(detector, draw));
            let flow = flow::run(source, finders.collect(), &stop, |item| {
                self.put_out(item, film.as_ref())
            });
            // Where the writer failed, its reason is the better one.
            film.map_or(Ok(()), |film| film.stages.finish()).and(flow)
        })?;
        self.reports.finish()?;
        Ok(flow)
    }

    /// One frame; false after the last one that is wanted.
    fn put_out(&mut self, item: &mut Item, film: Option<&Film>) -> Result<bool> {
        self.done += 1;
        self.service.frames(self.done);
        self.reports.add(&Found {
            source: &self.name,
            relative: Path::new("live"),
            frame: item.sequence,
            time: Some(item.time),
            width: item.size.0,
            height: item.size.1,
            detections: &item.shot.detections,
        })?;
        if self.to_people {
            self.say(item.time, &item.shot.detections)?;
        }
        if let Some(film) = film {
            if let Some(hud) = &mut self.hud {
                hud.write(item);
            }
            film.add(item)?;
        }
        Ok(self.frames.is_none_or(|frames| self.done < frames))
    }

    /// A line for people whenever other classes are in view than before.
    fn say(&mut self, time: Duration, detections: &[Detection]) -> Result<()> {
        let mut classes: Vec<_> = detections.iter().map(|found| found.class).collect();
        classes.sort_unstable();
        let view = format!("{classes:?}");
        if view == self.said {
            return Ok(());
        }
        self.said = view;
        let (seconds, what) = (time.as_secs_f64(), objects(detections, &self.names));
        let line = || writeln!(std::io::stdout(), "{seconds:8.2} s: {what}");
        Ok(progress::aside(line)?)
    }
}

/// Drawing and encoding, and the shots that come back from there.
struct Film<'s> {
    stages: Stages<'s>,
    free: Sender<Shot>,
    back: Receiver<Shot>,
}

impl<'s> Film<'s> {
    fn new(stages: Stages<'s>) -> Film<'s> {
        let (free, back) = unbounded();
        Film { stages, free, back }
    }

    /// Hands the item's shot on, and gives it another.
    fn add(&self, item: &mut Item) -> Result<()> {
        let next = self.back.try_recv().unwrap_or_default();
        let mut shot = std::mem::replace(&mut item.shot, next);
        shot.frame.time = Some(item.time);
        match self.stages.send(shot, &self.free) {
            true => Ok(()),
            false => Err(anyhow!("the output has ended")),
        }
    }
}
