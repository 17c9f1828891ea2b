//! The network in integers, with maps turned from codes to floats and back where layers differ.

use crate::codes::Codes;
use crate::forms::Forms;
use crate::rebuilt::place;
use crate::split::activation;
use crate::{Error, filters::Filters, filters::Target, filters::results};
use std::collections::BTreeMap;
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Finish, Network, Number, Op, Source,
    WeightKind, Weights,
};

/// Builds the network of `filters`, one for each convolution by its number; its provenance says `about` as
/// `quantized`.
///
/// # Errors
/// If integers cannot hold a factor or a bias, or a layer does not fit, which would be a fault here.
pub fn build(
    start: &Network,
    forms: &Forms,
    codes: &Codes,
    mut filters: BTreeMap<usize, Filters>,
    about: &str,
) -> Result<Network, Error> {
    let mut building = Building {
        start,
        forms,
        codes,
        builder: Builder::new(start.name(), start.input().clone())?,
        places: Vec::new(),
        turned: BTreeMap::new(),
    };
    for at in 0..start.layers().len() {
        if forms.evens.behind(at).is_some() {
            // Made where the factors stand.
            building.places.push(Source::Input);
            continue;
        }
        let index = forms.evens.before(at).unwrap_or(at);
        let layer = &start.layers()[index];
        let op = match (layer.op(), filters.remove(&index)) {
            (Op::Convolution(template), Some(filters)) => {
                let target = building.target(index);
                let activation = activation(template);
                Op::Convolution(filters.convolution(layer.name(), template, activation, target)?)
            }
            (op, _) => op.clone(),
        };
        let inputs = layer.inputs().iter();
        let inputs = inputs.map(|map| building.input(*map, forms.reads_codes(index)));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let place = building.builder.layer(layer.name(), op, &inputs)?;
        building.places.push(place);
    }
    building.finish(about)
}

struct Building<'a> {
    start: &'a Network,
    forms: &'a Forms,
    codes: &'a Codes,
    builder: Builder,
    /// Where each layer's map lies.
    places: Vec<Source>,
    /// Where a map lies that was turned into the other form.
    turned: BTreeMap<usize, Source>,
}

impl Building<'_> {
    fn target(&self, layer: usize) -> Target {
        let map = Source::Layer(layer);
        if let Some(even) = self.forms.evens.behind(layer) {
            return self.target_by_channel(layer, even);
        }
        match self.forms.is_code(map) {
            false => Target::Floats,
            true => Target::Codes {
                sums: self.codes.of_sums(self.forms, layer),
                output: self.codes.of(self.forms, map),
            },
        }
    }

    fn target_by_channel(&self, layer: usize, even: usize) -> Target {
        let factors = self.start.layers()[even].convolution();
        let factors = factors.map_or_else(Vec::new, |c| c.weights.as_floats().to_vec());
        Target::ByChannel {
            sums: self.codes.by_channel(layer).to_vec(),
            factors,
            output: self.codes.of(self.forms, Source::Layer(even)),
        }
    }

    /// A map as codes or as floats.
    fn input(&mut self, map: Source, as_codes: bool) -> Result<Source, Error> {
        let (index, name) = match map {
            Source::Input => (0, "input"),
            Source::Layer(index) => (index + 1, self.start.layers()[index].name()),
        };
        if self.forms.is_code(map) == as_codes {
            return Ok(place(&self.places, map));
        }
        if let Some(turned) = self.turned.get(&index) {
            return Ok(*turned);
        }
        let channels = self.start.tensor(map).0.channels;
        let code = self.codes.of(self.forms, map);
        let (ending, turn) = match as_codes {
            true => ("code", rounding(channels, code)),
            false => ("float", meaning(channels, code)?),
        };
        let from = place(&self.places, map);
        let turn = Op::Convolution(turn);
        let turned = self
            .builder
            .layer(format!("{name}.{ending}"), turn, &[from])?;
        self.turned.insert(index, turned);
        Ok(turned)
    }

    fn finish(mut self, about: &str) -> Result<Network, Error> {
        let places = &self.places;
        self.builder.take_over(self.start, |map| place(places, map));
        self.builder.provenance("quantized", about);
        Ok(self.builder.build()?)
    }
}

/// Floats to codes.
fn rounding(channels: usize, code: Code) -> Convolution {
    let finish = Finish::Affine(Affine {
        scale: Default::default(),
        bias: vec![0.0; channels].into(),
        activation: Activation::Linear,
        output: Number::Code(code),
    });
    Convolution::by_channel(Weights::floats(vec![1.0; channels]), finish)
}

/// Codes to floats.
fn meaning(channels: usize, code: Code) -> Result<Convolution, Error> {
    let ones = Weights::integers(WeightKind::Int { bits: 2 }, &vec![1; channels])?;
    let scale = vec![code.scale; channels];
    let finish = results(&scale, vec![0.0; channels], Activation::Linear);
    Ok(Convolution::by_channel(ones, finish))
}
