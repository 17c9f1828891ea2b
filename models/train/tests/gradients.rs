//! Every gradient against quotients of differences.

mod support;

use support::{Conv, Numbers, builder, pool};
use tincy_network::graph::Builder;
use tincy_network::{Activation, Network, Op, Padding, Pool, Source};
use tincy_train::model::{Normalisation, Options};
use tincy_train::{Model, Tape};

const PICTURES: usize = 3;

/// A model, its input, and random factors that make one number of its results.
struct Check {
    model: Model,
    tape: Tape,
    inputs: Vec<Vec<f32>>,
    numbers: Numbers,
}

impl Check {
    fn new(network: &Network, options: Options) -> Check {
        let model = Model::new(network, options).unwrap();
        let mut numbers = Numbers::new(77);
        let shape = network.input().shape;
        let mut tape = Tape::new(pool(2));
        tape.want_input_gradient();
        tape.begin(&model, PICTURES, shape.height, shape.width)
            .unwrap();
        Check {
            inputs: (0..PICTURES)
                .map(|_| numbers.take(shape.elements()))
                .collect(),
            model,
            tape,
            numbers,
        }
    }

    /// Sum of all results, each times its factor.
    fn loss(&mut self) -> f64 {
        for (picture, input) in self.inputs.iter().enumerate() {
            self.tape.input_mut(picture).copy_from_slice(input);
        }
        self.tape.forward(&mut self.model, true);
        let losses = self.tape.losses(|picture, maps, gradients| {
            let mut sum = 0.0;
            for (index, (map, gradient)) in maps.iter().zip(gradients).enumerate() {
                let mut factors = Numbers::new((picture * 10 + index + 1) as u32);
                for (value, d) in map.iter().zip(gradient.iter_mut()) {
                    *d = factors.next();
                    sum += f64::from(*value) * f64::from(*d);
                }
            }
            sum
        });
        losses.iter().sum()
    }

    /// The slope of the loss along one number, by differences.
    fn slope(&mut self, mut change: impl FnMut(&mut Check, f32)) -> f64 {
        const STEP: f32 = 1.0 / 128.0;
        change(self, STEP);
        let above = self.loss();
        change(self, -2.0 * STEP);
        let below = self.loss();
        change(self, STEP);
        (above - below) / f64::from(2.0 * STEP)
    }

    fn run(&mut self, what: &str) {
        self.loss();
        let mut gradient = Vec::new();
        self.tape.backward(&mut self.model, 2.0, &mut gradient);
        let d_inputs: Vec<Vec<f32>> = (0..PICTURES)
            .map(|p| self.tape.input_gradient(p).to_vec())
            .collect();
        for parameter in self.model.parameters().list().to_vec() {
            if !parameter.trained {
                continue;
            }
            let tensor = &gradient[parameter.range.clone()];
            let size = tensor.iter().fold(0f32, |size, g| size.max(g.abs())) / 2.0;
            for _ in 0..6 {
                let at = parameter.range.start + self.pick(parameter.range.len());
                let slope = self.slope(|check, step| {
                    check.model.parameters_mut().values_mut()[at] += step;
                });
                let name = format!("{what}: {}[{at}]", parameter.name);
                assert_near(f64::from(gradient[at]) / 2.0, slope, f64::from(size), &name);
            }
        }
        for picture in 0..PICTURES {
            let size = d_inputs[picture]
                .iter()
                .fold(0f32, |size, g| size.max(g.abs()));
            for _ in 0..6 {
                let at = self.pick(d_inputs[picture].len());
                let slope = self.slope(|check, step| check.inputs[picture][at] += step);
                let name = format!("{what}: input {picture}[{at}]");
                assert_near(
                    f64::from(d_inputs[picture][at]),
                    slope,
                    f64::from(size),
                    &name,
                );
            }
        }
    }

    fn pick(&mut self, length: usize) -> usize {
        ((self.numbers.next() + 1.0) / 2.0 * (length as f32 - 0.01)) as usize
    }
}

fn assert_near(found: f64, slope: f64, size: f64, what: &str) {
    let near = (found - slope).abs() <= 2e-3 * slope.abs().max(size) + 2e-4;
    assert!(near, "{what} is {found}, by differences {slope}");
}

fn check(what: &str, builder: Builder) {
    let network = builder.build().unwrap();
    Check::new(&network, Options::default()).run(what);
}

#[test]
fn convolutions_of_all_forms() {
    let smooth = Activation::Swish;
    let forms = [
        (
            "3x3",
            Conv {
                activation: smooth,
                ..Conv::default()
            },
        ),
        (
            "3x3 /2",
            Conv {
                stride: 2,
                activation: Activation::Tanh,
                ..Conv::default()
            },
        ),
        (
            "1x1",
            Conv {
                kernel: 1,
                out: 20,
                activation: Activation::Mish,
                ..Conv::default()
            },
        ),
        (
            "1x1 /2",
            Conv {
                kernel: 1,
                stride: 2,
                ..Conv::default()
            },
        ),
        (
            "5x5 dilated",
            Conv {
                kernel: 5,
                dilation: 2,
                ..Conv::default()
            },
        ),
        (
            "groups",
            Conv {
                groups: 3,
                out: 6,
                activation: Activation::Elu,
                ..Conv::default()
            },
        ),
        (
            "depthwise",
            Conv {
                groups: 18,
                out: 18,
                activation: smooth,
                ..Conv::default()
            },
        ),
        (
            "depthwise /2",
            Conv {
                groups: 18,
                out: 18,
                kernel: 5,
                stride: 2,
                ..Conv::default()
            },
        ),
    ];
    for (what, form) in forms {
        let (mut builder, mut numbers) = (builder(7, 9, 18), Numbers::new(3));
        let first = form.add(&mut builder, "conv", Source::Input, &mut numbers);
        let last = Conv {
            out: 5,
            kernel: 1,
            ..Conv::default()
        };
        last.add(&mut builder, "last", first, &mut numbers);
        check(what, builder);
    }
}

#[test]
fn graphs_in_which_maps_are_read_more_than_once() {
    let (mut builder, mut numbers) = (builder(8, 8, 3), Numbers::new(4));
    let swish = Conv {
        out: 8,
        activation: Activation::Swish,
        ..Conv::default()
    };
    let half = Conv {
        stride: 2,
        ..Conv {
            out: 8,
            activation: Activation::Swish,
            ..Conv::default()
        }
    };
    let a = swish.add(&mut builder, "a", Source::Input, &mut numbers);
    let b = half.add(&mut builder, "b", a, &mut numbers);
    let up = builder
        .layer("up", Op::Upsample { factor: 2 }, &[b])
        .unwrap();
    let add = Op::Add {
        activation: Activation::Swish,
    };
    let sum = builder.layer("sum", add, &[a, up]).unwrap();
    let joined = builder.layer("joined", Op::Concat, &[up, sum, a]).unwrap();
    let part = builder
        .layer(
            "part",
            Op::Slice {
                start: 5,
                count: 13,
            },
            &[joined],
        )
        .unwrap();
    let mean = builder.layer("mean", Op::GlobalAverage, &[part]).unwrap();
    let gate = Conv {
        out: 13,
        kernel: 1,
        activation: Activation::Logistic,
        ..Conv::default()
    };
    let gate = gate.add(&mut builder, "gate", mean, &mut numbers);
    let scaled = Op::ScaleChannels {
        activation: Activation::Tanh,
    };
    let scaled = builder.layer("scaled", scaled, &[part, gate]).unwrap();
    let apart = Op::Activation {
        activation: Activation::Mish,
    };
    let apart = builder.layer("apart", apart, &[scaled]).unwrap();
    let head = Conv {
        out: 4,
        ..Conv::default()
    }
    .add(&mut builder, "head", apart, &mut numbers);
    builder.output_tensor(head);
    builder.output_tensor(b);
    check("graph", builder);
}

#[test]
fn reorganised_maps() {
    let (mut builder, mut numbers) = (builder(6, 6, 2), Numbers::new(5));
    let conv = Conv {
        out: 8,
        ..Conv::default()
    };
    let from = conv.add(&mut builder, "conv", Source::Input, &mut numbers);
    builder
        .layer("reorg", Op::Reorg { stride: 2 }, &[from])
        .unwrap();
    check("reorg", builder);
}

#[test]
fn pools() {
    // Values that no step brings past each other: a permutation of multiples of 1/16.
    for (size, stride, padding) in [
        (2, 2, Padding::default()),
        (2, 1, Padding::split(1)),
        (5, 1, Padding::same(2)),
    ] {
        let mut builder = builder(6, 6, 17);
        let pool = Pool {
            size: [size; 2],
            stride: [stride; 2],
            padding,
        };
        builder
            .layer("pool", Op::MaxPool(pool), &[Source::Input])
            .unwrap();
        let network = builder.build().unwrap();
        let mut check = Check::new(&network, Options::default());
        for input in &mut check.inputs {
            for (i, value) in input.iter_mut().enumerate() {
                *value = ((i * 37) % 613) as f32 / 16.0;
            }
        }
        check.run(&format!("pool {size} /{stride}"));
    }
}

#[test]
fn normalised_batches() {
    let batch = Normalisation::Batch { momentum: 0.1 };
    for normalisation in [batch, Normalisation::Frozen] {
        let (mut builder, mut numbers) = (builder(6, 5, 3), Numbers::new(6));
        let conv = |out, activation| Conv {
            out,
            activation,
            ..Conv::default()
        };
        let a = conv(20, Activation::Swish).add(&mut builder, "a", Source::Input, &mut numbers);
        let b = conv(6, Activation::Tanh).add(&mut builder, "b", a, &mut numbers);
        conv(5, Activation::Linear).add(&mut builder, "c", b, &mut numbers);
        let network = builder.build().unwrap();
        Check::new(&network, Options { normalisation }).run(&format!("{normalisation:?}"));
    }
}
