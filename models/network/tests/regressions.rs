//! A test for every fault that was found: what happened, and what must happen instead.

use tincy_network::{
    Affine, Builder, Convolution, Finish, Input, Number, Op, Padding, Source, Values, Weights,
};

fn pointwise(padding: Padding, dilation: [usize; 2]) -> Op {
    Op::Convolution(Convolution {
        out_channels: 1,
        kernel: [1, 1],
        stride: [1, 1],
        dilation,
        padding,
        groups: 1,
        weights: Weights::floats(vec![1.0; 3]),
        finish: Finish::Affine(Affine {
            scale: Values::default(),
            bias: vec![0.0].into(),
            activation: Default::default(),
            output: Number::F32,
        }),
    })
}

/// Paddings near the largest integer, and a dilation of 0, got past the shape rules and overflowed
/// later.
#[test]
fn absurd_windows_are_refused_by_name() {
    let huge = Padding {
        bottom: usize::MAX / 2,
        ..Padding::default()
    };
    for (op, what) in [
        (pointwise(huge, [1, 1]), "padding"),
        (pointwise(Padding::default(), [0, 1]), "dilation"),
    ] {
        let mut builder = Builder::new("n", Input::rgb(4, 4)).unwrap();
        let text = builder
            .layer("odd", op, &[Source::Input])
            .unwrap_err()
            .to_string();
        assert!(text.contains("0 (odd)") && text.contains(what), "{text}");
    }
}

/// Reading an empty tensor panicked over the alignment of nothing: every float layer without scales.
#[test]
fn an_empty_tensor_can_be_read() {
    let empty: Values<f32> = Values::default();
    assert!(empty.is_empty());
}
