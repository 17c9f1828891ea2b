//! What `tincy run --pipeline` tells.

use crate::columns::{Align, Columns};
use crate::live::climate::Span;
use crate::live::cores::Pinned;
use crate::live::figures::Durations;
use crate::live::flow::{Flow, WAITING};
use crate::live::record::Recorded;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use tincy_drivers::camera::Counts;

/// The figures of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    source: String,
    seconds: f64,
    /// Frames put out.
    frames: u64,
    /// Frames put out a second.
    rate: f64,
    stages: [Stage; 3],
    /// Items waiting for the output.
    queue: Queue,
    /// From capture to the end of putting out.
    latency_ms: Latency,
    dropped: Dropped,
    /// What happened in the camera's driver.
    camera: Counts,
    /// Cores of the threads that `--pin` put somewhere.
    pub(super) pinned: Vec<Pinned>,
    /// Temperature, power and clocks over the run.
    pub(super) sensors: Vec<Span>,
    /// What became of `--record`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recorded: Option<Recorded>,
}

#[derive(Debug, Serialize)]
struct Stage {
    name: &'static str,
    threads: usize,
    frames: u64,
    rate: f64,
    /// Milliseconds of work on a frame; `null` for waiting for a camera.
    mean_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Queue {
    mean: f64,
    most: usize,
    places: usize,
}

#[derive(Debug, Serialize)]
struct Latency {
    median: f64,
    p99: f64,
    greatest: f64,
}

/// Why frames were not put out. Those of the camera are in its counts too.
#[derive(Debug, Serialize)]
struct Dropped {
    /// No worker was free before a newer one came.
    busy: u64,
    /// Waited in the driver behind a newer one.
    late: u64,
    /// Fewer bytes than a frame has.
    short: u64,
    /// No JPEG, or a damaged one.
    corrupt: u64,
    /// Damaged by the driver's word.
    flagged: u64,
    /// Lost before or in the driver, by its numbers.
    missed: u64,
}

impl Report {
    /// The figures of a flow through so many workers.
    pub(super) fn new(source: String, workers: usize, flow: &Flow) -> Report {
        let seconds = flow.elapsed.as_secs_f64();
        let rate = |frames: u64| frames as f64 / seconds.max(1e-9);
        let stage = |name, threads, durations: &Durations| Stage {
            name,
            threads,
            frames: durations.count(),
            rate: rate(durations.count()),
            mean_ms: Some(durations.mean_ms()),
        };
        Report {
            source,
            seconds,
            frames: flow.output.count(),
            rate: rate(flow.output.count()),
            stages: [
                Stage {
                    name: "capture",
                    threads: 1,
                    frames: flow.captured,
                    rate: rate(flow.captured),
                    mean_ms: None,
                },
                stage("infer", workers, &flow.infer),
                stage("output", 1, &flow.output),
            ],
            queue: Queue {
                mean: flow.depth.mean(),
                most: flow.depth.most,
                places: WAITING,
            },
            latency_ms: Latency {
                median: flow.latency.quantile_ms(0.5),
                p99: flow.latency.quantile_ms(0.99),
                greatest: flow.latency.greatest_ms(),
            },
            dropped: Dropped {
                busy: flow.busy,
                late: flow.source.late,
                short: flow.source.short,
                corrupt: flow.source.corrupt + flow.corrupt,
                flagged: flow.source.flagged,
                missed: flow.source.missed,
            },
            camera: flow.source,
            pinned: Vec::new(),
            sensors: Vec::new(),
            recorded: None,
        }
    }

    /// As JSON to a file, or as text to the log for `-`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn tell(&self, path: &Path) -> Result<()> {
        if path == Path::new("-") {
            self.text().lines().for_each(|line| log::info!("{line}"));
            return Ok(());
        }
        let json = serde_json::to_string_pretty(self)?;
        std::fs::write(path, json + "\n").with_context(|| format!("writing {}", path.display()))
    }

    fn text(&self) -> String {
        let mut table = Columns::new(&[
            ("stage", Align::Left),
            ("threads", Align::Right),
            ("frames", Align::Right),
            ("a second", Align::Right),
            ("ms a frame", Align::Right),
        ]);
        for stage in &self.stages {
            let mean = stage.mean_ms.map_or(String::new(), |ms| format!("{ms:.1}"));
            table.row([
                stage.name.to_string(),
                stage.threads.to_string(),
                stage.frames.to_string(),
                format!("{:.1}", stage.rate),
                mean,
            ]);
        }
        let Queue { mean, most, places } = self.queue;
        let Latency {
            median,
            p99,
            greatest,
        } = self.latency_ms;
        let mut text = table.to_string();
        let _ = write!(
            text,
            "\nqueue before output: {mean:.2} of {places} on average, {most} at most\n\
             capture to output: median {median:.1} ms, 99 of 100 within {p99:.1} ms, greatest {greatest:.1} ms\n\
             dropped: {}",
            self.dropped.text()
        );
        self.add_cores(&mut text);
        self.add_sensors(&mut text);
        text
    }

    /// The cores of pinned threads.
    fn add_cores(&self, text: &mut String) {
        let core = |cores: &Vec<usize>| {
            let cores: Vec<_> = cores.iter().map(usize::to_string).collect();
            cores.join("+")
        };
        let one = |pinned: &Pinned| format!("{} {}", pinned.thread, core(&pinned.cores));
        let all: Vec<_> = self.pinned.iter().map(one).collect();
        if !all.is_empty() {
            let _ = write!(text, "\ncores: {}", all.join(", "));
        }
    }

    /// A table of what sensors showed.
    fn add_sensors(&self, text: &mut String) {
        if self.sensors.is_empty() {
            return;
        }
        let mut table = Columns::new(&[
            ("sensor", Align::Left),
            ("least", Align::Right),
            ("greatest", Align::Right),
            ("last", Align::Right),
            ("", Align::Left),
        ]);
        for span in &self.sensors {
            let name = format!("{} {}", span.chip, span.label);
            let values = [span.least, span.greatest, span.last].map(|value| format!("{value:.1}"));
            let cells = [name.trim_end().to_string()].into_iter().chain(values);
            table.row(cells.chain([span.unit.to_string()]));
        }
        let _ = write!(text, "\n{table}");
    }
}

impl Dropped {
    /// The reasons that there were, or `none`.
    fn text(&self) -> String {
        let reasons = [
            (self.busy, "no worker free"),
            (self.late, "late in the driver"),
            (self.missed, "missed"),
            (self.short, "short"),
            (self.corrupt, "corrupt"),
            (self.flagged, "damaged"),
        ];
        let reasons = reasons.iter().filter(|(count, _)| *count > 0);
        let reasons: Vec<_> = reasons
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        match reasons.is_empty() {
            true => "none".into(),
            false => reasons.join(", "),
        }
    }
}

/// A line at the end of a run.
pub(super) fn summary(flow: &Flow) -> String {
    let report = Report::new(String::new(), 1, flow);
    let (frames, seconds, rate) = (report.frames, report.seconds, report.rate);
    let unit = if frames == 1 { "frame" } else { "frames" };
    let dropped = report.dropped.text();
    format!("{frames} {unit}; {seconds:.1} s, {rate:.1} a second; dropped: {dropped}")
}
