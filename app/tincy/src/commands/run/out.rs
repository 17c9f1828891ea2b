//! Where frames and what is found go, one after the other.

use super::Args;
use super::hud::Hud;
use crate::detector::Detector;
use crate::live::Item;
use crate::live::climate::Climate;
use crate::live::cores::Plan;
use crate::live::flow::{self, Flow};
use crate::live::record::Recorder;
use crate::live::source::Source;
use crate::output::lines::objects;
use crate::output::video::VideoWriter;
use crate::output::video::stages::{Shot, Stages};
use crate::output::{Found, Reports, json};
use crate::progress;
use crate::service::Service;
use anyhow::{Result, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;
use tincy_vision::Detection;

/// What is put out.
pub(super) struct Out {
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
    recorder: Option<Recorder>,
}

impl Out {
    /// With the reports that are asked for.
    ///
    /// # Errors
    /// If a file cannot be made.
    pub(super) fn new(
        args: &Args,
        names: &Arc<[String]>,
        name: String,
        recorder: Option<Recorder>,
    ) -> Result<Out> {
        Ok(Out {
            to_people: !args.reports.use_stdout() && args.output.as_deref() != Some(Path::new("-")),
            reports: Reports::new(&args.reports, names, true, None)?,
            names: Arc::clone(names),
            name,
            frames: args.frames,
            done: 0,
            said: String::new(),
            service: Service::ready(),
            hud: args.hud.then(Hud::default),
            recorder,
        })
    }

    /// Runs to the end; the recorder comes back to be ended with what is known then.
    ///
    /// # Errors
    /// If something cannot be put out.
    pub(super) fn run(
        mut self,
        source: &mut dyn Source,
        detectors: Vec<Detector>,
        writer: Option<Box<dyn VideoWriter>>,
        args: &Args,
        plan: &Plan,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Flow, Option<Recorder>, Climate)> {
        let mut climate = Climate::default();
        let flow = std::thread::scope(|scope| {
            let sensors = watch(scope, args)?;
            let names = Arc::clone(&self.names);
            let stages = writer.map(|writer| Stages::start(scope, names, writer, plan));
            let film = stages.transpose()?.map(Film::new);
            let draw = film.is_some();
            let finders = detectors
                .into_iter()
                .map(|detector| flow::finder(detector, draw));
            let flow = flow::run(source, finders.collect(), plan, stop, |item| {
                self.put_out(item, film.as_ref())
            });
            climate = sensors.map(Sensors::end).unwrap_or_default();
            // Where the writer failed, its reason is the better one.
            film.map_or(Ok(()), |film| film.stages.finish()).and(flow)
        });
        let told = flow.and_then(|flow| self.reports.finish().map(|()| flow));
        match (told, self.recorder) {
            (Ok(flow), recorder) => {
                if let Some(recorder) = &recorder {
                    recorder.dropped(&flow.dropped);
                }
                Ok((flow, recorder, climate))
            }
            // What is recorded is whole, whatever became of the rest.
            (Err(error), Some(recorder)) => recorder.finish(&()).and(Err(error)),
            (Err(error), None) => Err(error),
        }
    }

    /// One frame; false after the last one that is wanted.
    fn put_out(&mut self, item: &mut Item, film: Option<&Film>) -> Result<bool> {
        self.done += 1;
        self.service.frames(self.done);
        let found = Found {
            source: &self.name,
            relative: Path::new("live"),
            frame: item.sequence,
            time: Some(item.time),
            width: item.size.0,
            height: item.size.1,
            detections: &item.shot.detections,
        };
        self.reports.add(&found)?;
        if let Some(recorder) = &mut self.recorder {
            let line = json::line(&found, &self.names)?;
            recorder.add(item, line);
        }
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

/// Sensors that are watched meanwhile.
struct Sensors<'s> {
    ended: Sender<()>,
    thread: ScopedJoinHandle<'s, Climate>,
}

/// Watches them where they are to be told of.
fn watch<'s>(scope: &'s Scope<'s, '_>, args: &Args) -> Result<Option<Sensors<'s>>> {
    if args.pipeline.is_none() {
        return Ok(None);
    }
    let roots = args.accelerator.roots();
    let (ended, until) = bounded(0);
    let thread = Builder::new().name("sensors".into());
    let thread = thread.spawn_scoped(scope, move || Climate::watch(&roots, &until))?;
    Ok(Some(Sensors { ended, thread }))
}

impl Sensors<'_> {
    /// What they showed.
    fn end(self) -> Climate {
        drop(self.ended);
        self.thread.join().unwrap_or_default()
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
