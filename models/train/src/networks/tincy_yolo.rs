//! `tincy-yolo`: a detector of binary weights and 4-bit activations, for programmable logic and look-up
//! kernels; first and last layers have 8-bit weights.
//!
//! It starts from a published low-bit network in the style of Tiny YOLO, a chain of convolutions and
//! pools with one head of anchors, whose features it keeps. In place of that head it has two without
//! anchors, on grids of 1/32 and 1/16 of the input; the finer one reads the last map of its grid beside
//! what comes back from the coarse one:
//!
//! ```text
//! chain ... fine ─ pool ─ ... ─ last ─┬─────────────────────── head32
//!             │                       └─ reduce 1x1 ─ up x2 ─┐
//!             └──────────────────────────────────────────── join ─ merge 1x1 ─ head16
//! ```
//!
//! Everything is in units of codes: activations are 0 to 15, the input pixels / 2.

use crate::augment::Chance;
use crate::low_bit::calibrate::Wanted;
use crate::low_bit::line::{self, Line};
use crate::model::{Normalisation, Options};
use crate::quantizers::lsq::Lsq;
use crate::quantizers::signs::Signs;
use crate::quantizers::uniform::Uniform;
use crate::quantizers::{Layout, Quantizer};
use crate::{Error, Model};
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Affine, Convolution, Finish, Head, HeadKind, Network, Number, Op, Padding, Source,
    Weights, accumulator,
};

/// Channels of the two convolutions between the heads.
const NECK: usize = 128;

/// Bits of activations.
pub const BITS: u8 = 4;

/// The objectness that heads start from, as e^x / (1 + e^x): few cells have an object.
const RARE: f32 = -4.6;

/// The network, what its layers are to compute at first, and which weights are binary.
pub struct Start {
    /// Float, with the shapes and heads; weights are those to start from.
    pub template: Network,
    /// For [`calibrate`](crate::low_bit::calibrate::calibrate), in the order of the network.
    pub wanted: Vec<(String, Wanted)>,
    /// Convolutions whose weights are binary; all others have 8 bits.
    pub binary: Vec<String>,
    /// Layers whose map is quantized, in the order of the network.
    pub maps: Vec<String>,
}

/// `tincy-yolo` from a low-bit chain: a published network that was imported.
///
/// # Errors
/// If the network is no such chain: the layer, and why.
pub fn start(published: &Network, seed: u64) -> Result<Start, Error> {
    let mut start = Growing::new(published)?;
    let (last, hidden) = published
        .layers()
        .split_last()
        .expect("a network has layers");
    let fine = fine_layer(published)?;
    let mut source = Source::Input;
    let mut fine_map = None;
    for (index, layer) in hidden.iter().enumerate() {
        source = match layer.op() {
            Op::Convolution(convolution) => {
                let input = start.chain_input(published, index);
                start.hidden(layer.name(), convolution, input, source)?
            }
            op => start.builder.layer(layer.name(), op.clone(), &[source])?,
        };
        // Pools commute with rounding, so the smaller map is quantized; but not where both are read.
        let is_pool = matches!(layer.op(), Op::MaxPool(_));
        let is_pooled = matches!(hidden.get(index + 1).map(|l| l.op()), Some(Op::MaxPool(_)));
        let is_quantized = match is_pool {
            true => index != fine + 1,
            false => index == fine || !is_pooled,
        };
        if is_quantized {
            start.maps.push(layer.name().to_string());
        }
        if index == fine {
            fine_map = Some(source);
        }
    }
    let Some(Head { classes, .. }) = published.heads().first().cloned() else {
        return Err(Error::layer(last.name(), "there is no head after it"));
    };
    let mut chance = Chance::new(seed, 0, 0);
    let fine_map = fine_map.expect("the fine layer is one of them");
    let coarse = start.head("head32", source, classes, &mut chance)?;
    let reduced = start.fresh("reduce", source, &mut chance)?;
    let up = start
        .builder
        .layer("up", Op::Upsample { factor: 2 }, &[reduced])?;
    let joined = start.builder.layer("join", Op::Concat, &[up, fine_map])?;
    let merged = start.fresh("merge", joined, &mut chance)?;
    let finer = start.head("head16", merged, classes, &mut chance)?;
    start.finish(published, [(finer, 16), (coarse, 32)], classes)
}

/// The last convolution before the last pool: its map is the finer grid.
fn fine_layer(published: &Network) -> Result<usize, Error> {
    let layers = published.layers();
    let pool = layers
        .iter()
        .rposition(|layer| matches!(layer.op(), Op::MaxPool(pool) if pool.stride == [2, 2]));
    match pool {
        Some(at) if at > 0 => Ok(at - 1),
        _ => Err(Error::Shape(
            "the network has no pool to fork before".into(),
        )),
    }
}

struct Growing {
    builder: Builder,
    wanted: Vec<(String, Wanted)>,
    binary: Vec<String>,
    maps: Vec<String>,
}

impl Growing {
    fn new(published: &Network) -> Result<Growing, Error> {
        let input = published.input().unrounded();
        Ok(Growing {
            builder: Builder::new("tincy-yolo", input)?,
            wanted: Vec::new(),
            binary: Vec::new(),
            maps: Vec::new(),
        })
    }

    /// Code and channels that a layer of the chain reads.
    fn chain_input(&self, published: &Network, index: usize) -> (Number, usize) {
        let source = match index {
            0 => Source::Input,
            _ => Source::Layer(index - 1),
        };
        let (shape, number) = published.tensor(source);
        (number, shape.channels)
    }

    /// A hidden layer of the chain, as floats.
    fn hidden(
        &mut self,
        name: &str,
        convolution: &Convolution,
        (number, _): (Number, usize),
        source: Source,
    ) -> Result<Source, Error> {
        let (Finish::Thresholds(thresholds), Some(code)) = (&convolution.finish, number.code())
        else {
            return Err(Error::layer(name, "has no thresholds to start from"));
        };
        let bound = accumulator::bound(convolution, code);
        let lines: Vec<Option<Line>> = (0..convolution.out_channels)
            .map(|o| line::of_channel(thresholds, o, bound.min, bound.max))
            .collect();
        // Channels without a line start as the usual one does, from nothing.
        let usual = middle(lines.iter().flatten().map(|line| line.factor));
        let lines = lines.into_iter().map(|line| {
            line.unwrap_or(Line {
                factor: usual,
                offset: 0.0,
            })
        });
        self.wanted
            .push((name.into(), Wanted::Lines(lines.collect())));
        if !matches!(source, Source::Input) {
            self.binary.push(name.into());
        }
        let weights = convolution.weights.unpack();
        let floats = weights.iter().map(|weight| f32::from(*weight)).collect();
        let op = float(convolution, floats, 0.0);
        Ok(self.builder.layer(name, op, &[source])?)
    }

    /// A convolution of kernel 1 that is new: signs by chance.
    fn fresh(&mut self, name: &str, source: Source, chance: &mut Chance) -> Result<Source, Error> {
        let inputs = self.builder.tensor(source).0.channels;
        let weights = (0..inputs * NECK)
            .map(|_| chance.between(-1.0, 1.0) as f32)
            .collect();
        let op = float(&pointwise(NECK), weights, 0.0);
        self.wanted.push((
            name.into(),
            Wanted::Spread {
                mean: 1.5,
                deviation: 4.0,
            },
        ));
        self.binary.push(name.into());
        self.maps.push(name.into());
        Ok(self.builder.layer(name, op, &[source])?)
    }

    /// A head's map: 5 numbers and the classes, objects rare at first.
    fn head(
        &mut self,
        name: &str,
        source: Source,
        classes: usize,
        chance: &mut Chance,
    ) -> Result<Source, Error> {
        let inputs = self.builder.tensor(source).0.channels;
        let outputs = 5 + classes;
        let reach = 0.3 / (inputs as f64).sqrt();
        let weights = (0..inputs * outputs)
            .map(|_| chance.between(-reach, reach) as f32)
            .collect();
        let mut op = float(&pointwise(outputs), weights, 0.0);
        if let Op::Convolution(Convolution {
            finish: Finish::Affine(affine),
            ..
        }) = &mut op
        {
            let bias = (0..outputs).map(|o| if o >= 4 { RARE } else { 0.5 });
            affine.bias = bias.collect::<Vec<f32>>().into();
        }
        Ok(self.builder.layer(name, op, &[source])?)
    }

    fn finish(
        mut self,
        published: &Network,
        heads: [(Source, u32); 2],
        classes: usize,
    ) -> Result<Start, Error> {
        for (source, stride) in heads {
            self.builder.head(Head {
                source,
                classes,
                kind: HeadKind::Yolox { stride },
            });
        }
        self.builder.classes(published.classes().to_vec());
        for (subject, text) in published.provenance() {
            self.builder.provenance(format!("start: {subject}"), text);
        }
        Ok(Start {
            template: self.builder.build()?,
            wanted: self.wanted,
            binary: self.binary,
            maps: self.maps,
        })
    }
}

fn pointwise(outputs: usize) -> Convolution {
    Convolution {
        out_channels: outputs,
        kernel: [1; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(0),
        groups: 1,
        weights: Weights::floats(Vec::new()),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: Default::default(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
    }
}

/// The same convolution with float weights and nothing behind it but a bias.
fn float(convolution: &Convolution, weights: Vec<f32>, bias: f32) -> Op {
    Op::Convolution(Convolution {
        weights: Weights::floats(weights),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: vec![bias; convolution.out_channels].into(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
        ..convolution.clone()
    })
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(1.0)
}

/// The model with all its quantizers: signs with a scale of 1, 8-bit weights at both ends, 4-bit codes
/// between.
///
/// # Errors
/// If the template is not one of [`start`]'s.
pub fn model(start: &Start, momentum: f32) -> Result<Model, Error> {
    let normalisation = Normalisation::Batch { momentum };
    let mut model = Model::new(&start.template, Options { normalisation })?;
    for layer in start.template.layers() {
        if layer.convolution().is_none() {
            continue;
        }
        let is_binary = start.binary.iter().any(|name| name == layer.name());
        model.quantize_weights_with(layer.name(), |layout, weights| {
            Ok(quantizer(is_binary, layout, weights))
        })?;
    }
    for name in &start.maps {
        let top = f32::from((1u8 << BITS) - 1);
        model.quantize_map(name, Box::new(Uniform::new(BITS, top, false)))?;
    }
    Ok(model)
}

fn quantizer(is_binary: bool, layout: Layout, weights: &[f32]) -> Box<dyn Quantizer> {
    if is_binary {
        Box::new(Signs)
    } else {
        let mut lsq = Lsq::weights(8, true, layout, weights);
        if weights.iter().all(|weight| weight.abs() == 1.0) {
            // Signs so far: 1 becomes a code with room on both sides.
            lsq.parameters_mut().fill(1.0 / 64.0);
        }
        Box::new(lsq)
    }
}
