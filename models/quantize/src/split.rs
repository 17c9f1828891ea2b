//! Convolutions cut before their activation, so that a quantizer fits between.

use crate::{Error, share};
use tincy_network::{Activation, Affine, Builder, Convolution, Finish, Network, Op, Source};

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
    let mut builder = Builder::new(network.name(), network.input().clone())?;
    let groups = share::groups(network);
    let mut places: Vec<Source> = Vec::new();
    let place = |places: &[Source], source: Source| match source {
        Source::Input => Source::Input,
        Source::Layer(index) => places[index],
    };
    for (index, layer) in network.layers().iter().enumerate() {
        let inputs: Vec<_> = layer.inputs().iter().map(|s| place(&places, *s)).collect();
        let is_result = groups.is_result(Source::Layer(index));
        let at = match layer.op() {
            Op::Convolution(whole) if !is_result && activation(whole) != Activation::Linear => {
                let sums = linear(layer.name(), whole)?;
                let sums = builder.layer(layer.name(), Op::Convolution(sums), &inputs)?;
                let activation = activation(whole);
                let act = activation_name(layer.name());
                builder.layer(act, Op::Activation { activation }, &[sums])?
            }
            op => builder.layer(layer.name(), op.clone(), &inputs)?,
        };
        places.push(at);
    }
    for output in network.outputs() {
        builder.output_tensor(place(&places, *output));
    }
    for head in network.heads() {
        let mut head = head.clone();
        head.source = place(&places, head.source);
        builder.head(head);
    }
    builder.classes(network.classes().to_vec());
    for (subject, text) in network.provenance() {
        builder.provenance(subject, text);
    }
    Ok(builder.build()?)
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
