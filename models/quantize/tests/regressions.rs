//! What was once wrong.

use tincy_network::{
    Activation, Affine, Builder, Convolution, Finish, Input, Network, Number, Op, Padding, Shape,
    Source, Weights,
};
use tincy_quantize::{Options, quantize};

/// Numbers from -1 to 1 that look like chance.
fn noise(seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn affine(bias: usize, activation: Activation) -> Finish {
    Finish::Affine(Affine {
        scale: Default::default(),
        bias: vec![0.1; bias].into(),
        activation,
        output: Number::F32,
    })
}

fn convolution(weights: Vec<f32>, outputs: usize, activation: Activation) -> Op {
    Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Default::default(),
        groups: 1,
        weights: Weights::floats(weights),
        finish: affine(outputs, activation),
    })
}

/// A map of eight channels whose sizes go from 0.05 to 50, then a depthwise and a dense layer that bring all of them to bear.
fn uneven(activation: Activation) -> Network {
    let size = |o: usize| 0.05 * 2.683f32.powi(o as i32);
    let input = Input {
        shape: Shape::new(12, 12, 4),
        number: Number::F32,
        picture: None,
    };
    let mut builder = Builder::new("uneven", input).unwrap();
    let weights = noise(1).take(32).enumerate();
    let weights = weights.map(|(i, w)| 2.0 * w * size(i / 4)).collect();
    let first = convolution(weights, 8, activation);
    let first = builder.layer("first", first, &[Source::Input]).unwrap();
    let weights = noise(2).take(72).enumerate();
    let weights = weights.map(|(i, w)| w / size(i / 9)).collect();
    let depthwise = Op::Convolution(Convolution {
        out_channels: 8,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::same(1),
        groups: 8,
        weights: Weights::floats(weights),
        finish: affine(8, activation),
    });
    let depthwise = builder.layer("depthwise", depthwise, &[first]).unwrap();
    let last = convolution(noise(3).take(16).collect(), 2, Activation::Linear);
    let last = builder.layer("last", last, &[depthwise]).unwrap();
    builder.output_tensor(last);
    builder.build().unwrap()
}

/// One code for all channels behind SiLU lost the small ones: a detector found a third less.
#[test]
fn channels_of_uneven_sizes_keep_their_values() {
    for activation in [Activation::Swish, Activation::HardSwish, Activation::LEAKY] {
        let signal = |equalize: bool| {
            let mut inputs = (0..8).map(|i| noise(10 + i).take(12 * 12 * 4).collect());
            let options = Options {
                equalize,
                ..Options::default()
            };
            let level = "w8a8".parse().unwrap();
            let (_, report) = quantize(&uneven(activation), level, &mut inputs, options).unwrap();
            report.layers.last().unwrap().sqnr_db.unwrap()
        };
        let [one_code, equalized] = [signal(false), signal(true)];
        assert!(equalized > 33.0, "{activation:?}: {equalized} dB");
        assert!(
            equalized > one_code + 10.0,
            "{activation:?}: {one_code}, {equalized} dB"
        );
    }
}
