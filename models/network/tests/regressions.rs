//! A test for every fault that was found: what happened, and what must happen instead.

mod forge;

use forge::forged_of;
use tincy_network::{
    Affine, Builder, Code, Convolution, Finish, Head, HeadKind, Input, Network, Number, Op,
    Padding, Source, Values, WeightKind, Weights, file,
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

/// A network of two joins and a convolution.
fn small() -> Network {
    let mut builder = Builder::new("n", Input::rgb(4, 4)).unwrap();
    let mut source = Source::Input;
    for name in ["a", "b"] {
        let inputs = [source, Source::Input];
        source = builder.layer(name, Op::Concat, &inputs).unwrap();
    }
    let odd = pointwise(Padding::default(), [1, 1]);
    builder.layer("c", odd, &[Source::Input]).unwrap();
    builder.build().unwrap()
}

/// A description with more weights than can be counted in bits overflowed before its tensor was
/// looked at.
#[test]
fn weights_beyond_counting_are_refused() {
    for count in [usize::MAX, usize::MAX / 32 + 1] {
        let to = format!(r#"\"count\":{count}"#);
        let file = forged_of(&small(), r#"\"count\":3"#, &to);
        let error = file::read(&file, "odd.tincy").unwrap_err().to_string();
        assert!(error.contains("number of weights"), "{error}");
    }
    assert_eq!(WeightKind::F32.bytes(usize::MAX), usize::MAX.div_ceil(8));
}

/// A map can claim 2^30 channels without a byte in the file; each class of a head over it got a name.
#[test]
fn classes_beyond_any_network_are_refused() {
    let mut builder = Builder::new("n", Input::rgb(1, 1)).unwrap();
    let mut source = Source::Input;
    for i in 0..28 {
        let name = format!("twice{i}");
        source = builder.layer(name, Op::Concat, &[source, source]).unwrap();
    }
    builder.head(Head {
        source,
        classes: (3 << 28) - 5,
        kind: HeadKind::Yolox { stride: 1 },
    });
    let error = builder.build().unwrap_err().to_string();
    assert!(error.contains("at most 65536 classes"), "{error}");
}

/// Each result was looked for among all before it, so a header of 16 MiB took hours.
#[test]
fn results_beyond_any_network_are_refused() {
    let many: Vec<String> = (0..5000).map(|i| format!(r#"{{\"layer\":{i}}}"#)).collect();
    let from = r#"\"outputs\":[{\"layer\":2}]"#;
    let to = format!(r#"\"outputs\":[{}]"#, many.join(","));
    let file = forged_of(&small(), from, &to);
    let error = file::read(&file, "odd.tincy").unwrap_err().to_string();
    assert!(error.contains("5000 results, at most 4096"), "{error}");
}
