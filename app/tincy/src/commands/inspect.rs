//! `tincy inspect`: prints what a model is made of.
//!
//! Every layer with its shapes, numbers, costs, the proved width of its sums and the kernel that
//! this machine would run it with; then the totals. Low-bit layers are convolutions of integer
//! weights on codes; those around them work on floats.

use crate::columns::{Align, Columns, grouped, rounded, shorten};
use crate::model;
use crate::outcome::Outcome;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::path::PathBuf;
use tincy_engine::{Options, Plan};
use tincy_network::{
    Convolution, Fit, Network, Op, Resample, Shape, WeightKind, Weights, accumulator, cost,
};

/// Arguments of `tincy inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A name that `tincy models` lists, a .tincy file, or anything that `tincy import` reads
    /// [env: TINCY_MODEL] [default: small]
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// If the model cannot be opened.
pub fn run(args: Args) -> Result<Outcome> {
    let path = model::path(args.model.as_deref());
    let network = model::open(&path, &Default::default())?;
    let plan = Plan::new(&network, &Options::default())?;
    let mut summary = Summary::new(&network, &plan);
    summary.file_bytes = match model::built_in(&path) {
        Some(entry) => Some(entry.bytes.len() as u64),
        None => std::fs::metadata(&path)
            .ok()
            .filter(|file| file.is_file())
            .map(|file| file.len()),
    };
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?,
        false => writeln!(out, "{summary}")?,
    }
    Ok(Outcome::Done)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Summary {
    name: String,
    file_bytes: Option<u64>,
    input: String,
    heads: Vec<String>,
    classes: Vec<String>,
    provenance: BTreeMap<String, String>,
    layers: Vec<LayerLine>,
    totals: Totals,
}

/// A row of the table.
#[derive(Debug, Serialize)]
struct LayerLine {
    number: usize,
    name: String,
    kind: String,
    output: String,
    weights: Option<String>,
    activations: String,
    operations: u64,
    parameter_bytes: usize,
    /// Bits of the narrowest integer that holds every sum.
    accumulator_bits: Option<u32>,
    kernel: String,
    runs_on: &'static str,
}

#[derive(Debug, Serialize)]
struct Totals {
    operations: u64,
    low_bit_operations: u64,
    other_operations: u64,
    parameter_bytes: usize,
    /// Maps and scratch memory of a session with one thread.
    session_bytes: usize,
}

impl Summary {
    fn new(network: &Network, plan: &Plan) -> Summary {
        let kernels = kernels(network, plan);
        let layers = 0..network.layers().len();
        let low_bit_operations = layers
            .clone()
            .filter(|index| is_low_bit(network, *index))
            .map(|index| network.operations(index))
            .sum();
        let operations = network.total_operations();
        Summary {
            name: network.name().to_string(),
            file_bytes: None,
            input: input(network),
            heads: network
                .heads()
                .iter()
                .map(|head| self::head(network, head))
                .collect(),
            classes: network.classes().to_vec(),
            provenance: network.provenance().clone(),
            layers: layers
                .zip(kernels)
                .map(|(index, kernel)| line(network, index, kernel))
                .collect(),
            totals: Totals {
                operations,
                low_bit_operations,
                other_operations: operations - low_bit_operations,
                parameter_bytes: network.total_parameter_bytes(),
                session_bytes: plan.memory_bytes(),
            },
        }
    }
}

/// Whether weights and activations of a layer have 4 bits at most, as `tincy plan` counts them.
fn is_low_bit(network: &Network, index: usize) -> bool {
    let layer = &network.layers()[index];
    let (_, number) = network.tensor(layer.inputs()[0]);
    let few = |convolution: &Convolution| convolution.weights.kind().bits() <= 4;
    number.code().is_some_and(|code| code.bits <= 4) && layer.convolution().is_some_and(few)
}

fn line(network: &Network, index: usize, kernel: String) -> LayerLine {
    let layer = &network.layers()[index];
    let convolution = layer.convolution();
    let (_, number) = network.tensor(layer.inputs()[0]);
    let bound = convolution
        .filter(|convolution| convolution.weights.kind() != WeightKind::F32)
        .zip(number.code())
        .map(|(convolution, code)| accumulator::bound(convolution, code));
    LayerLine {
        number: index,
        name: layer.name().to_string(),
        kind: kind(network, index),
        output: layer.shape().to_string(),
        weights: convolution.map(|convolution| weights(&convolution.weights)),
        activations: layer.number().to_string(),
        operations: network.operations(index),
        parameter_bytes: cost::parameter_bytes(layer),
        accumulator_bits: bound.map(|bound| bound.bits()),
        kernel,
        runs_on: "cpu",
    }
}

/// What weights are, and how many multipliers they have: `binary x9`.
fn weights(weights: &Weights) -> String {
    let kind = weights.kind();
    match weights.multipliers().len() {
        0 => kind.to_string(),
        count => format!("{kind} x{count}"),
    }
}

/// What a layer does, with what tells it from others of its kind: `conv 3x3 /2`.
fn kind(network: &Network, index: usize) -> String {
    let layer = &network.layers()[index];
    let mut text = layer.op().name().to_string();
    let mut window = |size: [usize; 2], stride: [usize; 2]| {
        // Writing to a string cannot fail.
        let _ = write!(text, " {}x{}", size[0], size[1]);
        if stride != [1, 1] {
            let _ = match stride[0] == stride[1] {
                true => write!(text, " /{}", stride[0]),
                false => write!(text, " /{}x{}", stride[0], stride[1]),
            };
        }
    };
    match layer.op() {
        Op::Convolution(convolution) => {
            window(convolution.kernel, convolution.stride);
            let (input, _) = network.tensor(layer.inputs()[0]);
            if convolution.is_depthwise(input.channels) {
                text.push_str(" dw");
            } else if convolution.groups > 1 {
                let _ = write!(text, " g{}", convolution.groups);
            }
        }
        Op::MaxPool(pool) => window(pool.size, pool.stride),
        Op::Upsample { factor } => drop(write!(text, " x{factor}")),
        Op::Reorg { stride } => drop(write!(text, " /{stride}")),
        Op::DepthToSpace { block, .. } => drop(write!(text, " x{block}")),
        _ => {}
    }
    text
}

/// The kernel of each layer; one that is done in the same pass as the layer before says so.
fn kernels(network: &Network, plan: &Plan) -> Vec<String> {
    let mut kernels = vec![String::from("-"); network.layers().len()];
    for step in plan.steps() {
        for index in step.layers() {
            kernels[index] = match index == step.layers().start {
                true => step.kernel().to_string(),
                false => format!("with {}", network.layers()[step.layers().start].name()),
            };
        }
    }
    kernels
}

fn input(network: &Network) -> String {
    let input = network.input();
    let mut text = format!("{} {}", input.shape, input.number);
    if let Some(picture) = &input.picture {
        let fit = match picture.fit {
            Fit::Stretch => "stretched".to_string(),
            Fit::Letterbox { fill } => format!("letterboxed on {fill:.3} grey"),
            Fit::Corner { fill } => format!("at the top left on {fill:.3} grey"),
        };
        let order = format!("{:?}", picture.order).to_uppercase();
        let resample = match picture.resample {
            Resample::AlignedCorners => "aligned corners",
            Resample::HalfPixel => "half-pixel centres",
        };
        let _ = write!(text, ", {order}, {fit}, {resample}");
        if picture.mean != [0.0; 3] || picture.std != [1.0; 3] {
            let _ = write!(text, ", mean {:?}, std {:?}", picture.mean, picture.std);
        }
    }
    text
}

fn head(network: &Network, head: &tincy_network::Head) -> String {
    let (shape, _) = network.tensor(head.source);
    let boxes = match head.kind.stride() {
        Some(stride) => format!("stride {stride}"),
        None if head.kind.has_anchors() => format!("{} anchors", head.kind.anchors().len()),
        None => "one box a cell".into(),
    };
    let (kind, Shape { width, height, .. }) = (head.kind.name(), shape);
    format!(
        "{kind}, grid {width}x{height}, {boxes}, {} classes",
        head.classes
    )
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header(f)?;
        writeln!(f, "\n{}\n", table(&self.layers))?;
        let Totals {
            operations,
            low_bit_operations,
            other_operations,
            parameter_bytes,
            session_bytes,
        } = self.totals;
        writeln!(f, "operations  {}", grouped(operations))?;
        if low_bit_operations > 0 {
            writeln!(
                f,
                "            {} in the low-bit layers",
                grouped(low_bit_operations)
            )?;
            writeln!(f, "            {} around them", grouped(other_operations))?;
        }
        let [parameters, session] =
            [parameter_bytes, session_bytes].map(|bytes| grouped(bytes as u64));
        write!(
            f,
            "parameters  {parameters} bytes\nmemory      {session} bytes a session, beside the packed weights"
        )
    }
}

impl Summary {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "model    {}", self.name)?;
        if let Some(bytes) = self.file_bytes {
            writeln!(f, "file     {} bytes", grouped(bytes))?;
        }
        writeln!(f, "input    {}", self.input)?;
        for head in &self.heads {
            writeln!(f, "head     {head}")?;
        }
        if !self.classes.is_empty() {
            let names = shorten(&self.classes.join(", "), 82);
            writeln!(f, "classes  {}: {names}", self.classes.len())?;
        }
        for (subject, text) in &self.provenance {
            let subject = format!("{:7}", shorten(subject, 24));
            let room = 98 - subject.chars().count();
            writeln!(f, "{subject}  {}", shorten(text, room))?;
        }
        Ok(())
    }
}

fn table(layers: &[LayerLine]) -> Columns {
    use Align::{Left, Right};
    let mut table = Columns::new(&[
        ("#", Right),
        ("name", Left),
        ("type", Left),
        ("output", Left),
        ("weights", Left),
        ("out", Left),
        ("ops", Right),
        ("bytes", Right),
        ("acc", Right),
        ("kernel", Left),
        ("on", Left),
    ]);
    for layer in layers {
        let or_blank = |number: u64| {
            if number > 0 {
                rounded(number)
            } else {
                String::new()
            }
        };
        table.row([
            layer.number.to_string(),
            shorten(&layer.name, 14),
            layer.kind.clone(),
            layer.output.clone(),
            layer.weights.clone().unwrap_or_default(),
            layer.activations.clone(),
            or_blank(layer.operations),
            or_blank(layer.parameter_bytes as u64),
            layer
                .accumulator_bits
                .map(|bits| bits.to_string())
                .unwrap_or_default(),
            shorten(&layer.kernel, 20),
            layer.runs_on.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_stand_behind_the_kind_of_weights() {
        let plain = Weights::integers(WeightKind::Ternary, &[1, 0, -1, 1]).unwrap();
        assert_eq!(weights(&plain), "ternary");
        let multiplied = plain.with_multipliers(2, vec![127, 5]).unwrap();
        assert_eq!(weights(&multiplied), "ternary x2");
    }
}
