//! The builder: what fits has the right shape, what does not is refused by its layer's name.

use proptest::prelude::*;
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Finish, Input, Number, Op, Padding, Shape,
    Source, Weights,
};

#[derive(Clone, Debug)]
struct Case {
    convolution: Convolution,
    channels: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..9, 1usize..9, 0usize..5, 0usize..4, 0usize..4);
    let errors = (-1i64..2, -1i64..2, 0usize..3);
    (sizes, errors).prop_map(
        |((channels, out, kernel, stride, groups), (w, b, padding))| {
            let window = kernel * kernel * channels.checked_div(groups).unwrap_or(0);
            // Mostly right, sometimes one too many or too few.
            let count = |right: usize, off: i64| {
                (right as i64 + off * i64::from(right.is_multiple_of(3))).max(0)
            };
            let convolution = Convolution {
                out_channels: out,
                kernel: [kernel; 2],
                stride: [stride; 2],
                dilation: [1; 2],
                padding: Padding::same(padding),
                groups,
                weights: Weights::floats(vec![0.0; count(window * out, w) as usize]),
                finish: Finish::Affine(Affine {
                    scale: Default::default(),
                    bias: vec![0.0; count(out, b) as usize].into(),
                    activation: Activation::Linear,
                    output: Number::F32,
                }),
            };
            Case {
                convolution,
                channels,
            }
        },
    )
}

/// The output's side by the textbook, for an input of 6 pixels.
fn expected(case: &Case) -> Option<usize> {
    let c = &case.convolution;
    let (kernel, stride, groups) = (c.kernel[0], c.stride[0], c.groups);
    if kernel == 0 || stride == 0 || groups == 0 {
        return None;
    }
    let divides = case.channels.is_multiple_of(groups) && c.out_channels.is_multiple_of(groups);
    let window = kernel * kernel * case.channels / groups;
    let Finish::Affine(affine) = &c.finish else {
        return None;
    };
    let counts =
        c.weights.count() == window * c.out_channels && affine.bias.len() == c.out_channels;
    let room = 6 + 2 * c.padding.top;
    (divides && counts && kernel <= room).then(|| (room - kernel) / stride + 1)
}

proptest! {
    #[test]
    fn mismatches_are_refused_by_the_layers_name(case in cases()) {
        let input = Input {
            shape: Shape::new(6, 6, case.channels),
            number: Number::F32,
            picture: None,
        };
        let mut builder = Builder::new("net", input).unwrap();
        builder.layer("first", Op::Activation { activation: Activation::Relu }, &[Source::Input]).unwrap();
        let op = Op::Convolution(case.convolution.clone());
        match (builder.layer("suspect", op, &[Source::Layer(0)]), expected(&case)) {
            (Ok(source), Some(side)) => {
                let shape = Shape::new(side, side, case.convolution.out_channels);
                prop_assert_eq!(builder.tensor(source), (shape, Number::F32));
            }
            (Err(error), None) => {
                let error = error.to_string();
                prop_assert!(error.starts_with("layer 1 (suspect): "), "{}", error);
                prop_assert!(error.contains(": expected ") && error.contains(", found "), "{}", error);
            }
            (built, expected) => prop_assert!(false, "{:?} built, {:?} expected", built, expected),
        }
    }
}

#[test]
fn names_sources_and_ends_are_checked() {
    let relu = || Op::Activation {
        activation: Activation::Relu,
    };
    let mut builder = Builder::new("net", Input::rgb(4, 4)).unwrap();
    let first = builder.layer("same", relu(), &[Source::Input]).unwrap();
    let mut refused = |name: &str, op: Op, inputs: &[Source], expected: &str| {
        let error = builder.layer(name, op, inputs).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(
        "same",
        relu(),
        &[first],
        "layer 1 (same): name: expected one that is not taken",
    );
    refused(
        "later",
        relu(),
        &[Source::Layer(1)],
        "layer 1 (later): input: expected an earlier layer, found 1",
    );
    refused(
        "lonely",
        relu(),
        &[],
        "layer 1 (lonely): number of inputs: expected 1, found 0",
    );
    let add = Op::Add {
        activation: Activation::Linear,
    };
    refused(
        "sum",
        add,
        &[first],
        "layer 1 (sum): number of inputs: expected 2, found 1",
    );
    let empty = Builder::new("net", Input::rgb(4, 4)).unwrap().build();
    assert_eq!(empty.unwrap_err().to_string(), "network: there is no layer");
    assert!(Builder::new("net", Input::rgb(0, 4)).is_err());
}

/// Codes are added only where nothing could be lost without a word.
#[test]
fn maps_of_codes_are_added_in_one_format_only() {
    let code = Number::Code(Code::unsigned(4, 0.5));
    let input = Input {
        shape: Shape::new(4, 4, 6),
        number: code,
        picture: None,
    };
    let mut builder = Builder::new("net", input).unwrap();
    let slice = |start, count| Op::Slice { start, count };
    let [a, b] = [0, 3].map(|start| {
        let name = format!("from {start}");
        builder
            .layer(name, slice(start, 3), &[Source::Input])
            .unwrap()
    });
    let narrow = builder.layer("narrow", slice(0, 1), &[a]).unwrap();
    let add = |activation| Op::Add { activation };
    let sum = builder
        .layer("sum", add(Activation::Linear), &[a, b])
        .unwrap();
    assert_eq!(builder.tensor(sum), (Shape::new(4, 4, 3), code));
    let mut refused = |name: &str, activation, second, expected: &str| {
        let error = builder.layer(name, add(activation), &[a, second]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused("bent", Activation::Relu, b, "activation of codes");
    refused("thin", Activation::Linear, narrow, "second input");
}
