//! How a run goes: a bar at a terminal, plain lines elsewhere, and a JSON line for each in a file.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tincy_train::losses::Terms;
use tincy_train::training::Step;

/// Steps whose mean is shown.
const MEAN_OF: u32 = 50;

/// Parts of the bar.
const PARTS: u64 = 1000;

/// Tells how a run goes.
pub(super) struct Journal {
    bar: Option<ProgressBar>,
    file: File,
    sum: Terms,
    length: f64,
    count: u32,
    skipped: u32,
    since: Instant,
    pictures: u64,
    /// Mean of the last steps, for the bar.
    shown: String,
    last_score: String,
}

/// Where a run is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) step: u64,
    pub(super) pictures: u64,
    /// Seconds of training, earlier sittings among them.
    pub(super) seconds: f64,
    /// 0 to 1.
    pub(super) progress: f64,
}

impl Journal {
    /// Adds to the journal at `path`.
    pub(super) fn open(path: &Path) -> Result<Journal> {
        let file = File::options().create(true).append(true).open(path);
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(PARTS);
            let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}%");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Ok(Journal {
            bar,
            file: file.with_context(|| path.display().to_string())?,
            sum: Terms::default(),
            length: 0.0,
            count: 0,
            skipped: 0,
            since: Instant::now(),
            pictures: 0,
            shown: String::new(),
            last_score: String::new(),
        })
    }

    /// Takes a step in.
    pub(super) fn step(&mut self, step: &Step, place: Place, pictures: u64) -> Result<()> {
        if step.moved {
            self.sum += step.terms;
            self.length += step.length;
            self.count += 1;
        } else {
            self.skipped += 1;
        }
        self.pictures += pictures;
        if self.count + self.skipped >= MEAN_OF {
            self.mean(step, place)?;
        }
        if let Some(bar) = &self.bar {
            bar.set_position((place.progress * PARTS as f64) as u64);
            bar.set_message(format!("step {} {}{}", place.step, self.shown, left(place)));
        }
        Ok(())
    }

    fn mean(&mut self, step: &Step, place: Place) -> Result<()> {
        let count = f64::from(self.count.max(1));
        let rate = self.pictures as f64 / self.since.elapsed().as_secs_f64().max(1e-9);
        let overlap = self.sum.overlaps / self.sum.matched.max(1e-9);
        let [boxes, objectness, classes] =
            [self.sum.boxes, self.sum.objectness, self.sum.classes].map(|sum| sum / count);
        let loss = boxes + objectness + classes;
        self.shown = format!(
            "{rate:.1} pictures/s, loss {loss:.3} (boxes {boxes:.3}, objectness {objectness:.3}, \
             classes {classes:.3}), overlap {overlap:.3}{}",
            self.last_score
        );
        if self.bar.is_none() {
            eprintln!("step {}: {}{}", place.step, self.shown, left(place));
        }
        self.write(json!({
            "step": place.step, "pictures": place.pictures, "seconds": place.seconds,
            "pictures_per_second": rate, "loss": loss, "boxes": boxes, "objectness": objectness,
            "classes": classes, "overlap": overlap, "gradient": self.length / count,
            "rate": step.rate, "skipped": self.skipped,
        }))?;
        self.reset();
        Ok(())
    }

    fn reset(&mut self) {
        (self.sum, self.length, self.count, self.skipped) = (Terms::default(), 0.0, 0, 0);
        (self.since, self.pictures) = (Instant::now(), 0);
    }

    /// Leaves a time out of the rate.
    pub(super) fn leave_out(&mut self, time: Duration) {
        self.since += time;
    }

    /// Tells a score.
    pub(super) fn score(
        &mut self,
        what: &str,
        place: Place,
        area: f64,
        eleven: f64,
        time: Duration,
    ) -> Result<()> {
        self.last_score = format!(", {what} {area:.4}");
        self.say(&format!(
            "{what}: area {area:.4}, 11-point {eleven:.4} at step {} ({:.0} s)",
            place.step,
            time.as_secs_f64()
        ));
        self.write(json!({
            "step": place.step, "pictures": place.pictures, "seconds": place.seconds,
            "set": what, "area": area, "eleven_point": eleven,
        }))
    }

    /// Says a line.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn write(&mut self, value: Value) -> Result<()> {
        writeln!(self.file, "{value}").context("the journal cannot be written")
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The time left, as far as it can be told.
fn left(place: Place) -> String {
    if place.progress <= 0.0 {
        return String::new();
    }
    let left = place.seconds * (1.0 - place.progress) / place.progress;
    format!(
        ", {:.0}:{:02.0} left",
        (left / 60.0).floor(),
        (left % 60.0).floor()
    )
}
