//! Whole networks: what a plan fuses, shares and keeps must not show in the results.

use tincy_engine::tensor::Tensor;
use tincy_engine::{Backend, Error, Options, Plan, Session};
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding,
    Pool, Requantize, Shape, Source, Thresholds, WeightKind, Weights,
};

/// Small numbers that look random.
fn noise(count: usize, levels: i64) -> impl Iterator<Item = i64> {
    (0..count as u64).map(move |i| {
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29) % levels as u64) as i64
    })
}

fn convolution(weights: Weights, inputs: usize, outputs: usize, kernel: usize, to: Number) -> Op {
    let scale = noise(outputs, 9)
        .map(|n| 0.02 * (n as f32 + 1.0))
        .collect::<Vec<_>>();
    assert_eq!(weights.count(), kernel * kernel * inputs * outputs);
    Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [kernel; 2],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::same(kernel / 2),
        groups: 1,
        weights,
        finish: Finish::Affine(Affine {
            scale: scale.into(),
            bias: noise(outputs, 5)
                .map(|n| 0.1 * n as f32)
                .collect::<Vec<_>>()
                .into(),
            activation: Activation::LEAKY,
            output: to,
        }),
    })
}

fn floats(count: usize) -> Weights {
    Weights::floats(noise(count, 21).map(|n| 0.05 * (n - 10) as f32).collect())
}

fn binary(count: usize) -> Weights {
    let signs: Vec<i8> = noise(count, 2).map(|n| 2 * n as i8 - 1).collect();
    Weights::integers(WeightKind::Binary, &signs).unwrap()
}

/// Every kind of layer; maps with one and with several readers, aliases, a second output.
fn network() -> Network {
    let mut net = Builder::new("everything", Input::rgb(16, 12)).unwrap();
    let code = Number::Code(Code::unsigned(3, 0.3));
    let pool = Op::MaxPool(Pool {
        size: [2, 2],
        stride: [2, 2],
        padding: Padding::default(),
    });
    let act = |activation| Op::Activation { activation };
    let (relu, mish) = (Activation::Relu, Activation::Mish);
    let mut add = |name: &str, op: Op, inputs: &[Source]| net.layer(name, op, inputs).unwrap();
    let first = add(
        "first",
        convolution(floats(27 * 8), 3, 8, 3, code),
        &[Source::Input],
    );
    let hidden = add(
        "hidden",
        convolution(binary(72 * 16), 8, 16, 3, code),
        &[first],
    );
    let pooled = add("pool", pool.clone(), &[hidden]);
    let alias = add("alias", Op::Concat, &[pooled]);
    let wide = add(
        "wide",
        convolution(binary(16 * 8), 16, 8, 1, code),
        &[alias],
    );
    let shared = add("shared", pool.clone(), &[wide]);
    let large = add("large", Op::Upsample { factor: 2 }, &[shared]);
    let joined = add("joined", Op::Concat, &[wide, large, pooled]);
    let to_float = convolution(binary(32 * 8), 32, 8, 1, Number::F32);
    let float = add("float", to_float, &[joined]);
    let part = add("part", Op::Slice { start: 3, count: 4 }, &[float]);
    let sum = add("sum", Op::Add { activation: relu }, &[float, part]);
    let mish = add("mish", act(mish), &[sum]);
    let mean = add("mean", Op::GlobalAverage, &[mish]);
    let gate = add("gate", act(Activation::Logistic), &[mean]);
    let scaled = add(
        "scaled",
        Op::ScaleChannels { activation: relu },
        &[mish, gate],
    );
    let reorg = add("reorg", Op::Reorg { stride: 2 }, &[scaled]);
    let fused = add(
        "fused",
        convolution(floats(32 * 4), 32, 4, 1, Number::F32),
        &[reorg],
    );
    let end = add("end", pool, &[fused]);
    let chances = add("chances", Op::Softmax, &[end]);
    net.output_tensor(chances);
    net.output_tensor(wide);
    net.build().unwrap()
}

fn session(network: &Network, options: Options) -> Session {
    let mut session = Session::new(&Plan::new(network, &options).unwrap());
    let input = session.input_mut().floats();
    for (value, n) in input.iter_mut().zip(noise(16 * 12 * 3, 256)) {
        *value = n as f32 / 255.0;
    }
    session.run();
    session
}

fn values(map: Tensor<'_>) -> Vec<f32> {
    (0..map.len()).map(|i| map.get(i)).collect()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= 1e-5 * (1.0 + b.abs()),
            "{what}: element {i} is {a}, not {b}"
        );
    }
}

#[test]
fn all_backends_and_plans_give_the_same() {
    let network = network();
    let options = Options {
        backend: Backend::Reference,
        keep_all: true,
        ..Options::default()
    };
    let reference = session(&network, options);
    for backend in Backend::available() {
        for (threads, keep_all) in [(1, false), (1, true), (2, false), (3, true)] {
            let options = Options {
                threads,
                backend,
                keep_all,
                ..Options::default()
            };
            let session = session(&network, options);
            for index in 0..network.layers().len() {
                let source = Source::Layer(index);
                let found = session.output(source);
                assert!(found.is_some() || !keep_all, "layer {index} is not kept");
                if let Some(found) = found {
                    let what = format!("{backend} {threads} {}", network.layers()[index].name());
                    let expected = reference.output(source).unwrap();
                    assert_close(&values(found), &values(expected), &what);
                }
            }
            for output in network.outputs() {
                assert!(session.output(*output).is_some());
            }
        }
    }
}

#[test]
fn maps_share_memory_and_a_run_can_be_repeated() {
    let network = network();
    let all = Options {
        keep_all: true,
        ..Options::default()
    };
    let (small, large) = (
        Plan::new(&network, &Options::default()).unwrap(),
        Plan::new(&network, &all).unwrap(),
    );
    assert!(small.memory_bytes() < large.memory_bytes());
    let mut session = session(&network, Options::default());
    let output = network.outputs()[0];
    let before = values(session.output(output).unwrap());
    session.run();
    assert_eq!(values(session.output(output).unwrap()), before);
}

#[test]
fn a_plan_counts_the_operations_of_its_steps() {
    let network = network();
    let plan = Plan::new(&network, &Options::default()).unwrap();
    let sum: u64 = plan.steps().iter().map(|step| step.operations()).sum();
    assert_eq!(sum, network.total_operations());
    let mut times = vec![std::time::Duration::MAX; plan.steps().len()];
    Session::new(&plan).run_timed(&mut times);
    assert!(times.iter().all(|time| *time < std::time::Duration::MAX));
}

#[test]
fn sums_that_could_overflow_are_refused() {
    let input = Input {
        shape: Shape::new(1, 1, 70_000),
        number: Number::Code(Code::unsigned(8, 1.0)),
        picture: None,
    };
    let mut net = Builder::new("wide", input).unwrap();
    let weights = Weights::integers(WeightKind::Int { bits: 8 }, &vec![-128; 70_000]).unwrap();
    net.layer(
        "sum",
        convolution(weights, 70_000, 1, 1, Number::F32),
        &[Source::Input],
    )
    .unwrap();
    let error = Plan::new(&net.build().unwrap(), &Options::default()).unwrap_err();
    assert!(matches!(error, Error::Accumulator { .. }), "{error}");
    assert!(error.to_string().contains("0 (sum)"), "{error}");
}

/// A bias is added in the sum's own 32 bits, so it is part of what is proved.
#[test]
fn integer_biases_count_in_the_proof() {
    let plan = |bias: i32| {
        let code = Code::unsigned(8, 1.0);
        let input = Input {
            shape: Shape::new(1, 1, 2),
            number: Number::Code(code),
            picture: None,
        };
        let mut net = Builder::new("biased", input).unwrap();
        let weights = Weights::integers(WeightKind::Int { bits: 8 }, &[127, -1]).unwrap();
        let Op::Convolution(mut layer) = convolution(weights, 2, 1, 1, Number::F32) else {
            unreachable!("a convolution");
        };
        layer.finish = Finish::Requantize(Box::new(Requantize {
            negative_shift: 0,
            bias: vec![bias].into(),
            multiplier: vec![1].into(),
            shift: vec![0].into(),
            code,
            table: None,
        }));
        net.layer("sum", Op::Convolution(layer), &[Source::Input])
            .unwrap();
        Plan::new(&net.build().unwrap(), &Options::default()).map(drop)
    };
    // Sums run from -255 to 127 * 255.
    assert!(plan(i32::MAX - 127 * 255).is_ok());
    assert!(plan(i32::MIN + 255).is_ok());
    for bias in [i32::MAX - 127 * 255 + 1, i32::MIN + 254] {
        assert!(matches!(plan(bias), Err(Error::Accumulator { .. })));
    }
}

#[test]
fn impossible_options_are_refused() {
    let network = network();
    let foreign = if cfg!(target_arch = "aarch64") {
        Backend::Avx2
    } else {
        Backend::Neon
    };
    let options = Options {
        backend: foreign,
        ..Options::default()
    };
    let error = Plan::new(&network, &options).unwrap_err();
    assert!(matches!(error, Error::Backend { .. }), "{error}");
    let options = Options {
        threads: 0,
        ..Options::default()
    };
    assert!(matches!(
        Plan::new(&network, &options),
        Err(Error::Threads { .. })
    ));
}

#[test]
fn a_first_layer_rounds_to_16_bits_only_when_asked() {
    let code = Code {
        bits: 8,
        signed: true,
        scale: 1.0,
        zero: 0,
    };
    let input = Input {
        shape: Shape::new(9, 9, 3),
        number: Number::Code(code),
        picture: None,
    };
    let mut net = Builder::new("first", input).unwrap();
    let weights: Vec<i8> = noise(27 * 16, 255).map(|n| (n - 127) as i8).collect();
    let weights = Weights::integers(WeightKind::Int { bits: 8 }, &weights).unwrap();
    let op = convolution(weights, 3, 16, 3, Number::F32);
    net.layer("conv", op, &[Source::Input]).unwrap();
    let network = net.build().unwrap();
    let kernel = |first_layer16| {
        let options = Options {
            first_layer16,
            ..Options::default()
        };
        Plan::new(&network, &options).unwrap().steps()[0].kernel()
    };
    assert!(!kernel(false).contains("16"), "{}", kernel(false));
    assert!(kernel(true).contains("16"), "{}", kernel(true));
}

/// A convolution with a pool after it, then a dense layer; one weight in `one_in` is not zero.
fn ternary(one_in: i64) -> Network {
    let code = Code::unsigned(2, 1.0);
    let input = Input {
        shape: Shape::new(24, 24, 64),
        number: Number::Code(code),
        picture: None,
    };
    let mut net = Builder::new("ternary", input).unwrap();
    let mut add = |name: &str, side: usize, inputs: usize, padding: usize, from: Source| {
        let draw = |n| {
            if n % one_in == 0 {
                1 - 2 * (n / one_in % 2)
            } else {
                0
            }
        };
        let weights = noise(side * side * inputs * 64, 2 * one_in).map(|n| draw(n) as i8);
        let weights: Vec<i8> = weights.collect();
        let step = (side * side * inputs) as i32 / one_in as i32 / 8 + 1;
        let thresholds: Vec<i32> = (0..3 * 64).map(|i| (i % 3 - 1) * step).collect();
        let op = Op::Convolution(Convolution {
            out_channels: 64,
            kernel: [side; 2],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::same(padding),
            groups: 1,
            weights: Weights::integers(WeightKind::Ternary, &weights).unwrap(),
            finish: Finish::Thresholds(Thresholds {
                code,
                values: thresholds.into(),
            }),
        });
        net.layer(name, op, &[from]).unwrap()
    };
    let first = add("first", 3, 64, 1, Source::Input);
    let dense = add("dense", 24, 64, 0, first);
    net.output_tensor(dense);
    net.build().unwrap()
}

/// The codes of both layers.
fn codes(network: &Network, options: Options) -> (Vec<&'static str>, Vec<Vec<f32>>) {
    let mut session = Session::new(&Plan::new(network, &options).unwrap());
    let input = session.input_mut().unsigned();
    for (code, n) in input.iter_mut().zip(noise(24 * 24 * 64, 4)) {
        *code = n as u8;
    }
    session.run();
    let maps = (0..2).map(|index| values(session.output(Source::Layer(index)).unwrap()));
    let kernels = session.plan().steps().iter().map(|step| step.kernel());
    (kernels.collect(), maps.collect())
}

#[test]
fn layers_of_few_weights_get_the_sparse_kernels() {
    for (one_in, sparse) in [(50, true), (1, false)] {
        let network = ternary(one_in);
        let options = |backend| Options {
            backend,
            keep_all: true,
            ..Options::default()
        };
        let (_, expected) = codes(&network, options(Backend::Reference));
        assert!(expected[1].iter().any(|code| *code != expected[1][0]));
        for backend in Backend::available().filter(|b| *b != Backend::Reference) {
            let (kernels, found) = codes(&network, options(backend));
            assert!(found == expected, "{backend}: {kernels:?}");
            // Without shuffles, look-ups are slow, and additions pay for any weights.
            if sparse || backend != Backend::Portable {
                let names = kernels.iter().map(|name| name.contains("sparse"));
                assert!(names.eq([sparse; 2]), "{backend}: {kernels:?}");
            }
        }
    }
}
