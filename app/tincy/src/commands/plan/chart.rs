//! Charts of plans: the roofline, and rates over devices and precisions.

use super::report::Report;
use crate::plot::{Anchor, Figure, Rgb};
use anyhow::Result;
use tincy_bitstreams::constants as c;
use tincy_bitstreams::dataflow::Search;
use tincy_bitstreams::device::Device;
use tincy_bitstreams::work::{self, Part, Precision};
use tincy_network::Network;

const INK: Rgb = [34, 34, 34];
const FAINT: Rgb = [110, 110, 110];
const GRID: Rgb = [228, 228, 228];
const COLOURS: [Rgb; 8] = [
    [31, 119, 180],
    [214, 96, 20],
    [44, 140, 60],
    [190, 40, 60],
    [120, 80, 170],
    [120, 90, 60],
    [200, 90, 170],
    [70, 70, 70],
];

/// A field with two logarithmic axes.
struct Field {
    figure: Figure,
    x: [f64; 2],
    y: [f64; 2],
}

/// Edges of the field: left, top, right, bottom.
const EDGES: [f64; 4] = [90.0, 76.0, 760.0, 560.0];

impl Field {
    /// Axes over whole powers of ten that hold the values.
    fn new(title: &str, labels: [&str; 2], xs: &[f64], ys: &[f64]) -> Field {
        let mut field = Field {
            figure: Figure {
                width: 960.0,
                height: 640.0,
                marks: Vec::new(),
            },
            x: decades(xs),
            y: decades(ys),
        };
        let [left, top, right, bottom] = EDGES;
        field
            .figure
            .text([left, 40.0], title, 20.0, Anchor::Start, INK);
        for power in field.x[0] as i32..=field.x[1] as i32 {
            let [x, _] = field.at(10f64.powi(power), 1.0);
            field.figure.line([[x, top], [x, bottom]], GRID, 1.0);
            field.figure.text(
                [x, bottom + 22.0],
                power_of_ten(power),
                13.0,
                Anchor::Middle,
                INK,
            );
        }
        for power in field.y[0] as i32..=field.y[1] as i32 {
            let [_, y] = field.at(1.0, 10f64.powi(power));
            field.figure.line([[left, y], [right, y]], GRID, 1.0);
            field.figure.text(
                [left - 8.0, y + 4.5],
                power_of_ten(power),
                13.0,
                Anchor::End,
                INK,
            );
        }
        let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
        field.figure.text(
            [middle[0], bottom + 52.0],
            labels[0],
            14.0,
            Anchor::Middle,
            INK,
        );
        field
            .figure
            .text_upwards([26.0, middle[1]], labels[1], 14.0, INK);
        field
    }

    fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let [left, top, right, bottom] = EDGES;
        let part =
            |value: f64, [low, high]: [f64; 2]| (value.max(1e-12).log10() - low) / (high - low);
        [
            left + part(x, self.x) * (right - left),
            bottom - part(y, self.y) * (bottom - top),
        ]
    }

    fn curve(&mut self, points: &[[f64; 2]], colour: Rgb, width: f64) {
        let points: Vec<_> = points.iter().map(|[x, y]| self.at(*x, *y)).collect();
        self.figure.line(points, colour, width);
    }

    fn dot(&mut self, x: f64, y: f64, colour: Rgb, label: &str) {
        let [x, y] = self.at(x, y);
        self.figure.line([[x - 4.0, y], [x + 4.0, y]], colour, 8.0);
        self.figure
            .text([x + 9.0, y - 6.0], label, 12.0, Anchor::Start, colour);
    }
}

fn decades(values: &[f64]) -> [f64; 2] {
    let positive = values.iter().copied().filter(|value| *value > 0.0);
    let (low, high) = positive.fold((f64::MAX, f64::MIN), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return [0.0, 1.0];
    }
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    [low, high.max(low + 1.0)]
}

fn power_of_ten(power: i32) -> String {
    match power {
        0..=2 => format!("{}", 10u32.pow(power as u32)),
        3..=5 => format!("{} k", 10u32.pow(power as u32 - 3)),
        6..=8 => format!("{} M", 10u32.pow(power as u32 - 6)),
        _ => format!("1e{power}"),
    }
}

/// Where each layer stands between the memory's rate and the logic's peak. In a stream of engines
/// maps stay on chip, so only the whole network is a point: its input and output against its work.
pub(super) fn roofline(report: &Report, device: &Device) -> Figure {
    let peak =
        device.usable_lut * device.lut as f64 / LUT_PER_OPERATION * report.clock_mhz * 1e6 / 1e9;
    let slope = device.ddr_gb_s * c::DDR_EFFICIENCY;
    let points: Vec<(String, f64, f64)> = report
        .layers
        .iter()
        .filter(|row| row.bytes > 0)
        .map(|row| {
            let seconds = row.cycles as f64 / (report.clock_mhz * 1e6);
            (
                row.name(),
                row.operations() as f64 / row.bytes as f64,
                row.operations() as f64 / seconds / 1e9,
            )
        })
        .chain([(
            "whole".to_string(),
            report.intensity(),
            report.tera_operations() * 1e3,
        )])
        .collect();
    let xs: Vec<f64> = points
        .iter()
        .map(|p| p.1)
        .chain([peak / slope, peak / slope * 10.0])
        .collect();
    let ys: Vec<f64> = points.iter().map(|p| p.2).chain([peak]).collect();
    let title = format!(
        "{} on {} at {} MHz (predicted)",
        report.model, device.name, report.clock_mhz
    );
    let mut field = Field::new(
        &title,
        [
            "operations a byte of memory traffic",
            "10^9 operations a second",
        ],
        &xs,
        &ys,
    );
    let (low, high) = (10f64.powf(field.x[0]), 10f64.powf(field.x[1]));
    let floor = 10f64.powf(field.y[0]);
    let start = low.max(floor / slope);
    field.curve(
        &[[start, start * slope], [peak / slope, peak], [high, peak]],
        INK,
        2.5,
    );
    for (i, (name, x, y)) in points.iter().enumerate() {
        field.dot(*x, *y, COLOURS[i % COLOURS.len()], name);
    }
    field.figure
}

/// LUTs an operation of 1-bit weights and activations, by the table of the public FINN of 2018.
const LUT_PER_OPERATION: f64 = 2.5;

/// The fastest dataflow plan of each device for each precision.
pub(super) fn scaling(network: &Network, part: Part, devices: &[Device]) -> Result<Figure> {
    let mut sorted: Vec<&Device> = devices.iter().collect();
    sorted.sort_by_key(|device| device.lut);
    let mut series = Vec::new();
    for (weights, activations) in [(1, 1), (1, 2), (1, 3), (2, 2), (2, 4), (4, 4), (8, 8)] {
        let works = work::of(
            network,
            part,
            Some(Precision {
                weights,
                activations,
            }),
        )?;
        let rates = sorted.iter().filter_map(|device| {
            let plan = Search::new(&works, device, device.clock_mhz)
                .fastest()
                .ok()?;
            Some([device.lut as f64, plan.fps])
        });
        series.push((
            format!("W{weights}A{activations}"),
            rates.collect::<Vec<_>>(),
        ));
    }
    let all = series.iter().flat_map(|(_, points)| points);
    let xs: Vec<f64> = sorted.iter().map(|device| device.lut as f64).collect();
    let ys: Vec<f64> = all.map(|[_, y]| *y).collect();
    let title = format!(
        "{}: fastest dataflow plan by device and precision (predicted)",
        network.name()
    );
    let mut field = Field::new(&title, ["LUTs of the device", "frames a second"], &xs, &ys);
    for device in &sorted {
        let [x, _] = field.at(device.lut as f64, 1.0);
        field
            .figure
            .text_upwards([x, EDGES[3] - 46.0], device.name.as_str(), 11.0, FAINT);
    }
    for (i, (name, points)) in series.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        field.curve(points, colour, 2.0);
        let y = EDGES[1] + 22.0 * i as f64;
        field.figure.line([[784.0, y], [812.0, y]], colour, 3.0);
        let note = if points.is_empty() {
            " (fits none)"
        } else {
            ""
        };
        field.figure.text(
            [820.0, y + 4.5],
            format!("{name}{note}"),
            13.0,
            Anchor::Start,
            INK,
        );
    }
    Ok(field.figure)
}
