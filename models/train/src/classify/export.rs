//! A trained classifier in integers: its digits, its bytes.

use super::course::is_named;
use crate::augment::Chance;
use crate::idx::Digits;
use crate::low_bit::export;
use crate::{Error, Model, Tape};
use rayon::prelude::*;
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Plan, Session};
use tincy_network::{Code, Convolution, Input, Network, Number, Op, WeightKind, Weights, file};

/// A classifier whose activations are [`Uniform`](crate::quantizers::Method::Uniform) of `bits` bits, in
/// integers: pixels are codes of 8 bits, and thresholds stand behind all layers but the last.
///
/// # Errors
/// If a layer has float weights.
pub fn to_integers(model: &mut Model, bits: u8) -> Result<Network, Error> {
    let input = model.template().input().clone();
    let pixel = Code::unsigned(8, 1.0 / 255.0);
    let step = 1.0 / f64::from((1u32 << bits) - 1);
    let maps = export::Maps {
        input: Input {
            number: Number::Code(pixel),
            ..input
        },
        input_step: pixel.scale,
        code: Code::unsigned(bits, step),
        step,
    };
    export::to_integers(model, &maps)
}

/// The part of digits that a classifier in integers names rightly, on the engine that `tincy` has.
///
/// # Errors
/// If the engine cannot run the network.
pub fn accuracy_of_integers(network: &Network, tape: &Tape, digits: &Digits) -> Result<f64, Error> {
    let plan = Plan::new(network, &Default::default())?;
    let pictures = digits.pixels.par_chunks_exact(digits.rows * digits.columns);
    let is_right = |session: &mut Session, (pixels, label): (&[u8], &u8)| {
        if let TensorMut::U8(codes) = session.input_mut() {
            codes.copy_from_slice(pixels);
        }
        session.run();
        let result = session.output(network.outputs()[0]);
        let scores = result.expect("a classifier has a result").floats();
        usize::from(is_named(scores, *label))
    };
    let right: usize = tape.install(|| {
        let digits = pictures.zip(&digits.labels);
        digits.map_init(|| Session::new(&plan), is_right).sum()
    });
    Ok(right as f64 / digits.labels.len().max(1) as f64)
}

/// Bytes of the file of a network that is the same but for dense weights of a kind in all layers
/// but the last, signs by chance.
///
/// # Errors
/// If the kind is not for weights of -1 and 1.
pub fn dense_twin(network: &Network, kind: WeightKind) -> Result<usize, Error> {
    let last = network.layers().len() - 1;
    let mut chance = Chance::new(1, 2, 3);
    let input = network.input().clone();
    let twin = network.rebuild(input, |index, layer| match layer.op() {
        Op::Convolution(sparse) if index != last => {
            // Without zeros, so that nothing is stored as runs of them.
            let signs = (0..sparse.weights.count()).map(|_| [-1, 1][chance.below(2)]);
            let weights: Vec<i8> = signs.collect();
            Ok(Op::Convolution(Convolution {
                weights: Weights::integers(kind, &weights)?,
                ..sparse.clone()
            }))
        }
        op => Ok::<_, Error>(op.clone()),
    })?;
    Ok(file::to_bytes(&twin.build()?).len())
}
