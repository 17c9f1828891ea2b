//! The trained network.

use super::Model;
use crate::Error;
use crate::layers::EPSILON;
use tincy_network::{Affine, Convolution, Finish, Network, Number, Op, Weights};

impl Model {
    /// The template with the parameters' values as they are now, normalisation folded in; floats
    /// everywhere, quantizers left out.
    ///
    /// # Errors
    /// If the network cannot be built, which would be a fault of the template.
    pub fn to_network(&self) -> Result<Network, Error> {
        let template = &self.template;
        let builder = template.rebuild(template.input().clone(), |_, layer| match layer.op() {
            Op::Convolution(convolution) => {
                let trained = self.trained(layer.name(), convolution);
                Ok(Op::Convolution(trained))
            }
            op => Ok::<_, Error>(op.clone()),
        })?;
        Ok(builder.build()?)
    }

    fn trained(&self, name: &str, convolution: &Convolution) -> Convolution {
        let mut weights = self.values(name, "weight").to_vec();
        let (factors, bias) = self.fold(name, convolution.out_channels);
        let window = weights.len() / convolution.out_channels;
        for (kernel, factor) in weights.chunks_exact_mut(window).zip(factors) {
            for weight in kernel {
                *weight = (f64::from(*weight) * factor) as f32;
            }
        }
        let activation = match &convolution.finish {
            Finish::Affine(affine) => affine.activation,
            _ => Default::default(),
        };
        Convolution {
            weights: Weights::floats(weights),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: bias.into(),
                activation,
                output: Number::F32,
            }),
            ..convolution.clone()
        }
    }

    /// Factor and bias of each channel: those of the normalisation, where there is one.
    pub(crate) fn fold(&self, name: &str, channels: usize) -> (Vec<f64>, Vec<f32>) {
        let Some(bias) = self.parameters.find(&format!("{name}.bias")) else {
            let [scale, shift, mean, variance] =
                ["scale", "shift", "mean", "variance"].map(|part| self.values(name, part));
            let wide = f64::from;
            let factor = |c: usize| wide(scale[c]) / (wide(variance[c]) + EPSILON).sqrt();
            let factors: Vec<f64> = (0..channels).map(factor).collect();
            let bias = |c: usize| (wide(shift[c]) - wide(mean[c]) * factors[c]) as f32;
            let bias = (0..channels).map(bias).collect();
            return (factors, bias);
        };
        (vec![1.0; channels], self.parameters.get(bias).to_vec())
    }

    fn values(&self, layer: &str, part: &str) -> &[f32] {
        let id = self.parameters.find(&format!("{layer}.{part}"));
        self.parameters
            .get(id.expect("a convolution has all its parameters"))
    }
}
