//! A network made trainable.

use super::{Model, Node};
use crate::Error;
use crate::layer::Layer;
use crate::layers::{
    Activate, Add, BatchNorm, Concat, Convolution, Geometry, GlobalAverage, MaxPool, Reorg,
    ScaleChannels, Slice, Statistics, Upsample,
};
use crate::parameters::{Parameters, Role};
use tincy_network::{Affine, Finish, Layer as Described, Network, Number, Op, Source};

/// How a network is made trainable.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What stands behind convolutions.
    pub normalisation: Normalisation,
}

/// Whether batch normalisation stands behind convolutions whose output is no result.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Normalisation {
    /// None: each convolution has a bias.
    #[default]
    None,
    /// By the statistics of the batch, starting as if they were 0 and 1.
    Batch {
        /// Share of the batch in the running statistics.
        momentum: f32,
    },
    /// By running statistics that stay, starting at 0 and 1.
    Frozen,
}

impl Model {
    /// Makes a float network trainable. It computes what the network computes.
    ///
    /// # Errors
    /// If a layer has codes or integer weights, or is of a kind without gradients: the layer, and
    /// why.
    pub fn new(network: &Network, options: Options) -> Result<Model, Error> {
        let mut building = Building {
            model: Model {
                nodes: Vec::new(),
                parameters: Parameters::default(),
                template: network.clone(),
                places: Vec::new(),
            },
            options,
        };
        for (index, layer) in network.layers().iter().enumerate() {
            let is_result = network.outputs().contains(&Source::Layer(index));
            building.layer(layer, is_result)?;
        }
        let Building { model, .. } = building;
        let shape = network.input().shape;
        model.shapes(shape.height, shape.width)?;
        Ok(model)
    }
}

struct Building {
    model: Model,
    options: Options,
}

impl Building {
    fn layer(&mut self, layer: &Described, is_result: bool) -> Result<(), Error> {
        let name = layer.name();
        let inputs: Vec<_> = layer
            .inputs()
            .iter()
            .map(|s| self.model.place(*s))
            .collect();
        if (1..inputs.len()).any(|i| inputs[..i].contains(&inputs[i])) {
            return Err(Error::layer(
                name,
                "reads one map twice, which cannot be trained",
            ));
        }
        let kind: Box<dyn Layer> = match layer.op() {
            Op::Convolution(convolution) => {
                let at = self.convolution(name, convolution, &inputs, is_result)?;
                self.model.places.push(at);
                return Ok(());
            }
            Op::MaxPool(pool) => Box::new(MaxPool(*pool)),
            Op::GlobalAverage => Box::new(GlobalAverage),
            Op::Upsample { factor } => Box::new(Upsample { factor: *factor }),
            Op::Concat => Box::new(Concat),
            Op::Slice { start, count } => Box::new(Slice {
                start: *start,
                count: *count,
            }),
            Op::Add { activation } => Box::new(Add(*activation)),
            Op::ScaleChannels { activation } => Box::new(ScaleChannels(*activation)),
            Op::Reorg { stride } => Box::new(Reorg { stride: *stride }),
            Op::Activation { activation } => Box::new(Activate(*activation)),
            op => {
                let what = format!(
                    "{} has no gradient here; end the network before it",
                    op.name()
                );
                return Err(Error::layer(name, what));
            }
        };
        let at = self.push(name.to_string(), kind, inputs);
        self.model.places.push(at);
        Ok(())
    }

    fn push(&mut self, name: String, layer: Box<dyn Layer>, inputs: Vec<Source>) -> Source {
        self.model.nodes.push(Node {
            name,
            layer,
            inputs,
        });
        Source::Layer(self.model.nodes.len() - 1)
    }

    fn convolution(
        &mut self,
        name: &str,
        convolution: &tincy_network::Convolution,
        inputs: &[Source],
        is_result: bool,
    ) -> Result<Source, Error> {
        let (weights, bias, affine) = floats(name, convolution)?;
        let geometry = Geometry {
            kernel: convolution.kernel,
            stride: convolution.stride,
            dilation: convolution.dilation,
            padding: convolution.padding,
            groups: convolution.groups,
            inputs: weights.len()
                / convolution.out_channels
                / (convolution.kernel[0] * convolution.kernel[1])
                * convolution.groups,
            outputs: convolution.out_channels,
        };
        let parameters = &mut self.model.parameters;
        let weights = parameters.add(format!("{name}.weight"), Role::Weight, &weights);
        let statistics = match self.options.normalisation {
            _ if is_result => None,
            Normalisation::None => None,
            Normalisation::Batch { momentum } => Some(Statistics::Batch { momentum }),
            Normalisation::Frozen => Some(Statistics::Frozen),
        };
        let Some(statistics) = statistics else {
            let bias = parameters.add(format!("{name}.bias"), Role::Bias, &bias);
            let layer = Convolution::new(geometry, weights, Some(bias), affine.activation);
            return Ok(self.push(name.to_string(), Box::new(layer), inputs.to_vec()));
        };
        let channels = bias.len();
        let unit = (1.0 - crate::layers::EPSILON) as f32;
        let own = [
            parameters.add(format!("{name}.scale"), Role::Scale, &vec![1.0; channels]),
            parameters.add(format!("{name}.shift"), Role::Shift, &bias),
            parameters.add(
                format!("{name}.mean"),
                Role::Statistic,
                &vec![0.0; channels],
            ),
            parameters.add(
                format!("{name}.variance"),
                Role::Statistic,
                &vec![unit; channels],
            ),
        ];
        let layer = Convolution::new(geometry, weights, None, Default::default());
        let sums = self.push(name.to_string(), Box::new(layer), inputs.to_vec());
        let norm = BatchNorm::new(own, affine.activation, statistics);
        Ok(self.push(format!("{name}.norm"), Box::new(norm), vec![sums]))
    }
}

/// Weights with the scale inside, bias, and the finish.
fn floats<'a>(
    name: &str,
    convolution: &'a tincy_network::Convolution,
) -> Result<(Vec<f32>, Vec<f32>, &'a Affine), Error> {
    let weights = convolution.weights.as_floats();
    let Finish::Affine(affine) = &convolution.finish else {
        return Err(Error::layer(
            name,
            "has thresholds; training starts from a float network",
        ));
    };
    if weights.is_empty() || affine.output != Number::F32 {
        return Err(Error::layer(
            name,
            "has codes or integers; training starts from a float network",
        ));
    }
    let mut weights = weights.to_vec();
    let window = weights.len() / convolution.out_channels;
    for (kernel, scale) in weights.chunks_exact_mut(window).zip(affine.scale.iter()) {
        kernel.iter_mut().for_each(|weight| *weight *= scale);
    }
    Ok((weights, affine.bias.to_vec(), affine))
}
