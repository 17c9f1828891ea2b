//! Every published point beside what the models here say about it.

use crate::cycles;
use crate::dataflow::{Dataflow, Search};
use crate::device;
use crate::fit;
use crate::overlay::Overlay;
use crate::published::{self, Design};
use crate::resources as r;
use crate::sequential;
use crate::work::Work;
use crate::{Error, points::Point};

/// Clock of the Ultra96 designs; the notebooks do not state it, and it was inferred from the rate
/// of CNV W1A1 (papers.md 2.5).
pub const ULTRA96_MHZ: f64 = 299.0;

/// Clock of the published overlays on an Ultra96, from their hardware files.
pub const OVERLAY_MHZ: f64 = 250.0;

/// A published figure and its prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What is compared, with its unit.
    pub quantity: &'static str,
    /// By the model that `note` names.
    pub predicted: f64,
    /// As it was published.
    pub measured: f64,
    /// Which model or what the figure includes beside it.
    pub note: &'static str,
}

impl Comparison {
    /// `predicted / measured - 1`.
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

/// What the models say about a point: at least one comparison, or why there is none.
pub type Verdict = Result<Vec<Comparison>, &'static str>;

/// Quantity of a frame rate.
pub const RATE: &str = "frames/s";
/// Quantity of the LUTs of the engines alone by FINN-R's formula.
pub const ENGINES: &str = "LUT, engines";
/// Quantity of the LUTs of a whole design by our model.
pub const DESIGN: &str = "LUT, design";
/// Quantity of the block RAMs.
pub const BRAM: &str = "BRAM36";
/// Quantity of the time of one frame.
pub const LATENCY: &str = "us";

/// Judges a point.
///
/// # Errors
/// Only if a published design does not fit the device that it ran on, by our models.
pub fn judge(point: &Point) -> Result<Verdict, Error> {
    if let Some(reason) = not_planned(point) {
        return Ok(Err(reason));
    }
    let name = point.network.as_str();
    let verdict = match name {
        _ if point.kind.starts_with("predicted") => recomputed(point),
        "Tinier/Tincy YOLO: hidden layers, programmable logic" => {
            overlay_time(point, 0, &published::tinier_yolo_hidden())?
        }
        "DoReFa-Net pruned: hidden convolutions, programmable logic" => {
            overlay_time(point, 1, &published::dorefa_net_hidden())?
        }
        "CNV" | "LFC" if point.lut.is_none() => timed(point),
        "CNV" | "LFC" | "multi-layer offload engine" => built(point),
        _ => return searched(point).map(Ok),
    };
    Ok(Ok(verdict))
}

/// Why no plan can be made of a point.
fn not_planned(point: &Point) -> Option<&'static str> {
    let software = "ran on the CPU";
    let unknown = "its layers and folding are not in the data";
    Some(match point.network.as_str() {
        _ if point.architecture == "software" => software,
        name if name.ends_with("Python") => software,
        "Tincy YOLO (whole application)" => {
            "mostly CPU time: camera, first and last layer, display"
        }
        "largest point" => {
            "network and folding are not named; the bound 0.7 LUT / 2.5 f is 83 TOP/s"
        }
        "largest embedded point" => "device, network and folding are not named",
        "VGG10 RadioML" => unknown,
        "KWS MLP" => "a target of the build, not a measurement; its layers are not in the data",
        "MobileNet-v1" => "an accuracy alone",
        _ => return None,
    })
}

/// The designs with a public folding, by the name of a point's network and precision.
fn design(network: &str, precision: &str) -> Design {
    match (network.split(' ').next(), precision) {
        (Some("CNV"), "W2A2") => published::cnv(2, 2),
        (Some("CNV"), "W1A2") => published::cnv(1, 2),
        (Some("CNV"), _) => published::cnv(1, 1),
        (Some("LFC"), "W1A2") => published::lfc(2),
        (Some("LFC"), _) => published::lfc(1),
        (Some("Tincy"), _) => published::tincy_yolo_vu9p(),
        (Some("multi-layer"), precision) => {
            let engine = format!("{network} {precision}");
            let mut all = published::reported().into_iter();
            all.find(|point| point.name == engine)
                .map_or_else(Vec::new, |point| point.design)
        }
        _ => published::dorefa_net_vu9p(),
    }
}

fn interval(design: &Design) -> u64 {
    let cycles = design
        .iter()
        .map(|(work, folding)| cycles::layer(work, *folding));
    cycles.max().unwrap_or(1)
}

/// Rows that an independent implementation of the published formulae predicted: equal, or one of
/// the two is wrong.
fn recomputed(point: &Point) -> Vec<Comparison> {
    let clock = point.clock_mhz.unwrap_or(0.0);
    let note = "the same formula by an independent implementation";
    let compared = |quantity, measured: Option<f64>, predicted: f64| {
        measured.map(|measured| Comparison {
            quantity,
            predicted,
            measured,
            note,
        })
    };
    if point.network == "Tincy YOLO hidden layers" {
        let [overlay, _] = Overlay::published();
        let works = published::tinier_yolo_hidden();
        let cycles: u64 = works.iter().map(|work| overlay.pass(work).matrix).sum();
        return compared(LATENCY, point.latency_us, cycles as f64 / clock)
            .into_iter()
            .collect();
    }
    let design = design(&point.network, &point.precision);
    let rate = clock * 1e6 / interval(&design) as f64;
    let operations: u64 = design.iter().map(|(work, _)| work.operations()).sum();
    let lut: f64 = design.iter().map(|(work, f)| r::lut_finn_r(work, *f)).sum();
    let bram = design
        .iter()
        .map(|(work, f)| r::window_bram18(work, *f) + r::weight_bram18_finn_r(work, *f));
    [
        compared(RATE, point.fps, rate),
        compared("10^9 op/s", point.gops, operations as f64 * rate / 1e9),
        compared(ENGINES, point.lut, lut),
        compared(BRAM, point.bram36, bram.sum::<u64>() as f64 / 2.0),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rates and times of the designs with a public folding.
fn timed(point: &Point) -> Vec<Comparison> {
    let design = design(&point.network, &point.precision);
    let all: u64 = design
        .iter()
        .map(|(work, folding)| cycles::layer(work, *folding))
        .sum();
    let rate = point.fps.map(|measured| Comparison {
        quantity: RATE,
        predicted: ULTRA96_MHZ * 1e6 / interval(&design) as f64,
        measured,
        note: match point.network.as_str() {
            "LFC" => "at 299 MHz; bound by the host's input, which no formula here has",
            _ => "at 299 MHz, which was inferred from the first of these",
        },
    });
    let latency = point.latency_us.map(|measured| Comparison {
        quantity: LATENCY,
        predicted: all as f64 / ULTRA96_MHZ,
        measured,
        note: "cycles of all layers at 299 MHz; measured through the host's call",
    });
    rate.into_iter().chain(latency).collect()
}

/// LUTs and memories of the designs with a public folding. Our model is fitted to the others.
fn built(point: &Point) -> Vec<Comparison> {
    let design = design(&point.network, &point.precision);
    let name = format!("{} {}", point.network, point.precision);
    let sum =
        |lut: fn(&Work, cycles::Folding) -> f64| design.iter().map(|(work, f)| lut(work, *f)).sum();
    let memory = design
        .iter()
        .map(|(work, f)| r::window_bram18(work, *f) + r::weight_bram18(work, *f));
    let compared = |quantity, predicted, measured: Option<f64>, note| {
        measured.map(|measured| Comparison {
            quantity,
            predicted,
            measured,
            note,
        })
    };
    let finn_r = sum(r::lut_finn_r);
    [
        compared(
            ENGINES,
            finn_r,
            point.lut,
            "FINN-R's formula, of a whole design",
        ),
        compared(
            DESIGN,
            left_out(&name),
            point.lut,
            "our fit to the other designs",
        ),
        compared(
            BRAM,
            memory.sum::<u64>() as f64 / 2.0,
            point.bram36,
            "windows and weights",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// LUTs of a reported design by the fit to the designs of other names.
fn left_out(name: &str) -> f64 {
    let reported = published::reported();
    let all = published::observations();
    let (own, others): (Vec<_>, Vec<_>) = (0..all.len()).partition(|i| reported[*i].name == name);
    let others: Vec<_> = others.into_iter().map(|i| all[i]).collect();
    let constants = fit::least_squares(&others);
    own.first()
        .map_or(f64::NAN, |i| all[*i].predicted(&constants))
}

/// Time of a frame on one of the published overlays.
fn overlay_time(point: &Point, overlay: usize, works: &[Work]) -> Result<Vec<Comparison>, Error> {
    let devices = device::known();
    let zu3eg = device::find(&devices, "XCZU3EG")?;
    let plan = sequential::plan(&Overlay::published()[overlay], works, zu3eg, OVERLAY_MHZ)?;
    let measured = point.latency_us.unwrap_or(f64::NAN);
    Ok(vec![Comparison {
        quantity: LATENCY,
        predicted: plan.frame_ms * 1e3,
        measured,
        note: "logic and calls at 250 MHz; measured with the host's copies",
    }])
}

/// FINN's table of 2017: networks whose rate is published and whose folding is not, so that the
/// search's cheapest folding of that rate is what is compared.
fn searched(point: &Point) -> Result<Vec<Comparison>, Error> {
    let works = match point.network.split(['-', ' ']).next() {
        Some("SFC") => perceptron(256),
        Some("LFC") => perceptron(1024),
        _ => published::cnv(1, 1)
            .into_iter()
            .map(|(work, _)| work)
            .collect(),
    };
    let clock = point.clock_mhz.unwrap_or(200.0);
    let devices = device::known();
    let search = Search::new(&works, device::find(&devices, "XC7Z045")?, clock);
    let plan = search.reach(point.fps.unwrap_or(1.0))?;
    Ok(same_rate(point, &plan, clock))
}

fn same_rate(point: &Point, plan: &Dataflow, clock_mhz: f64) -> Vec<Comparison> {
    let cycles: u64 = plan.choices.iter().map(|choice| choice.cycles).sum();
    let note = "the search's folding for the published rate, not the published one";
    let compared = |quantity, predicted, measured: Option<f64>| {
        measured.map(|measured| Comparison {
            quantity,
            predicted,
            measured,
            note,
        })
    };
    [
        compared(DESIGN, plan.resources.lut, point.lut),
        compared(BRAM, plan.resources.bram36, point.bram36),
        compared(LATENCY, cycles as f64 / clock_mhz, point.latency_us),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// SFC and LFC of FINN: 28 x 28 binary pixels, three hidden layers, ten classes.
fn perceptron(neurons: u64) -> Vec<Work> {
    let sizes = [784, neurons, neurons, neurons, 10];
    sizes
        .windows(2)
        .map(|pair| published::fully_connected(pair[0], pair[1]))
        .collect()
}
