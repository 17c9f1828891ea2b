//! A test for every fault that was found: what happened, and what must happen instead.

use tincy_network::{
    Affine, Builder, Code, Convolution, Finish, Input, Number, Op, Padding, Source, Values,
    Weights, file,
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

/// JSON's reader was off by one bit in the last place, so a code's scale could come back from a
/// model file as another number.
#[test]
fn scales_survive_the_model_file_to_the_last_bit() {
    for denominator in 1..2000 {
        let scale = 1_951.464_564_494_937_8 / f64::from(denominator);
        let mut input = Input::rgb(4, 4);
        input.number = Number::Code(Code::unsigned(8, scale));
        let mut builder = Builder::new("n", input).unwrap();
        let slice = Op::Slice { start: 0, count: 1 };
        builder.layer("slice", slice, &[Source::Input]).unwrap();
        let network = builder.build().unwrap();
        let again = file::read(&file::to_bytes(&network), "memory").unwrap();
        assert_eq!(again, network, "{scale}");
    }
}
