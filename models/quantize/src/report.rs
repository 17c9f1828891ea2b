//! What became of each layer.

use crate::Error;
use crate::batch::Batch;
use crate::codes::Codes;
use crate::forms::Forms;
use crate::observe::Observed;
use serde::Serialize;
use tincy_engine::tensor::Tensor;
use tincy_engine::{Options, Plan, Session};
use tincy_network::{Code, Network, Number, Source, WeightKind, accumulator};

/// What became of a network.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Inputs that it was found from.
    pub inputs: usize,
    /// The layers, in running order.
    pub layers: Vec<Layer>,
}

/// What became of a layer.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// What it does.
    pub op: &'static str,
    /// Bits of its weights; of others than convolutions none.
    pub weight_bits: Option<u8>,
    /// Bits of its map; 32 for floats.
    pub bits: u32,
    /// The least and the largest value that its map's codes stand for.
    pub range: Option<[f64; 2]>,
    /// The share of the float map's values beyond that, 0 to 1.
    pub saturated: f64,
    /// Power of the float map over that of the difference, in dB; none if they are equal.
    pub sqnr_db: Option<f64>,
    /// Bits that its sums need at most.
    pub accumulator_bits: Option<u32>,
}

impl Report {
    pub(crate) fn new(
        start: &Network,
        made: &Network,
        (forms, codes): (&Forms, &Codes),
        (observed, batch): (&[Observed], &Batch),
        threads: usize,
    ) -> Result<Report, Error> {
        let powers = compare(start, made, forms, batch, threads)?;
        let evens = &forms.evens;
        let layers = start.layers().iter().enumerate();
        let layers = layers.filter(|(index, _)| evens.behind(*index).is_none());
        let layers = layers.map(|(index, layer)| {
            let layer = evens.before(index).map_or(layer, |at| &start.layers()[at]);
            let map = Source::Layer(index);
            let code = forms.is_code(map).then(|| codes.of(forms, map));
            let made_at = made.find(layer.name());
            let convolution = made_at.and_then(|at| made.layers()[at].convolution());
            let read = made_at.map(|at| made.tensor(made.layers()[at].inputs()[0]).1);
            Layer {
                name: layer.name().into(),
                op: layer.op().name(),
                weight_bits: convolution.map(|c| c.weights.kind().bits()),
                bits: code.map_or(32, |code| u32::from(code.bits)),
                range: code.map(ends),
                saturated: code.map_or(0.0, |code| beyond(code, &observed[index])),
                sqnr_db: powers[index].ratio_db(),
                accumulator_bits: convolution
                    .filter(|c| c.weights.kind() != WeightKind::F32)
                    .zip(read.and_then(|number| number.code()))
                    .map(|(c, code)| accumulator::bound_with_bias(c, code).bits()),
            }
        });
        Ok(Report {
            inputs: batch.inputs.len(),
            layers: layers.collect(),
        })
    }

    /// The most bits that a sum needs.
    pub fn accumulator_bits(&self) -> u32 {
        let bits = self
            .layers
            .iter()
            .filter_map(|layer| layer.accumulator_bits);
        bits.max().unwrap_or(0)
    }
}

/// The real values of the outermost codes.
fn ends(code: Code) -> [f64; 2] {
    [code.min(), code.max()].map(|end| f64::from(end - code.zero) * code.scale)
}

fn beyond(code: Code, observed: &Observed) -> f64 {
    let [low, high] = ends(code);
    observed
        .map
        .beyond(low - code.scale / 2.0, high + code.scale / 2.0)
}

/// Powers of a map and of what is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
struct Powers {
    signal: f64,
    noise: f64,
}

impl Powers {
    fn add(&mut self, exact: &[f32], made: Tensor<'_>, real: impl Fn(f32) -> f32) {
        for (index, exact) in exact.iter().enumerate() {
            let error = f64::from(exact - real(made.get(index)));
            self.signal += f64::from(*exact).powi(2);
            self.noise += error * error;
        }
    }

    fn ratio_db(&self) -> Option<f64> {
        let ratio = 10.0 * (self.signal / self.noise).log10();
        ratio.is_finite().then_some(ratio)
    }
}

/// The powers of each layer of a float network against what was made of it.
fn compare(
    start: &Network,
    made: &Network,
    forms: &Forms,
    batch: &Batch,
    threads: usize,
) -> Result<Vec<Powers>, Error> {
    let options = Options {
        threads,
        keep_all: true,
        ..Options::default()
    };
    let mut exact = Session::new(&Plan::new(start, &options)?);
    let mut session = Session::new(&Plan::new(made, &options)?);
    let name = |index: usize| {
        let index = forms.evens.before(index).unwrap_or(index);
        start.layers()[index].name()
    };
    let layers = 0..start.layers().len();
    let places: Vec<_> = layers.map(|index| made.find(name(index))).collect();
    let mut powers = vec![Powers::default(); places.len()];
    for index in 0..batch.inputs.len() {
        for session in [&mut exact, &mut session] {
            batch.fill(index, session.input_mut());
            session.run();
        }
        for (layer, (place, powers)) in places.iter().zip(&mut powers).enumerate() {
            let made_map = place.and_then(|at| session.output(Source::Layer(at)));
            let exact = exact.output(Source::Layer(layer));
            let (Some(at), Some(made_map), Some(Tensor::F32(exact))) = (*place, made_map, exact)
            else {
                continue;
            };
            match made.layers()[at].number() {
                Number::F32 => powers.add(exact, made_map, |value| value),
                Number::Code(code) => powers.add(exact, made_map, |value| {
                    (f64::from(value - code.zero as f32) * code.scale) as f32
                }),
            }
        }
    }
    Ok(powers)
}
