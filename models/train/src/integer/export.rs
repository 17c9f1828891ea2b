//! The trained network in integers.

use super::prepare::{Plan, map_step, sums_step};
use super::split;
use crate::model::export::{bits, results};
use crate::{Error, Model};
use tincy_network::requantize::Factor;
use tincy_network::{
    Activation, Code, Convolution, Finish, Network, Op, Requantize, Source, Table, WeightKind,
    Weights,
};

/// The step of sums that are always zero.
const UNUSED_STEP: f64 = 1.0 / 65536.0;

impl Plan {
    /// The trained network in integers, layer by layer that of the start.
    ///
    /// # Errors
    /// If a factor or a bias is beyond what integers can say: the layer.
    pub fn to_integers(&self, model: &mut Model) -> Result<Network, Error> {
        let input = self.start.input();
        let builder = self
            .start
            .rebuild(input.clone(), |index, layer| match layer.op() {
                Op::Convolution(convolution) => {
                    let input = self.code(model, layer.inputs()[0]);
                    let exported = self.convolution(model, index, convolution, input)?;
                    Ok(Op::Convolution(exported))
                }
                op => Ok::<_, Error>(op.clone()),
            })?;
        Ok(builder.build()?)
    }

    /// The code of a map as trained.
    fn code(&self, model: &Model, map: Source) -> Code {
        let group = self.groups.of(map);
        learned(model, &map_step(group), self.maps[&group])
    }

    fn convolution(
        &self,
        model: &mut Model,
        index: usize,
        convolution: &Convolution,
        input: Code,
    ) -> Result<Convolution, Error> {
        let name = self.start.layers()[index].name();
        let codes = model.weight_codes(name)?;
        let weights: Vec<i8> = codes.codes.iter().map(|code| *code as i8).collect();
        let filters = weights.chunks_exact(weights.len() / convolution.out_channels);
        let steps = codes.scales.iter().zip(filters);
        let steps: Vec<f64> = steps
            .map(
                |(step, filter)| match filter.iter().all(|weight| *weight == 0) {
                    // Whatever it is: such that the bias can be told.
                    true => UNUSED_STEP,
                    false => input.scale * f64::from(*step),
                },
            )
            .collect();
        let (_, bias) = model.fold(name, convolution.out_channels);
        let finish = if self.groups.is_result(Source::Layer(index)) {
            results(&steps, bias, split::activation(convolution))
        } else {
            let output = self.code(model, Source::Layer(index));
            let sums = self.sums.get(&index);
            let code = sums.map(|code| learned(model, &sums_step(name), *code));
            let requantize = requantize(name, &steps, &bias, code.unwrap_or(output))?;
            let activation = split::activation(convolution);
            let table = |code| Table::of(code, output, |value| activation.apply(value));
            Finish::Requantize(Box::new(Requantize {
                table: code.filter(|_| activation != Activation::Linear).map(table),
                ..requantize
            }))
        };
        let bits = bits(&weights);
        Ok(Convolution {
            weights: Weights::integers(WeightKind::Int { bits }, &weights)?,
            finish,
            ..convolution.clone()
        })
    }
}

/// A code with its trained step.
fn learned(model: &Model, parameter: &str, code: Code) -> Code {
    let step = model.parameters().find(parameter);
    let step = step.map(|id| f64::from(model.parameters().get(id)[0]));
    Code {
        scale: step.unwrap_or(code.scale),
        ..code
    }
}

/// Sums of so large steps to a code, the bias in units of the sum.
fn requantize(name: &str, steps: &[f64], bias: &[f32], code: Code) -> Result<Requantize, Error> {
    let refused = |what: &str| Error::layer(name, format!("{what} is beyond integers"));
    let factors = steps.iter().map(|step| {
        let factor = Factor::nearest(step / code.scale);
        factor.ok_or_else(|| refused("a factor"))
    });
    let factors = factors.collect::<Result<Vec<_>, _>>()?;
    let biases = steps.iter().zip(bias).map(|(step, bias)| {
        let bias = (f64::from(*bias) / step).round();
        let fits = bias.abs() <= f64::from(1 << 30);
        fits.then_some(bias as i32).ok_or_else(|| refused("a bias"))
    });
    Ok(Requantize {
        bias: biases.collect::<Result<Vec<_>, _>>()?.into(),
        multiplier: factors
            .iter()
            .map(|f| f.multiplier)
            .collect::<Vec<_>>()
            .into(),
        shift: factors.iter().map(|f| f.shift).collect::<Vec<_>>().into(),
        code,
        table: None,
    })
}
