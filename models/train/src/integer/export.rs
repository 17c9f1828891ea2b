//! The trained network in integers.

use super::prepare::{Plan, map_step, sums_step};
use crate::{Error, Model};
use tincy_network::{Code, Convolution, Network, Op, Source};
use tincy_quantize::filters::{Filters, Target};
use tincy_quantize::split::activation;
use tincy_quantize::sums::Sums;

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
        let (_, bias) = model.fold(name, convolution.out_channels);
        let filters = Filters::new(weights, &codes.scales, input.scale, bias);
        let map = Source::Layer(index);
        let target = match self.groups.is_result(map) {
            true => Target::Floats,
            false => {
                let output = self.code(model, map);
                let sums = self.sums.get(&index);
                let sums = sums.map(|code| learned(model, &sums_step(name), *code));
                Target::Codes {
                    sums: Sums::of(sums.unwrap_or(output)),
                    output,
                }
            }
        };
        let activation = activation(convolution);
        Ok(filters.convolution(name, convolution, activation, target)?)
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
