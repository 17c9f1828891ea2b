//! Products and sums with constants: a convolution of one pixel that keeps channels apart.

use super::convolution;
use super::lower::{Lowering, Value};
use super::node::NodeAt;
use super::quantized::each;
use crate::Result;
use tincy_network::{Affine, Finish, Number, Weights};

/// `BatchNormalization` that no convolution before it could take.
pub(super) fn normalization<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<()> {
    let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| node.floats(i));
    let [gamma, beta, mean, variance] = [gamma?, beta?, mean?, variance?];
    let lengths = [beta, mean, variance].map(<[f32]>::len);
    if lengths != [gamma.len(); 3] {
        return Err(node.wrong("its lists differ in number"));
    }
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    let factors = variance.iter().zip(gamma).map(|(variance, gamma)| {
        (f64::from(*gamma) / (f64::from(*variance) + epsilon).sqrt()) as f32
    });
    let factors: Vec<f32> = factors.collect();
    let shifts = (0..factors.len())
        .map(|c| (f64::from(beta[c]) - f64::from(mean[c]) * f64::from(factors[c])) as f32);
    let shifts = shifts.collect();
    scaled(lowering, node, 0, factors, shifts)
}

/// `Add`, `Sub`, `Mul` or `Div` with a constant; `map` is the input that is none.
pub(super) fn constant<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    map: usize,
) -> Result<()> {
    let tensor = lowering.constant(node, 1 - map)?.into_owned();
    let found = tensor.describe();
    let source = lowering.map(node, map)?;
    let channels = lowering.tensor(source).0.channels;
    let wrong = || {
        node.wrong(format!(
            "a constant of {found} is not supported, only a number or one for each channel"
        ))
    };
    let floats = tensor.floats().ok_or_else(wrong)?;
    let along_channels = matches!(tensor.dims[..], [c, 1, 1] | [1, c, 1, 1] if c == channels);
    let floats: Vec<f32> = match floats {
        [number] => vec![*number; channels],
        list if along_channels => list.to_vec(),
        _ => return Err(wrong()),
    };
    let each = |function: fn(f32) -> f32| floats.iter().map(|x| function(*x)).collect();
    let (factors, shifts): (Vec<f32>, Vec<f32>) = match (node.op(), map) {
        ("Add", _) => (vec![1.0; channels], floats),
        ("Sub", 0) => (vec![1.0; channels], each(|x| -x)),
        ("Sub", _) => (vec![-1.0; channels], floats),
        ("Mul", _) => (floats, vec![0.0; channels]),
        ("Div", 0) => (each(|x| 1.0 / x), vec![0.0; channels]),
        _ => return Err(node.wrong("a constant divided by a map is not supported")),
    };
    scaled(lowering, node, map, factors, shifts)
}

/// A factor and a shift for each channel, then the activation that follows.
fn scaled<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    map: usize,
    factors: Vec<f32>,
    shifts: Vec<f32>,
) -> Result<()> {
    let source = lowering.floats(node, map)?;
    let (activation, output) = convolution::activation(lowering, node.output()?)?;
    let finish = Finish::Affine(Affine {
        scale: Default::default(),
        bias: shifts.into(),
        activation,
        output: Number::F32,
    });
    let map = each(lowering, node, source, Weights::floats(factors), finish)?;
    lowering.set(output, Value::Map(map));
    Ok(())
}
