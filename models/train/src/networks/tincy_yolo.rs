//! `tincy-yolo`: a detector of binary weights and 4-bit activations, for programmable logic and look-up
//! kernels; first and last layers have 8-bit weights.
//!
//! It starts from a published low-bit network in the style of Tiny YOLO, a chain of convolutions and
//! pools with one head of anchors, and finds what that finds. Its head's weights get 8 bits and biases. A
//! second head of anchors, on a grid twice as fine for small objects, reads the last map of its grid beside
//! what comes back from the coarse one:
//!
//! ```text
//! chain ... fine ─ pool ─ ... ─ last ─┬─────────────────────── head (the published one)
//!             │                       └─ reduce 1x1 ─ up x2 ─┐
//!             └──────────────────────────────────────────── join ─ merge 1x1 ─ fine_head
//! ```
//!
//! The chain's first layers may stay as they are: they are the trunk, which runs in integers.
//!
//! What was tried from the published Tiny-YOLO W1A4, on VOC2007 trainval and 1,863 pictures of COCO, batches of 8 of 320 to
//! 416 pixels, `--relative --rate 2e-3`, frozen to `pool2`; area on COCO's validation pictures and on VOC2007 test's:
//!
//! | | pictures | signs changed | COCO | VOC |
//! | --- | ---: | ---: | ---: | ---: |
//! | the start | 0 | | 0.274 | 0.508 |
//! | the published head replaced by two new ones without anchors | 2,848 | | 0.055 | |
//! | with both heads as above, at first | 0 | | 0.235 | |
//! | `--sign-rate 2.5` | 54,088 | 0.01 % | 0.276 | |
//! | from there with `--likeness 0.5`, then `--sign-rate 20` | 88,768 | 0.2 % | 0.278 | 0.484 |
//!
//! COCO's way of labelling is learned at the cost of VOC's, as from any start; means and variances taken anew for the
//! average of the parameters changed nothing (0.278). So no network of this kind is built in yet.
//!
//! Everything is in units of codes: activations are 0 to 15, the input pixels / 2.

use crate::augment::Chance;
use crate::low_bit::calibrate::Wanted;
use crate::low_bit::export::Maps;
use crate::low_bit::line;
use crate::model::{Normalisation, Options};
use crate::quantizers::lsq::Lsq;
use crate::quantizers::signs::Signs;
use crate::quantizers::uniform::Uniform;
use crate::quantizers::{Layout, Quantizer};
use crate::{Error, Model};
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Head, HeadKind, Input, Network, Number, Op,
    Padding, Source, Weights, accumulator,
};

/// Channels of the two convolutions between the heads.
const NECK: usize = 128;

/// Bits of activations.
pub const BITS: u8 = 4;

/// The objectness that the fine head starts from, as e^x / (1 + e^x): few cells have an object.
const RARE: f32 = -4.6;

/// Sizes of small objects, in cells of the fine head: means of those below 56 pixels among the objects of
/// VOC2007 and of COCO's pictures with VOC's classes, at 416 x 416.
const SMALL: [[f32; 2]; 3] = [[1.2, 1.7], [3.1, 2.3], [1.8, 4.1]];

/// The network, what its layers are to compute at first, and which weights are binary.
pub struct Start {
    /// The first layers, if they stay as they are: integers to codes, which the template reads.
    pub trunk: Option<Network>,
    /// Float, with the shapes and heads; weights are those to start from.
    pub template: Network,
    /// For [`calibrate`](crate::low_bit::calibrate::calibrate), in the order of the network.
    pub wanted: Vec<(String, Wanted)>,
    /// Convolutions whose weights are binary; all others have 8 bits.
    pub binary: Vec<String>,
    /// Layers whose map is quantized, in the order of the network.
    pub maps: Vec<String>,
    /// What it is written as: layers are trained on codes as they are.
    pub integers: Maps,
}

/// `tincy-yolo` from a low-bit chain: a published network that was imported. Its layers to `frozen`, by its
/// name, stay as they are.
///
/// # Errors
/// If the network is no such chain, or has no such layer before its fork: the layer, and why.
pub fn start(published: &Network, frozen: Option<&str>, seed: u64) -> Result<Start, Error> {
    let fine = fine_layer(published)?;
    let first = frozen.map_or(Ok(0), |name| after(published, name, fine))?;
    let mut start = Growing::new(published, first)?;
    let (last, hidden) = published.layers().split_last().expect("it has layers");
    let mut source = Source::Input;
    let mut fine_map = None;
    for (index, layer) in hidden.iter().enumerate().skip(first) {
        source = match layer.op() {
            Op::Convolution(_) => start.hidden(published, index, source)?,
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
    let (Some(head), Op::Convolution(results)) = (published.heads().first(), last.op()) else {
        return Err(Error::layer(last.name(), "there is no head behind it"));
    };
    let mut chance = Chance::new(seed, 0, 0);
    let fine_map = fine_map.expect("the fine layer is one of them");
    let coarse = start.published_head(last.name(), results, source)?;
    let reduced = start.fresh("reduce", source, &mut chance)?;
    let up = start
        .builder
        .layer("up", Op::Upsample { factor: 2 }, &[reduced])?;
    let joined = start.builder.layer("join", Op::Concat, &[up, fine_map])?;
    let merged = start.fresh("merge", joined, &mut chance)?;
    let finer = start.fine_head("fine_head", merged, head.classes, &mut chance)?;
    start.finish(published, first, [coarse, finer])
}

/// The number of the layer after the one of this name, which must come before the fork.
fn after(published: &Network, name: &str, fine: usize) -> Result<usize, Error> {
    match published.find(name) {
        Some(index) if index < fine => Ok(index + 1),
        Some(_) => Err(Error::layer(
            name,
            "is behind the fork, and cannot stay as it is",
        )),
        None => Err(Error::layer(name, "is not there")),
    }
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

/// The first `count` layers, in integers.
fn trunk(published: &Network, count: usize) -> Result<Network, Error> {
    let mut builder = Builder::new("trunk", published.input().clone())?;
    for layer in &published.layers()[..count] {
        builder.layer(layer.name(), layer.op().clone(), layer.inputs())?;
    }
    Ok(builder.build()?)
}

struct Growing {
    builder: Builder,
    wanted: Vec<(String, Wanted)>,
    binary: Vec<String>,
    maps: Vec<String>,
}

impl Growing {
    fn new(published: &Network, first: usize) -> Result<Growing, Error> {
        let input = match first {
            0 => published.input().unrounded(),
            _ => Input {
                shape: published.tensor(Source::Layer(first - 1)).0,
                number: Number::F32,
                picture: None,
            },
        };
        Ok(Growing {
            builder: Builder::new("tincy", input)?,
            wanted: Vec::new(),
            binary: Vec::new(),
            maps: Vec::new(),
        })
    }

    /// A hidden convolution of the chain, as floats.
    fn hidden(
        &mut self,
        published: &Network,
        index: usize,
        source: Source,
    ) -> Result<Source, Error> {
        let layer = &published.layers()[index];
        let name = layer.name();
        let read = published.tensor(layer.inputs()[0]).1;
        let (Some(convolution), Some(code)) = (layer.convolution(), read.code()) else {
            return Err(Error::layer(name, "is no convolution of codes"));
        };
        let Finish::Thresholds(thresholds) = &convolution.finish else {
            return Err(Error::layer(name, "has no thresholds to start from"));
        };
        let bound = accumulator::bound(convolution, code);
        let lines = (0..convolution.out_channels)
            .map(|o| line::of_channel(thresholds, o, bound.min, bound.max));
        self.wanted
            .push((name.into(), Wanted::Lines(lines.collect())));
        if index > 0 {
            self.binary.push(name.into());
        }
        let weights = convolution.weights.unpack();
        let floats = weights.iter().map(|weight| f32::from(*weight)).collect();
        let op = float(convolution, floats, vec![0.0; convolution.out_channels]);
        Ok(self.builder.layer(name, op, &[source])?)
    }

    /// A convolution of kernel 1 that is new: signs by chance.
    fn fresh(&mut self, name: &str, source: Source, chance: &mut Chance) -> Result<Source, Error> {
        let inputs = self.builder.tensor(source).0.channels;
        let weights = (0..inputs * NECK)
            .map(|_| chance.between(-1.0, 1.0) as f32)
            .collect();
        let op = float(&pointwise(NECK), weights, vec![0.0; NECK]);
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

    /// The published head: its weights with their scales inside.
    fn published_head(
        &mut self,
        name: &str,
        convolution: &Convolution,
        source: Source,
    ) -> Result<Source, Error> {
        let Finish::Affine(affine) = &convolution.finish else {
            return Err(Error::layer(name, "gives codes, not results"));
        };
        let weights = convolution.weights.unpack();
        let filters = weights.chunks_exact(weights.len() / convolution.out_channels);
        let scaled = filters.zip(affine.scale.iter());
        let scaled =
            scaled.flat_map(|(filter, scale)| filter.iter().map(move |w| f32::from(*w) * scale));
        let op = float(convolution, scaled.collect(), affine.bias.to_vec());
        Ok(self.builder.layer(name, op, &[source])?)
    }

    /// A head's map: for each anchor 5 numbers and the classes, objects rare at first.
    fn fine_head(
        &mut self,
        name: &str,
        source: Source,
        classes: usize,
        chance: &mut Chance,
    ) -> Result<Source, Error> {
        let inputs = self.builder.tensor(source).0.channels;
        let numbers = 5 + classes;
        let outputs = SMALL.len() * numbers;
        let reach = (inputs as f64).sqrt().recip();
        let weights = (0..inputs * outputs)
            .map(|_| chance.between(-reach, reach) as f32)
            .collect();
        let bias = (0..outputs).map(|o| if o % numbers == 4 { RARE } else { 0.0 });
        let op = float(&pointwise(outputs), weights, bias.collect());
        Ok(self.builder.layer(name, op, &[source])?)
    }

    fn finish(
        mut self,
        published: &Network,
        first: usize,
        [coarse, finer]: [Source; 2],
    ) -> Result<Start, Error> {
        let head = published.heads()[0].clone();
        let HeadKind::Region { softmax, .. } = head.kind else {
            return Err(Error::Shape("the network has no head of anchors".into()));
        };
        self.builder.head(Head {
            source: finer,
            classes: head.classes,
            kind: HeadKind::Region {
                anchors: SMALL.to_vec(),
                softmax,
            },
        });
        self.builder.head(Head {
            source: coarse,
            ..head
        });
        self.builder.classes(published.classes().to_vec());
        for (subject, text) in published.provenance() {
            self.builder.provenance(format!("start: {subject}"), text);
        }
        let trunk = (first > 0).then(|| trunk(published, first)).transpose()?;
        let template = self.builder.build()?;
        let code = Code::unsigned(BITS, 1.0);
        let input = match &trunk {
            Some(_) => Input {
                number: Number::Code(code),
                ..template.input().clone()
            },
            None => published.input().clone(),
        };
        Ok(Start {
            trunk,
            template,
            integers: Maps {
                input,
                input_step: 1.0,
                code,
                step: 1.0,
            },
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

/// The same convolution with float weights and nothing behind it but biases.
fn float(convolution: &Convolution, weights: Vec<f32>, bias: Vec<f32>) -> Op {
    Op::Convolution(Convolution {
        weights: Weights::floats(weights),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: bias.into(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
        ..convolution.clone()
    })
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
        return Box::new(Signs);
    }
    let mut lsq = Lsq::weights(8, true, layout, weights);
    let filters = weights.chunks_exact(layout.window());
    for (step, filter) in lsq.parameters_mut().iter_mut().zip(filters) {
        let size = filter[0].abs();
        if filter.iter().all(|weight| weight.abs() == size) {
            // Signs so far: what they are becomes a code with room on both sides.
            *step = size / 64.0;
        }
    }
    Box::new(lsq)
}
