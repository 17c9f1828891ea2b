//! Layers that the core would compute wrongly, or wait for: refused before any start, by name.

mod small;

use small::{convolution, network, overlay};
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::accelerator::qnn_mo::Program;
use tincy_network::{
    Affine, Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding, Pool, Shape,
    Source, WeightKind, Weights,
};

/// A convolution of 16 channels to 8 on a map of 6x6, changed; a pool behind it, if one is given.
fn with(change: impl Fn(&mut Convolution), pool: Option<Pool>) -> Network {
    on(Shape::new(6, 6, 16), change, pool)
}

fn on(shape: Shape, change: impl Fn(&mut Convolution), pool: Option<Pool>) -> Network {
    let input = Input {
        shape,
        number: Number::Code(Code::unsigned(3, 1.0)),
        picture: None,
    };
    let mut builder = Builder::new("changed", input).unwrap();
    let Op::Convolution(mut changed) = convolution(&mut 5, shape.channels, 8, 3) else {
        unreachable!()
    };
    change(&mut changed);
    let source = builder
        .layer("conv", Op::Convolution(changed), &[Source::Input])
        .unwrap();
    if let Some(pool) = pool {
        builder.layer("pool", Op::MaxPool(pool), &[source]).unwrap();
    }
    builder.build().unwrap()
}

fn refusal(network: &Network, overlay: &Overlay) -> String {
    let layers = 0..network.layers().len();
    let error = Program::new(network, layers, overlay).unwrap_err();
    error.to_string()
}

fn pool(size: usize, stride: usize, padding: Padding) -> Option<Pool> {
    Some(Pool {
        size: [size; 2],
        stride: [stride; 2],
        padding,
    })
}

fn ternary(c: &mut Convolution) {
    c.weights = Weights::integers(WeightKind::Ternary, &c.weights.unpack()).unwrap();
}

fn multiplied(c: &mut Convolution) {
    let positions = c.kernel[0] * c.kernel[1];
    let channels = c.weights.count() / c.out_channels / positions;
    let weights = c.weights.clone();
    c.weights = weights
        .with_multipliers(channels, vec![100; positions])
        .unwrap();
}

fn floats(c: &mut Convolution) {
    c.finish = Finish::Affine(Affine {
        scale: Default::default(),
        bias: vec![0.0; 8].into(),
        activation: tincy_network::Activation::Linear,
        output: Number::F32,
    });
}

#[test]
fn convolutions_that_the_core_cannot_run() {
    let cases: [(Network, &str); 11] = [
        (
            with(|c| c.stride = [2; 2], None),
            "layer conv: stride: 1 expected, found 2",
        ),
        (
            with(|c| c.dilation = [2; 2], None),
            "layer conv: dilation: 1 expected, found 2",
        ),
        (
            with(
                |c| {
                    c.padding = Padding {
                        top: 1,
                        ..Padding::default()
                    }
                },
                None,
            ),
            "layer conv: padding: 0 0 1 1 expected, found 1 0 0 0",
        ),
        (
            with(ternary, None),
            "layer conv: weights: binary expected, found ternary",
        ),
        (
            with(multiplied, None),
            "layer conv: multipliers by position: 0 expected, found 9",
        ),
        (
            with(floats, None),
            "layer conv: finish: thresholds expected, found affine",
        ),
        (
            on(Shape::new(6, 7, 16), |_| (), None),
            "layer conv: map width: 6 expected, found 7",
        ),
        (
            on(Shape::new(15, 15, 16), |_| (), None),
            "layer conv: padded map: at most 16 expected, found 17",
        ),
        (
            on(Shape::new(6, 6, 129), |_| (), None),
            "layer conv: input channels: at most 128 expected, found 129",
        ),
        (
            with(|_| (), pool(3, 1, Padding::default())),
            "layer pool: pool: 2 expected, found 3",
        ),
        (
            with(|_| (), pool(2, 3, Padding::default())),
            "layer pool: pool stride: at most 2 expected, found 3",
        ),
    ];
    for (network, text) in cases {
        assert_eq!(refusal(&network, &overlay()), text);
    }
}

#[test]
fn codes_and_sums_that_the_core_does_not_hold() {
    let narrow = Overlay {
        activation_bits: 2,
        ..overlay()
    };
    let network = network();
    assert_eq!(
        refusal(&network, &narrow),
        "layer a: input: unsigned codes of at most 2 bits expected, found u3"
    );
    let wide = Overlay {
        max_inputs: 1024,
        ..overlay()
    };
    // 1024 weights of +1 under a kernel of 3: sums up to 64512.
    let ones = |c: &mut Convolution| {
        let weights = vec![1; c.weights.count()];
        c.weights = Weights::integers(WeightKind::Binary, &weights).unwrap();
    };
    assert_eq!(
        refusal(&on(Shape::new(6, 6, 1024), ones, None), &wide),
        "layer conv: sums: -32768 to 32766 expected, found 0 to 64512"
    );
}

#[test]
fn layers_that_are_no_chain() {
    let network = network();
    let overlay = overlay();
    let refusal = |layers| {
        Program::new(&network, layers, &overlay)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal(1..3),
        "layer pool: operation: a convolution first expected, found maxpool"
    );
    assert_eq!(
        refusal(2..2),
        "layer none: range of layers: one at least expected, found an empty one"
    );
}
