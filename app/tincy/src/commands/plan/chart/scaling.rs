//! The fastest plan of each device for each precision.

use crate::columns::grouped;
use crate::plot::axis::Axis;
use crate::plot::field::{COLOURS, FAINT, Field, GRID, INK};
use crate::plot::{Anchor, Figure, Rgb};
use anyhow::Result;
use tincy_bitstreams::dataflow::Search;
use tincy_bitstreams::device::Device;
use tincy_bitstreams::work::{self, Part, Precision};
use tincy_network::Network;

/// Weight and activation bits, cheapest first.
const PRECISIONS: [[u8; 2]; 7] = [[1, 1], [1, 2], [1, 3], [2, 2], [2, 4], [4, 4], [8, 8]];

/// Frames a second of one precision, one a device; `None` where it does not fit.
struct Series {
    name: String,
    rates: Vec<Option<f64>>,
}

/// Devices stand side by side from the smallest to the largest; each runs at its own clock.
pub(in crate::commands::plan) fn scaling(
    network: &Network,
    part: Part,
    devices: &[Device],
) -> Result<Figure> {
    let mut sorted: Vec<&Device> = devices.iter().collect();
    sorted.sort_by_key(|device| device.lut);
    let all: Vec<Series> = PRECISIONS
        .iter()
        .map(|bits| series(network, part, &sorted, *bits))
        .collect::<Result<_>>()?;
    let rates = all.iter().flat_map(|series| series.rates.iter().flatten());
    let y = Axis::over(rates.copied());
    let subtitle = "fastest stream of engines that fits, by device and precision (predicted)";
    let mut field = Field::new(network.name(), subtitle, 788.0);
    field.rows(&y, "frames a second");
    name_devices(&mut field, &sorted);
    for (i, series) in all.iter().enumerate() {
        // Where series coincide the earlier ones show around the later ones.
        let width = 1.8 + 0.8 * (all.len() - 1 - i) as f64;
        draw(&mut field, series, &y, COLOURS[i % COLOURS.len()], width);
    }
    legend(&mut field, &all);
    Ok(field.figure)
}

fn series(
    network: &Network,
    part: Part,
    devices: &[&Device],
    [weights, activations]: [u8; 2],
) -> Result<Series> {
    let precision = Precision {
        weights,
        activations,
    };
    let works = work::of(network, part, Some(precision))?;
    let fastest = |device: &&Device| {
        let plan = Search::new(&works, device, device.clock_mhz).fastest();
        plan.ok().map(|plan| plan.fps)
    };
    Ok(Series {
        name: format!("W{weights}A{activations}"),
        rates: devices.iter().map(fastest).collect(),
    })
}

/// The place of a device on the horizontal axis.
fn column(i: usize, devices: usize) -> f64 {
    (i as f64 + 0.5) / devices as f64
}

fn name_devices(field: &mut Field, devices: &[&Device]) {
    for (i, device) in devices.iter().enumerate() {
        let [x, bottom] = field.at([column(i, devices.len()), 0.0]);
        field
            .figure
            .line([[x, bottom], [x, field.edges[1]]], GRID, 1.0);
        if devices.len() > 9 {
            let at = [x, bottom + 34.0];
            field
                .figure
                .text_upwards(at, device.name.as_str(), 11.0, INK);
            continue;
        }
        let lines = [
            (device.name.clone(), 12.0, INK),
            (format!("{} k LUT", grouped(device.lut / 1000)), 11.0, FAINT),
            (format!("{} MHz", device.clock_mhz), 11.0, FAINT),
        ];
        for (line, (text, size, colour)) in lines.into_iter().enumerate() {
            let at = [x, bottom + 20.0 + 16.0 * line as f64];
            field.figure.text(at, text, size, Anchor::Middle, colour);
        }
    }
    field.name_columns("device, from the smallest to the largest", 76.0);
}

/// A line through neighbouring devices that fit, and a dot on each.
fn draw(field: &mut Field, series: &Series, y: &Axis, colour: Rgb, width: f64) {
    let place = |(i, rate): (usize, &Option<f64>)| {
        rate.map(|rate| [column(i, series.rates.len()), y.part(rate)])
    };
    let places: Vec<_> = series.rates.iter().enumerate().map(place).collect();
    for run in places.split(Option::is_none) {
        let run: Vec<[f64; 2]> = run.iter().flatten().copied().collect();
        field.curve(&run, colour, width);
        for place in run {
            field.dot(place, colour, width + 4.0);
        }
    }
}

fn legend(field: &mut Field, all: &[Series]) {
    let [_, top, right, _] = field.edges;
    for (i, series) in all.iter().enumerate() {
        let y = top + 12.0 + 24.0 * i as f64;
        let line = [[right + 18.0, y], [right + 46.0, y]];
        field.figure.line(line, COLOURS[i % COLOURS.len()], 4.0);
        let fits = series.rates.iter().flatten().count();
        let note = match fits {
            0 => ": fits none".to_string(),
            fits if fits < series.rates.len() => format!(": fits {fits} of {}", series.rates.len()),
            _ => String::new(),
        };
        let at = [right + 54.0, y + 4.5];
        let text = format!("{}{note}", series.name);
        field.figure.text(at, text, 13.0, Anchor::Start, INK);
    }
}
