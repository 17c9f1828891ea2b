//! `tincy run`: finds objects as a camera sees them.
//!
//! | module | subject |
//! | --- | --- |
//! | `out` | where frames and what is found go, one after the other |
//! | `screens` | which screens are asked for |
//! | `hud` | rate and latency in the corner of the picture |
//! | `report` | what `--pipeline` tells |

mod hud;
mod out;
mod report;
mod screens;

use crate::accelerator::AcceleratorArgs;
use crate::camera::CameraArgs;
use crate::detector::{Detector, EngineArgs, FilterArgs, Model};
use crate::live::cores::{Cores, Plan};
use crate::live::flow::{Flow, infer_thread};
use crate::live::record::{self, Recorded, Recorder};
use crate::live::source::{CameraSource, Paced, Source};
use crate::model::ModelArgs;
use crate::outcome::{Outcome, Usage};
use crate::output::ReportArgs;
use crate::recording::decisions::Header;
use crate::stop::Stop;
use anyhow::{Result, anyhow, bail};
use out::Out;
use report::Report;
use screens::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tincy_drivers::camera::Camera;

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
    /// Raw frames just as the detector had them, and beside them (.jsonl) what was found and dropped:
    /// a file .nut, or live.nut in a folder; `tincy replay --check` comes to the same
    #[arg(long, value_name = "FILE|DIR/")]
    record: Option<PathBuf>,
    /// Shows what is found: in a window on a desktop (closing it, Esc or q ends the run), or on a
    /// screen without one, kms the first that is plugged in, kms:NAME that of a connector; may be
    /// repeated
    #[arg(long, value_name = "window|kms|kms:NAME", value_parser = screens::display)]
    display: Vec<Display>,
    /// Writes rate and latency into the corner of what is shown or recorded
    #[arg(long)]
    hud: bool,
    /// Ends after so many seconds
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Ends after so many frames are put out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Keeps each thread on cores of its own, as in 0,2-3; without a list on all that there are
    #[arg(long, value_name = "CORES", num_args = 0..=1, default_missing_value = "all")]
    pin: Option<Cores>,
    /// At the end tells rates, queues, latency, dropped frames, temperature, power and clocks: on
    /// stderr, or as JSON to FILE
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
    let record = args.record.as_deref().map(record::file).transpose()?;
    keep_source(&args, record.as_deref())?;
    let mut source = source(&args)?;
    let model = Model::new(args.model.open()?, &args.engine.options())?;
    let model = model.accelerated(&args.accelerator)?;
    let filter = args.filter.filter(model.names())?;
    let (workers, plan) = placed(&args)?;
    let detector = |index| {
        let detector = || Detector::new(&model, filter.clone());
        plan.with(&infer_thread(index), detector)
    };
    let detectors = (0..workers).map(detector).collect();
    let name = source.name();
    let closed = Arc::new(AtomicBool::new(false));
    // Screens first: what is recorded there already stays where one is missing.
    let writer = screens::writer(&args, &name, source.info(), &closed)?;
    let recorder = record
        .as_ref()
        .map(|path| recorder(path, source.as_ref(), &model, &args, &plan))
        .transpose()?;
    let out = Out::new(&args, model.names(), name.clone(), recorder)?;
    let start = Instant::now();
    let wish = || {
        let over = |limit: Duration| start.elapsed() >= limit;
        let closed = closed.load(Ordering::Relaxed);
        closed || stop.signal().is_some() || args.seconds.is_some_and(over)
    };
    let out = out.run(source.as_mut(), detectors, writer, &args, &plan, &wish)?;
    let (flow, recorder, climate) = out;
    for complaint in &flow.complaints {
        log::warn!("{name}: {complaint}");
    }
    log::info!("{}", report::summary(&flow));
    if let Some(accelerator) = model.accelerator() {
        log::info!("{}", accelerator.report());
    }
    let mut report = Report::new(name.clone(), workers, &flow);
    report.pinned = plan.threads().to_vec();
    report.sensors = climate.into_spans();
    if let (Some(recorder), Some(path)) = (recorder, &record) {
        report.recorded = Some(end_recording(recorder, path, &report)?);
    }
    if let Some(path) = &args.pipeline {
        report.tell(path)?;
    }
    outcome(&name, &flow, report.recorded.as_ref(), &stop)
}

fn outcome(name: &str, flow: &Flow, recorded: Option<&Recorded>, stop: &Stop) -> Result<Outcome> {
    let frames = flow.output.count();
    let unrecorded = recorded.is_some_and(|recorded| recorded.failure.is_some());
    match (&flow.failure, stop.signal()) {
        (_, Some(signal)) => Ok(Outcome::Stopped(signal)),
        (Some(failure), None) if frames == 0 => bail!("{name}: {failure}"),
        (Some(failure), None) => {
            log::error!("{name}: {failure}; {frames} frames until then are done");
            Ok(Outcome::SomeFailed)
        }
        (None, None) => {
            let failed = unrecorded || !flow.complaints.is_empty();
            Ok(Outcome::of(1, usize::from(failed)))
        }
    }
}

/// Nothing may be written over the recording that plays.
fn keep_source(args: &Args, record: Option<&Path>) -> Result<()> {
    let Some(source) = &args.source else {
        return Ok(());
    };
    let real = |path: &Path| path.canonicalize().ok();
    for path in args.output.as_deref().into_iter().chain(record) {
        if real(path).is_some_and(|path| Some(path) == real(source)) {
            let path = path.display();
            return Err(Usage(format!("{path} is the source; it is not overwritten")).into());
        }
    }
    Ok(())
}

/// Number of workers, and the cores of all threads. From here on they start where `--pin` lets them.
fn placed(args: &Args) -> Result<(usize, Plan)> {
    let Some(wanted) = &args.pin else {
        return Ok((args.engine.workers(None), Plan::default()));
    };
    let cores = Plan::enter(wanted)?;
    let workers = args.engine.workers(None);
    let infer = (0..workers).map(|index| (infer_thread(index), args.engine.threads));
    let drawn = args.output.is_some() || !args.display.is_empty();
    let others = [("draw", drawn), ("record", args.record.is_some())];
    let others = others.into_iter().filter(|(_, is_there)| *is_there);
    let threads = std::iter::once(("capture".to_string(), 1))
        .chain(infer)
        .chain([("output".to_string(), 1)])
        .chain(others.map(|(name, _)| (name.to_string(), 1)));
    Ok((workers, Plan::in_turn(&cores, threads)))
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

/// A recording of a source's frames, as a model sees them.
fn recorder(
    path: &Path,
    source: &dyn Source,
    model: &Model,
    args: &Args,
    plan: &Plan,
) -> Result<Recorder> {
    let plan = plan.clone();
    let info = source.info();
    let mut header = Header::new(source.name(), info.rate, info.time_base);
    header.model = model.network().name().into();
    header.threshold = args.filter.threshold;
    Recorder::start(path.into(), &header, move || plan.pin("record"))
}

/// Ends it and says what is in it.
fn end_recording(recorder: Recorder, path: &Path, report: &Report) -> Result<Recorded> {
    let recorded = recorder.finish(report)?;
    let (path, frames, missed) = (path.display(), recorded.recorded, recorded.missed);
    if recorded.failure.is_none() {
        log::info!("{path}: {frames} frames recorded");
    }
    if missed > 0 && recorded.failure.is_none() {
        log::warn!("{path}: {missed} frames are not in it: the disk was too slow");
    }
    Ok(recorded)
}
