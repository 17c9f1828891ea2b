//! A float network in the form that everything starts from: codes at its input, scales inside weights.

use crate::Error;
use crate::share::{self, Groups, shares};
use tincy_network::{
    Affine, Code, Convolution, Finish, Input, Network, Number, Op, WeightKind, Weights,
};

/// The network that computes the same from codes: where it read floats, the weights that read them take
/// the code's step in.
///
/// # Errors
/// If the network has codes inside already, or a layer that needs floats reads the input.
pub fn start(network: &Network, code: Code) -> Result<Network, Error> {
    let groups = share::groups(network);
    let factor = match network.input().number {
        Number::F32 => code.scale,
        Number::Code(_) => 1.0,
    };
    let input = Input {
        number: Number::Code(code),
        ..network.input().clone()
    };
    let builder = network.rebuild(input, |_, layer| {
        let reads_input = |groups: &Groups| layer.inputs().iter().any(|map| groups.is_input(*map));
        match layer.op() {
            Op::Convolution(convolution) => {
                let factor = if reads_input(&groups) { factor } else { 1.0 };
                let folded = folded(convolution, factor);
                folded.map(Op::Convolution).ok_or_else(|| {
                    let what = "has codes already; start from the float network";
                    Error::layer(layer.name(), what)
                })
            }
            op if reads_input(&groups) && !shares(network, layer) => {
                let what = format!("{} of the input has no form in integers", op.name());
                Err(Error::layer(layer.name(), what))
            }
            op => Ok(op.clone()),
        }
    })?;
    Ok(builder.build()?)
}

/// A float convolution with its scale, and a factor, inside its weights.
fn folded(convolution: &Convolution, factor: f64) -> Option<Convolution> {
    let Finish::Affine(affine) = &convolution.finish else {
        return None;
    };
    if affine.output != Number::F32 || convolution.weights.kind() != WeightKind::F32 {
        return None;
    }
    let scale = |o: usize| affine.scale.get(o).map_or(1.0, |scale| f64::from(*scale));
    let window = convolution.weights.count() / convolution.out_channels;
    let weights = convolution.weights.as_floats().iter().enumerate();
    let weights =
        weights.map(|(at, weight)| (f64::from(*weight) * scale(at / window) * factor) as f32);
    Some(Convolution {
        weights: Weights::floats(weights.collect()),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            ..affine.clone()
        }),
        ..convolution.clone()
    })
}
