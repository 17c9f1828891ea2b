//! A float network with all its quantizers in place, fitted to a batch of pictures.

use crate::augment::Batch;
use crate::model::{Model, Options};
use crate::quantizers::lsq::Lsq;
use crate::{Error, Tape};
use std::collections::BTreeMap;
use tincy_network::{Activation, Code, Network, Number, Op, Source};
use tincy_quantize::equalize::{self, equalize};
use tincy_quantize::histogram::Histogram;
use tincy_quantize::level::{ENDS, Level};
use tincy_quantize::range;
use tincy_quantize::share::{self, Groups, shares};
use tincy_quantize::split::{activation, activation_name, split};

/// A model in training, and what its codes are called.
pub struct Prepared {
    /// The split network with its quantizers.
    pub model: Model,
    /// How it becomes integers.
    pub plan: Plan,
}

/// What the integers of a network are: everything but the values of parameters.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The float network before it was split.
    pub(super) start: Network,
    pub(super) groups: Groups,
    /// The code of each group of maps.
    pub(super) maps: BTreeMap<usize, Code>,
    /// The code of each convolution's sums, by its number, where an activation follows.
    pub(super) sums: BTreeMap<usize, Code>,
}

/// The parameter of a group's step.
pub(super) fn map_step(group: usize) -> String {
    format!("map{group}.step")
}

/// The parameter of the step of a convolution's sums.
pub(super) fn sums_step(layer: &str) -> String {
    format!("{layer}.code.step")
}

/// Makes a float network trainable in codes of a level: ranges fit what its maps hold for a batch,
/// steps of weights the weights.
///
/// # Errors
/// If the network has no form in integers, or the batch's size does not suit it.
pub fn prepare(
    start: &Network,
    level: Level,
    batch: &Batch,
    tape: &mut Tape,
) -> Result<Prepared, Error> {
    check(start)?;
    let mut model = model(start, batch, tape)?;
    let channels = |layer| channels(start, layer, &model, tape, batch.truths.len());
    let equalized = equalize(&equalize::Maps {
        start,
        channels: &channels,
    })?;
    if let Some(equalized) = &equalized {
        model = self::model(equalized, batch, tape)?;
    }
    let start = equalized.as_ref().unwrap_or(start);
    let mut plan = Plan {
        start: start.clone(),
        groups: share::groups(start),
        maps: BTreeMap::new(),
        sums: BTreeMap::new(),
    };
    if let Some(code) = start.input().number.code() {
        // Layers read the input's codes as they are.
        plan.maps.insert(0, Code { scale: 1.0, ..code });
    }
    plan.find(&model, tape, level, batch.truths.len());
    plan.install(&mut model, level)?;
    Ok(Prepared { model, plan })
}

/// Whether a network can be trained in codes all the way.
fn check(start: &Network) -> Result<(), Error> {
    if start.input().number == Number::F32 {
        let what = "integers start from networks that read codes, such as 8-bit pixels";
        return Err(Error::Shape(what.into()));
    }
    let groups = share::groups(start);
    let mut layers = start.layers().iter().enumerate();
    let odd = layers.find(|(index, layer)| {
        let has_codes = layer.convolution().is_some() || shares(start, layer);
        !has_codes && !groups.is_result(Source::Layer(*index))
    });
    odd.map_or(Ok(()), |(_, layer)| {
        let what = format!("{} has no form in integers here", layer.op().name());
        Err(Error::layer(layer.name(), what))
    })
}

/// Some values of each channel of a layer's sums, which the tape holds.
fn channels(
    start: &Network,
    layer: usize,
    model: &Model,
    tape: &Tape,
    pictures: usize,
) -> Vec<Vec<f32>> {
    let layer = &start.layers()[layer];
    let at = model.template().find(layer.name());
    let at = at.expect("the split has every layer");
    let channels = layer.shape().channels;
    let maps = (0..pictures).map(|picture| tape.layer(model, at, picture));
    let pixels: Vec<&[f32]> = maps.flat_map(|map| map.chunks_exact(channels)).collect();
    let every = pixels.len().div_ceil(equalize::SAMPLE);
    let channel = |c| pixels.iter().step_by(every).map(|pixel| pixel[c]).collect();
    (0..channels).map(channel).collect()
}

/// The split network, its maps for a batch on the tape.
fn model(start: &Network, batch: &Batch, tape: &mut Tape) -> Result<Model, Error> {
    let mut model = Model::new(&split(start)?, Options::default())?;
    tape.load(&model, batch)?;
    tape.forward(&mut model, true);
    Ok(model)
}

impl Plan {
    /// Layers whose maps are made, not moved, and become codes.
    fn made(&self) -> impl Iterator<Item = (usize, &tincy_network::Layer)> {
        let layers = self.start.layers().iter().enumerate();
        layers.filter(|(index, layer)| {
            let source = Source::Layer(*index);
            let is_code = !self.groups.is_result(source) && !self.groups.is_input(source);
            is_code && matches!(layer.op(), Op::Convolution(_) | Op::Add { .. })
        })
    }

    /// Finds all codes from the maps on the tape.
    fn find(&mut self, model: &Model, tape: &Tape, level: Level, pictures: usize) {
        let histogram = |layer: &str| {
            let index = model.template().find(layer).expect("the split has it");
            Histogram::of((0..pictures).map(move |picture| tape.layer(model, index, picture)))
        };
        let mut groups: BTreeMap<usize, (u8, Vec<Histogram>)> = BTreeMap::new();
        let mut sums = BTreeMap::new();
        for (index, layer) in self.made() {
            let group = self.groups.of(Source::Layer(index));
            let (bits, maps) = groups
                .entry(group)
                .or_insert((level.activations, Vec::new()));
            match cut_off(layer.op()) {
                Some(activation) => {
                    let before = histogram(layer.name());
                    sums.insert(index, range::code_before(&before, ENDS, activation));
                    maps.push(histogram(&activation_name(layer.name())));
                }
                None => maps.push(histogram(layer.name())),
            }
            if matches!(layer.op(), Op::Add { .. }) {
                // Sums of few codes would have few values.
                *bits = ENDS;
            }
        }
        self.sums = sums;
        let codes = groups
            .into_iter()
            .map(|(group, (bits, maps))| (group, range::code_of(bits, &maps)));
        self.maps.extend(codes);
    }

    fn install(&self, model: &mut Model, level: Level) -> Result<(), Error> {
        for (index, layer) in self.start.layers().iter().enumerate() {
            if let Op::Convolution(convolution) = layer.op() {
                let bits = level.of_weights(&self.start, &self.groups, index, convolution);
                model.quantize_weights_with(layer.name(), |layout, weights| {
                    Ok(Box::new(Lsq::fitted(bits, layout, weights)))
                })?;
            }
        }
        for (index, layer) in self.made() {
            let source = Source::Layer(index);
            let features = self.start.tensor(source).0.elements();
            let step = |code: &Code| Box::new(Lsq::code(*code, features));
            let group = self.groups.of(source);
            let last = match self.sums.get(&index) {
                Some(code) => {
                    let name = sums_step(layer.name());
                    model.quantize_map_as(layer.name(), step(code), name)?;
                    activation_name(layer.name())
                }
                None => layer.name().to_string(),
            };
            model.quantize_map_as(&last, step(&self.maps[&group]), map_step(group))?;
        }
        Ok(())
    }
}

/// The activation that is cut off a layer whose map becomes codes.
fn cut_off(op: &Op) -> Option<Activation> {
    match op {
        Op::Convolution(whole) => Some(activation(whole)).filter(|a| *a != Activation::Linear),
        _ => None,
    }
}
