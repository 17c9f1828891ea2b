//! Where layers stand between the memory's rate and the logic's peak.

use crate::commands::plan::report::Report;
use crate::plot::axis::Axis;
use crate::plot::field::{COLOURS, FAINT, Field, INK};
use crate::plot::{Figure, Rgb};
use tincy_bitstreams::constants as c;
use tincy_bitstreams::device::Device;

/// Operations a byte and operations a second.
struct Point {
    name: String,
    intensity: f64,
    rate: f64,
}

/// Layers of an overlay and the network as a whole. In a stream of engines maps stay on chip, so
/// only the whole network is a point: its input and output against its work.
pub(in crate::commands::plan) fn roofline(report: &Report, device: &Device) -> Figure {
    let peak = report.peak_operations;
    let slope = device.ddr_gb_s * 1e9 * c::DDR_EFFICIENCY;
    let points = points(report);
    let ridge = peak / slope;
    let intensities = points.iter().map(|point| point.intensity);
    let x = Axis::over(intensities.chain([ridge / 4.0, ridge * 4.0]));
    let rates = points
        .iter()
        .flat_map(|point| [point.rate / 2.0, point.rate]);
    let y = Axis::over(rates.chain([peak * 1.2, peak / 8.0]));
    let title = format!(
        "{} on {} at {} MHz",
        report.model, device.name, report.clock_mhz
    );
    let subtitle = format!("roofline, predicted: {}", report.architecture);
    let mut field = Field::new(&title, &subtitle, 930.0);
    field.columns(&x, "operations a byte of memory traffic");
    field.rows(&y, "operations a second");
    let place = |intensity: f64, rate: f64| [x.part(intensity), y.part(rate)];
    let start = x.ends()[0].max(y.ends()[0] / slope);
    let roof = [
        place(start, start * slope),
        place(ridge, peak),
        place(x.ends()[1], peak),
    ];
    field.curve(&roof, INK, 2.5);
    for (i, point) in points.iter().enumerate() {
        field.dot(place(point.intensity, point.rate), colour(i, &points), 9.0);
    }
    for (i, point) in points.iter().enumerate() {
        let text = format!("{}: {}", point.name, tera(point.rate));
        field.label(
            place(point.intensity, point.rate),
            &text,
            colour(i, &points),
        );
    }
    let middle = (start * ridge).sqrt();
    let memory = format!("memory: {:.1} GB/s", slope / 1e9);
    field.label(place(middle, middle * slope), &memory, FAINT);
    let logic = format!("{}: {}", report.peak_source, tera(peak));
    field.label(place((ridge * x.ends()[1]).sqrt(), peak), &logic, FAINT);
    field.figure
}

/// Layers in colours, the network as a whole, which comes last, in ink.
fn colour(i: usize, points: &[Point]) -> Rgb {
    if i + 1 == points.len() {
        INK
    } else {
        COLOURS[i % COLOURS.len()]
    }
}

fn points(report: &Report) -> Vec<Point> {
    let layer_by_layer = report.resources.is_none();
    let rows = report
        .layers
        .iter()
        .filter(|row| layer_by_layer && row.bytes > 0);
    let layer = rows.map(|row| {
        let seconds = row.cycles as f64 / (report.clock_mhz * 1e6);
        Point {
            name: row.name(),
            intensity: row.operations() as f64 / row.bytes as f64,
            rate: row.operations() as f64 / seconds,
        }
    });
    let whole = Point {
        name: "whole network".into(),
        intensity: report.intensity(),
        rate: report.tera_operations() * 1e12,
    };
    layer.chain([whole]).collect()
}

fn tera(rate: f64) -> String {
    match rate {
        rate if rate >= 1e12 => format!("{:.2} TOP/s", rate / 1e12),
        rate => format!("{:.0} GOP/s", rate / 1e9),
    }
}
