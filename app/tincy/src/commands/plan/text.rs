//! A plan as text: heading, a row a layer, totals, and the front.

use super::report::Report;
use crate::columns::{Align, Columns, grouped};
use std::fmt;
use tincy_bitstreams::device::Device;
use tincy_bitstreams::resources::Resources;

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
        write!(f, "limit    {}", self.limit)?;
        match self.exhaustive {
            Some(true) => write!(f, "\nsearch   every combination of foldings"),
            Some(false) => write!(
                f,
                "\nsearch   cut off; no worse than the published greedy one"
            ),
            None => Ok(()),
        }
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
                row.name(),
                grouped(row.operations()),
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
        if let Some(cycles) = self.matrix_cycles {
            write!(f, ", {} of them in the matrix unit", grouped(cycles))?;
        }
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
            ("limit", Align::Left),
        ]);
        for point in self.front.iter().rev() {
            table.row(
                [rate(point.fps)]
                    .into_iter()
                    .chain(amounts(&point.resources))
                    .chain([point.limit.clone()]),
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
