//! What a plan says: a row a layer, totals, and the rates that other amounts of logic would give.

use crate::columns::{Align, Columns, grouped};
use serde::Serialize;
use std::fmt;
use tincy_bitstreams::cycles;
use tincy_bitstreams::dataflow::{Dataflow, Search};
use tincy_bitstreams::device::Device;
use tincy_bitstreams::options::{Memory, Multiplier};
use tincy_bitstreams::overlay::Overlay;
use tincy_bitstreams::resources::{self, Resources};
use tincy_bitstreams::sequential::Sequential;
use tincy_bitstreams::work::Work;
use tincy_network::Network;

/// Rows of the front of resources against rate.
const FRONT: usize = 8;

/// A plan as it is printed. Every rate and resource in it is a prediction.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) model: String,
    pub(super) device: Device,
    pub(super) clock_mhz: f64,
    pub(super) architecture: String,
    pub(super) operations: u64,
    pub(super) layers: Vec<Row>,
    /// Cycles between frames.
    pub(super) interval: u64,
    pub(super) fps: f64,
    pub(super) latency_ms: f64,
    /// Whole design; of an overlay nothing is predicted, since it is built.
    pub(super) resources: Option<Resources>,
    /// LUTs of the engines alone by FINN-R's published formula.
    pub(super) lut_engines_finn_r: Option<f64>,
    /// LUTs of the engines alone by our fit to synthesised units.
    pub(super) lut_engines: Option<f64>,
    pub(super) limit: String,
    pub(super) front: Vec<Point>,
}

/// A layer.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: String,
    operations: u64,
    /// Bytes that go to and from memory.
    pub(super) bytes: u64,
    folding: String,
    pub(super) cycles: u64,
    resources: Option<Resources>,
    bound: &'static str,
}

impl Row {
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations
    }
}

/// A plan of the front.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    fps: f64,
    resources: Resources,
}

impl Report {
    pub(super) fn dataflow(
        network: &Network,
        device: &Device,
        clock_mhz: f64,
        works: &[Work],
        search: &Search<'_>,
        plan: Dataflow,
    ) -> Report {
        let foldings = works.iter().zip(&plan.choices);
        let sum = |lut: fn(&Work, cycles::Folding) -> f64| {
            foldings
                .clone()
                .map(|(work, choice)| lut(work, choice.folding))
                .sum()
        };
        let cycles: u64 = plan.choices.iter().map(|choice| choice.cycles).sum();
        let front = search.front(FRONT).into_iter();
        let mut layers: Vec<Row> = foldings
            .clone()
            .map(|(work, choice)| dataflow_row(work, choice))
            .collect();
        if let (Some(first), Some(last)) = (works.first(), works.last()) {
            layers[0].bytes += first.input_bytes();
            layers[works.len() - 1].bytes += last.output_bytes();
        }
        Report {
            architecture: "dataflow, an engine for each layer".into(),
            layers,
            interval: plan.interval,
            fps: plan.fps,
            latency_ms: cycles as f64 / clock_mhz / 1e3,
            resources: Some(plan.resources),
            lut_engines_finn_r: Some(sum(resources::lut_finn_r)),
            lut_engines: Some(sum(resources::lut_engine)),
            limit: search.limit(&plan),
            front: front
                .map(|plan| Point {
                    fps: plan.fps,
                    resources: plan.resources,
                })
                .collect(),
            ..Report::empty(network, device, clock_mhz, works)
        }
    }

    pub(super) fn overlay(
        network: &Network,
        device: &Device,
        clock_mhz: f64,
        works: &[Work],
        overlay: &Overlay,
        plan: Sequential,
    ) -> Report {
        let rows = works.iter().zip(&plan.layers).map(|(work, layer)| Row {
            name: work.name.clone(),
            operations: work.operations(),
            bytes: layer.bytes,
            folding: format!(
                "{} x {}, {} passes",
                overlay.pe, overlay.simd, layer.pass.passes
            ),
            cycles: layer.pass.cycles(),
            resources: None,
            bound: layer.bound,
        });
        let slowest = works
            .iter()
            .zip(&plan.layers)
            .max_by_key(|(_, layer)| layer.pass.cycles());
        Report {
            architecture: format!("layer by layer on the overlay {}", overlay.name),
            layers: rows.collect(),
            interval: plan.cycles,
            fps: plan.fps,
            latency_ms: plan.frame_ms,
            limit: slowest
                .map(|(work, layer)| format!("{}: {}", work.name, layer.bound))
                .unwrap_or_default(),
            ..Report::empty(network, device, clock_mhz, works)
        }
    }

    fn empty(network: &Network, device: &Device, clock_mhz: f64, works: &[Work]) -> Report {
        Report {
            model: network.name().to_string(),
            device: device.clone(),
            clock_mhz,
            architecture: String::new(),
            operations: works.iter().map(Work::operations).sum(),
            layers: Vec::new(),
            interval: 0,
            fps: 0.0,
            latency_ms: 0.0,
            resources: None,
            lut_engines_finn_r: None,
            lut_engines: None,
            limit: String::new(),
            front: Vec::new(),
        }
    }

    /// Operations a byte of memory traffic. In a stream of engines only the first input and the last
    /// output go through memory.
    pub(super) fn intensity(&self) -> f64 {
        let bytes: u64 = self.layers.iter().map(|row| row.bytes).sum();
        self.operations as f64 / bytes.max(1) as f64
    }

    /// 10^12 operations a second.
    pub(super) fn tera_operations(&self) -> f64 {
        self.operations as f64 * self.fps / 1e12
    }
}

fn dataflow_row(work: &Work, choice: &tincy_bitstreams::options::Choice) -> Row {
    let folding = choice.folding;
    let pixels = if folding.pixels > 1 {
        format!(" x {}", folding.pixels)
    } else {
        String::new()
    };
    let dsp = if choice.multiplier == Multiplier::Dsp {
        " DSP"
    } else {
        ""
    };
    let uram = if choice.memory == Memory::Uram {
        " URAM"
    } else {
        ""
    };
    let window = cycles::window(work, folding, 1) > cycles::matrix(work, folding);
    Row {
        name: work.name.clone(),
        operations: work.operations(),
        bytes: 0,
        folding: format!("{} x {}{pixels}{dsp}{uram}", folding.pe, folding.simd),
        cycles: choice.cycles,
        resources: Some(choice.resources),
        bound: if window { "window" } else { "compute" },
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heading(f)?;
        write!(f, "\n\n{}\n", self.table())?;
        self.totals(f)?;
        if !self.front.is_empty() {
            write!(f, "\n\n{}", self.front_table())?;
        }
        write!(
            f,
            "\n\nEvery figure is a prediction; what each formula leaves out stands in the documentation of tincy-bitstreams."
        )
    }
}

impl Report {
    fn heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Device {
            name,
            board,
            lut,
            usable_lut,
            bram36,
            uram,
            dsp,
            ..
        } = &self.device;
        writeln!(
            f,
            "model    {}, {} layers, {} operations",
            self.model,
            self.layers.len(),
            grouped(self.operations)
        )?;
        writeln!(
            f,
            "device   {name} ({board}): {} LUT, {:.0} % usable; {bram36} BRAM36, {uram} URAM, {dsp} DSP",
            grouped(*lut),
            100.0 * usable_lut
        )?;
        writeln!(f, "design   {}, {} MHz", self.architecture, self.clock_mhz)?;
        writeln!(
            f,
            "rate     {} frames/s, {:.2} TOP/s, {:.2} ms a frame",
            rate(self.fps),
            self.tera_operations(),
            self.latency_ms
        )?;
        write!(f, "limit    {}", self.limit)
    }

    fn table(&self) -> Columns {
        let mut table = Columns::new(&[
            ("layer", Align::Left),
            ("operations", Align::Right),
            ("PE x SIMD", Align::Left),
            ("cycles", Align::Right),
            ("busy", Align::Right),
            ("LUT", Align::Right),
            ("BRAM36", Align::Right),
            ("URAM", Align::Right),
            ("DSP", Align::Right),
            ("bound", Align::Left),
        ]);
        for row in &self.layers {
            let busy = format!(
                "{:.0} %",
                100.0 * row.cycles as f64 / self.interval.max(1) as f64
            );
            let cells = [
                row.name.clone(),
                grouped(row.operations),
                row.folding.clone(),
                grouped(row.cycles),
                busy,
            ];
            let amounts = row
                .resources
                .map_or_else(|| vec![String::new(); 4], |r| amounts(&r));
            table.row(
                cells
                    .into_iter()
                    .chain(amounts)
                    .chain([row.bound.to_string()]),
            );
        }
        table
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\ninterval {} cycles", grouped(self.interval))?;
        let Some(r) = self.resources else {
            return Ok(());
        };
        let share = |used: f64, of: u64| {
            if of == 0 {
                String::new()
            } else {
                format!(" ({:.0} %)", 100.0 * used / of as f64)
            }
        };
        let d = &self.device;
        write!(
            f,
            "\ntotal    {} LUT{}, {:.1} BRAM36{}, {} URAM{}, {} DSP{}",
            grouped(r.lut.round() as u64),
            share(r.lut, d.lut),
            r.bram36,
            share(r.bram36, d.bram36),
            r.uram,
            share(r.uram, d.uram),
            r.dsp,
            share(r.dsp, d.dsp)
        )?;
        let (published, ours) = (
            self.lut_engines_finn_r.unwrap_or(0.0),
            self.lut_engines.unwrap_or(0.0),
        );
        write!(
            f,
            "\n         engines alone: {} LUT by FINN-R's formula, {} by the fit to synthesised units",
            grouped(published.round() as u64),
            grouped(ours.round() as u64)
        )
    }

    fn front_table(&self) -> Columns {
        let mut table = Columns::new(&[
            ("frames/s", Align::Right),
            ("LUT", Align::Right),
            ("BRAM36", Align::Right),
            ("URAM", Align::Right),
            ("DSP", Align::Right),
        ]);
        for point in &self.front {
            table.row(
                [rate(point.fps)]
                    .into_iter()
                    .chain(amounts(&point.resources)),
            );
        }
        table
    }
}

fn amounts(r: &Resources) -> Vec<String> {
    vec![
        grouped(r.lut.round() as u64),
        format!("{:.1}", r.bram36),
        format!("{}", r.uram),
        format!("{}", r.dsp),
    ]
}

/// Frames a second with three digits or more.
fn rate(fps: f64) -> String {
    match fps {
        fps if fps < 10.0 => format!("{fps:.2}"),
        fps if fps < 100.0 => format!("{fps:.1}"),
        fps => grouped(fps.round() as u64),
    }
}
