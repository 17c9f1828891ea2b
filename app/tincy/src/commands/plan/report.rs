//! What a plan says: a row a layer, totals, and the rates that other amounts of logic would give.

use serde::Serialize;
use std::collections::BTreeMap;
use tincy_bitstreams::constants as c;
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
    /// Cycles of the matrix unit alone, of all layers; only where they run one after another.
    pub(super) matrix_cycles: Option<u64>,
    pub(super) fps: f64,
    pub(super) latency_ms: f64,
    /// Whole design; of an overlay nothing is predicted, since it is built.
    pub(super) resources: Option<Resources>,
    /// LUTs of the engines alone by FINN-R's published formula.
    pub(super) lut_engines_finn_r: Option<f64>,
    /// LUTs of the engines alone by our fit to synthesised units.
    pub(super) lut_engines: Option<f64>,
    pub(super) limit: String,
    /// Whether no combination of foldings is cheaper; of an overlay there is nothing to search.
    pub(super) exhaustive: Option<bool>,
    /// Plans of which none is both slower and dearer than another, slowest first.
    pub(super) front: Vec<Point>,
    /// Operations a second that no plan can pass: all usable LUTs as products of these layers' bits,
    /// or all elements of the overlay at work.
    pub(super) peak_operations: f64,
    /// What makes them.
    #[serde(skip)]
    pub(super) peak_source: &'static str,
}

/// A layer.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: String,
    operations: u64,
    /// Bytes that go to and from memory.
    pub(super) bytes: u64,
    weight_bits: u64,
    activation_bits: u64,
    pub(super) folding: String,
    pub(super) cycles: u64,
    /// Cycles of each unit of the engine; the slowest of those that work side by side decides.
    units: BTreeMap<&'static str, u64>,
    /// Where the window unit keeps its rows.
    window: Option<Memory>,
    pub(super) resources: Option<Resources>,
    pub(super) bound: &'static str,
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
    pub(super) fps: f64,
    pub(super) resources: Resources,
    /// What keeps it from being faster.
    pub(super) limit: String,
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
            exhaustive: Some(plan.exhaustive),
            front: front
                .map(|plan| Point {
                    fps: plan.fps,
                    resources: plan.resources,
                    limit: search.limit(&plan),
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
            weight_bits: work.weight_bits,
            activation_bits: work.input_bits,
            folding: format!(
                "{} x {}, {} passes",
                overlay.pe, overlay.simd, layer.pass.passes
            ),
            cycles: layer.pass.cycles(),
            units: BTreeMap::from([
                ("read", layer.pass.read),
                ("matrix", layer.pass.matrix),
                ("write", layer.pass.write),
                ("weights", layer.pass.init),
            ]),
            window: None,
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
            matrix_cycles: Some(plan.layers.iter().map(|layer| layer.pass.matrix).sum()),
            fps: plan.fps,
            latency_ms: plan.frame_ms,
            limit: slowest
                .map(|(work, layer)| format!("{}: {}", work.name, layer.bound))
                .unwrap_or_default(),
            peak_operations: (2 * overlay.pe * overlay.simd) as f64 * clock_mhz * 1e6,
            peak_source: "the overlay's elements",
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
            matrix_cycles: None,
            fps: 0.0,
            latency_ms: 0.0,
            resources: None,
            lut_engines_finn_r: None,
            lut_engines: None,
            limit: String::new(),
            exhaustive: None,
            front: Vec::new(),
            peak_operations: peak_of_luts(device, clock_mhz, works),
            peak_source: "logic: products in all usable LUTs",
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
    let window = cycles::window(work, folding, 1);
    let matrix = cycles::matrix(work, folding);
    Row {
        name: work.name.clone(),
        operations: work.operations(),
        bytes: 0,
        weight_bits: work.weight_bits,
        activation_bits: work.input_bits,
        folding: format!("{} x {}{pixels}{dsp}{uram}", folding.pe, folding.simd),
        cycles: choice.cycles,
        units: BTreeMap::from([
            ("window", window),
            ("matrix", matrix),
            ("pool", cycles::pool(work, folding)),
        ]),
        window: work.has_window_unit().then_some(choice.window),
        resources: Some(choice.resources),
        bound: if window > matrix { "window" } else { "compute" },
    }
}

/// Operations a second when every usable LUT makes products, at the mean bits of these layers' ones.
fn peak_of_luts(device: &Device, clock_mhz: f64, works: &[Work]) -> f64 {
    let products: u64 = works.iter().map(Work::products).sum();
    let bits = works
        .iter()
        .map(|work| work.products() as f64 * (work.weight_bits * work.input_bits) as f64);
    let lut_a_product = c::DESIGN_LUT_PER_BIT_PRODUCT * bits.sum::<f64>() / products.max(1) as f64;
    2.0 * device.usable_lut * device.lut as f64 / lut_a_product * clock_mhz * 1e6
}
