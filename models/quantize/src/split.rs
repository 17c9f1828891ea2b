//! Convolutions cut before their activation, so that a quantizer fits between.

use crate::rebuilt::Rebuilt;
use crate::{Error, share};
use tincy_network::{Activation, Affine, Convolution, Finish, Network, Op, Source};

/// The name of a convolution's activation.
pub fn activation_name(layer: &str) -> String {
    format!("{layer}.act")
}

/// The activation of a convolution in floats.
pub fn activation(convolution: &Convolution) -> Activation {
    match &convolution.finish {
        Finish::Affine(affine) => affine.activation,
        _ => Activation::Linear,
    }
}

/// The network that computes the same, with activations of their own, named `LAYER.act`, behind
/// convolutions whose maps become codes.
///
/// # Errors
/// If a convolution has codes already.
pub fn split(network: &Network) -> Result<Network, Error> {
    let groups = share::groups(network);
    let mut rebuilt = Rebuilt::new(network)?;
    for (index, layer) in network.layers().iter().enumerate() {
        let is_result = groups.is_result(Source::Layer(index));
        match layer.op() {
            Op::Convolution(whole) if !is_result && activation(whole) != Activation::Linear => {
                let sums = Op::Convolution(linear(layer.name(), whole)?);
                rebuilt.layer(layer.name(), sums, layer.inputs())?;
                let activation = activation(whole);
                rebuilt.behind(
                    &activation_name(layer.name()),
                    Op::Activation { activation },
                )?;
            }
            op => rebuilt.layer(layer.name(), op.clone(), layer.inputs())?,
        }
    }
    rebuilt.finish()
}

fn linear(name: &str, convolution: &Convolution) -> Result<Convolution, Error> {
    let Finish::Affine(affine) = &convolution.finish else {
        return Err(Error::layer(name, "has codes; start from a float network"));
    };
    Ok(Convolution {
        finish: Finish::Affine(Affine {
            activation: Activation::Linear,
            ..affine.clone()
        }),
        ..convolution.clone()
    })
}
