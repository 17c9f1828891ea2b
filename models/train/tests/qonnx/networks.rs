//! Small networks with all that an export can meet, weights by chance.

use super::support::Numbers;
use tincy_network::graph::Builder;
use tincy_network::requantize::Factor;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Head, HeadKind, Input, Network, Number, Op,
    Padding, Pool, Requantize, Shape, Source, Table, Thresholds, Values, WeightKind, Weights,
};

/// A network on its way.
pub(crate) struct Drawing {
    pub(crate) builder: Builder,
    numbers: Numbers,
}

/// A convolution of one group that keeps the size.
pub(crate) fn plain(out_channels: usize, side: usize) -> Convolution {
    Convolution {
        out_channels,
        kernel: [side; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(side / 2),
        groups: 1,
        weights: Weights::floats(Vec::new()),
        finish: affine(
            vec![1.0; out_channels].into(),
            Activation::Linear,
            Number::F32,
        ),
    }
}

/// A finish without bias.
fn affine(scale: Values<f32>, activation: Activation, output: Number) -> Finish {
    Finish::Affine(Affine {
        bias: vec![0.0; scale.len()].into(),
        scale,
        activation,
        output,
    })
}

fn signed(bits: u8, scale: f64, zero: i32) -> Code {
    Code {
        bits,
        signed: true,
        scale,
        zero,
    }
}

impl Drawing {
    pub(crate) fn new(name: &str, shape: Shape, number: Number) -> Drawing {
        let input = Input {
            shape,
            number,
            picture: None,
        };
        Drawing {
            builder: Builder::new(name, input).unwrap(),
            numbers: Numbers::new(7),
        }
    }

    fn op(&mut self, name: &str, op: Op, inputs: &[Source]) -> Source {
        self.builder.layer(name, op, inputs).unwrap()
    }

    fn integers(&mut self, kind: WeightKind, count: usize) -> Weights {
        let (low, high) = kind.range().unwrap();
        let spread = f32::from(high) + 0.99;
        let draw = |x: f32| match kind {
            WeightKind::Binary => x.signum() as i8,
            _ => ((x * spread).round() as i8).clamp(low, high),
        };
        let weights: Vec<i8> = self.numbers.take(count).into_iter().map(draw).collect();
        Weights::integers(kind, &weights).unwrap()
    }

    /// A convolution of these weights; its finish is given the size of usual sums.
    pub(crate) fn convolution(
        &mut self,
        name: &str,
        from: Source,
        kind: WeightKind,
        convolution: Convolution,
        finish: impl FnOnce(&mut Numbers, f32) -> Finish,
    ) -> Source {
        let (shape, number) = self.builder.tensor(from);
        let window = convolution.window(shape.channels);
        let count = window * convolution.out_channels;
        let root = (window as f32).sqrt();
        let (weights, size) = match (kind.range(), number.code()) {
            (Some((_, high)), Some(code)) => {
                let size = f32::from(high) * (code.max() - code.min()) as f32;
                (self.integers(kind, count), 0.4 * root * size)
            }
            _ => {
                let floats = self.numbers.take(count).into_iter();
                (
                    Weights::floats(floats.map(|w| w * 1.7 / root).collect()),
                    1.0,
                )
            }
        };
        let finish = finish(&mut self.numbers, size);
        let convolution = Convolution {
            weights,
            finish,
            ..convolution
        };
        self.op(name, Op::Convolution(convolution), &[from])
    }
}

/// Rising thresholds for `channels`, the first of which has two that are always and never reached.
fn thresholds(channels: usize, bits: u8) -> impl FnOnce(&mut Numbers, f32) -> Finish {
    move |numbers, size| {
        let code = Code::unsigned(bits, 1.0);
        let mut values = Vec::new();
        for _ in 0..channels {
            let mut own = numbers.take(code.max() as usize);
            own.sort_by(f32::total_cmp);
            values.extend(own.into_iter().map(|t| (t * size) as i32));
        }
        values[0] = i32::MIN;
        values[code.max() as usize - 1] = i32::MAX;
        Finish::Thresholds(Thresholds {
            code,
            values: values.into(),
        })
    }
}

/// A product and a shift a channel, and a table.
fn requantize(
    channels: usize,
    code: Code,
    table: Option<Table>,
) -> impl FnOnce(&mut Numbers, f32) -> Finish {
    move |numbers, size| {
        let bias = numbers.take(channels).into_iter();
        let bias: Vec<i32> = bias.map(|b| (b * size) as i32).collect();
        let factors = numbers.take(channels).into_iter().map(|f| {
            let range = (code.max() - code.min()) as f32;
            Factor::nearest(f64::from((0.6 + f * 0.4) * range / size)).unwrap()
        });
        let factors: Vec<Factor> = factors.collect();
        Finish::Requantize(Box::new(Requantize {
            negative_shift: 0,
            bias: bias.into(),
            multiplier: factors
                .iter()
                .map(|f| f.multiplier)
                .collect::<Vec<_>>()
                .into(),
            shift: factors.iter().map(|f| f.shift).collect::<Vec<_>>().into(),
            code,
            table,
        }))
    }
}

/// Scales of both signs, biases, an activation.
fn scaled(
    channels: usize,
    activation: Activation,
    output: Number,
) -> impl FnOnce(&mut Numbers, f32) -> Finish {
    move |numbers, size| {
        let scales = numbers.take(channels).into_iter().map(|s| 2.0 * s / size);
        Finish::Affine(Affine {
            scale: scales.collect::<Vec<_>>().into(),
            bias: numbers.take(channels).into(),
            activation,
            output,
        })
    }
}

/// Biases and an activation.
fn floats(channels: usize, activation: Activation) -> impl FnOnce(&mut Numbers, f32) -> Finish {
    move |numbers, _| {
        Finish::Affine(Affine {
            scale: Values::default(),
            bias: numbers.take(channels).into(),
            activation,
            output: Number::F32,
        })
    }
}

/// Thresholds of one to three bits behind binary, ternary and small weights; maps that are moved.
pub(crate) fn low_bit() -> Network {
    let pixel = Number::Code(Code::unsigned(8, 1.0 / 255.0));
    let mut d = Drawing::new("low-bit", Shape::new(24, 16, 3), pixel);
    let first = Convolution {
        stride: [2, 1],
        padding: Padding {
            top: 1,
            left: 0,
            bottom: 1,
            right: 2,
        },
        ..plain(8, 3)
    };
    let four = WeightKind::Int { bits: 4 };
    let a = d.convolution("a", Source::Input, four, first, thresholds(8, 3));
    let pool = Pool {
        size: [3, 2],
        stride: [1, 2],
        padding: Padding {
            top: 1,
            left: 0,
            bottom: 1,
            right: 1,
        },
    };
    let pooled = d.op("pool", Op::MaxPool(pool), &[a]);
    let wide = Convolution {
        dilation: [2; 2],
        padding: Padding::same(2),
        ..plain(8, 3)
    };
    let b = d.convolution("b", pooled, WeightKind::Binary, wide, thresholds(8, 2));
    let reorg = d.op("reorg", Op::Reorg { stride: 2 }, &[b]);
    let grouped = Convolution {
        groups: 4,
        ..plain(12, 3)
    };
    let c = d.convolution("c", reorg, WeightKind::Ternary, grouped, thresholds(12, 2));
    let up = d.op("up", Op::Upsample { factor: 2 }, &[c]);
    let slice = d.op("slice", Op::Slice { start: 3, count: 7 }, &[up]);
    let joined = d.op("joined", Op::Concat, &[b, slice]);
    let e = d.convolution(
        "e",
        joined,
        WeightKind::Binary,
        plain(4, 1),
        thresholds(4, 1),
    );
    let last = scaled(14, Activation::Linear, Number::F32);
    let source = d.convolution("last", e, WeightKind::Ternary, plain(14, 1), last);
    d.builder.head(Head {
        source,
        classes: 2,
        kind: HeadKind::Region {
            anchors: vec![[1.0, 2.0], [3.0, 1.5]],
            softmax: true,
        },
    });
    d.builder.classes(vec!["cat".into(), "\"dog\"".into()]);
    d.builder.build().unwrap()
}

/// Products, shifts and tables on codes with zero points; their sums; codes rounded from scaled sums.
pub(crate) fn codes() -> Network {
    let pixel = Number::Code(signed(8, 1.0 / 255.0, -5));
    let mut d = Drawing::new("codes", Shape::new(13, 10, 6), pixel);
    let eight = WeightKind::Int { bits: 8 };
    let sums = signed(8, 0.06, 3);
    let silu = Table::of(
        sums,
        Code {
            zero: 4,
            ..Code::unsigned(8, 0.03)
        },
        |x| Activation::Swish.apply(x),
    );
    let a = requantize(8, sums, Some(silu));
    let a = d.convolution("a", Source::Input, eight, plain(8, 3), a);
    let depthwise = Convolution {
        groups: 8,
        stride: [2, 2],
        ..plain(8, 3)
    };
    let map = signed(8, 0.05, -2);
    let b = requantize(8, map, None);
    let b = d.convolution("b", a, WeightKind::Int { bits: 5 }, depthwise, b);
    let c = d.convolution(
        "c",
        b,
        WeightKind::Int { bits: 2 },
        plain(8, 1),
        requantize(8, map, None),
    );
    let activation = Activation::Linear;
    let sum = d.op("a.sums", Op::Add { activation }, &[b, c]);
    let pool = Pool {
        size: [3; 2],
        stride: [1; 2],
        padding: Padding::same(1),
    };
    let pooled = d.op("pool", Op::MaxPool(pool), &[sum]);
    let rising = Table::of(sums, Code::unsigned(4, 0.4), |x| Activation::Relu.apply(x));
    let e = requantize(8, sums, Some(rising));
    let e = d.convolution("e", pooled, eight, plain(8, 1), e);
    let falling = Table::of(sums, signed(6, 0.2, 1), |x| -x);
    let f = requantize(8, sums, Some(falling));
    let f = d.convolution("f", e, WeightKind::Ternary, plain(8, 3), f);
    let constant = Table::of(sums, Code::unsigned(3, 0.2), |_| 0.6);
    let g = requantize(8, sums, Some(constant));
    let g = d.convolution("g", f, eight, plain(8, 1), g);
    let rounded = Number::Code(Code {
        zero: 2,
        ..Code::unsigned(4, 0.1)
    });
    let h = scaled(8, Activation::LEAKY, rounded);
    let h = d.convolution("h", g, eight, plain(8, 3), h);
    let last = d.convolution(
        "last",
        h,
        eight,
        plain(9, 1),
        scaled(9, Activation::Linear, Number::F32),
    );
    for source in [last, sum, Source::Input] {
        d.builder.output_tensor(source);
    }
    d.builder.build().unwrap()
}

/// All activations, and layers of real numbers.
pub(crate) fn real() -> Network {
    let mut d = Drawing::new("", Shape::new(9, 8, 3), Number::F32);
    let activations = [
        Activation::Relu,
        Activation::Relu6,
        Activation::LEAKY,
        Activation::Logistic,
        Activation::Mish,
        Activation::Swish,
        Activation::Tanh,
        Activation::Elu,
        Activation::HardSwish,
        Activation::HardSigmoid,
        Activation::Linear,
    ];
    let maps: Vec<Source> = activations
        .iter()
        .enumerate()
        .map(|(i, activation)| {
            let finish = floats(4, *activation);
            d.convolution(
                &format!("conv{i}"),
                Source::Input,
                WeightKind::F32,
                plain(4, 3),
                finish,
            )
        })
        .collect();
    let joined = d.op("joined", Op::Concat, &maps);
    let depthwise = Convolution {
        groups: 44,
        ..plain(44, 3)
    };
    let finish = scaled(44, Activation::Swish, Number::F32);
    let wide = d.convolution("wide", joined, WeightKind::F32, depthwise, finish);
    let activation = Activation::Relu;
    let sum = d.op("sum", Op::Add { activation }, &[joined, wide]);
    let mean = d.op("mean", Op::GlobalAverage, &[sum]);
    let activation = Activation::Logistic;
    let gate = d.op("gate", Op::Activation { activation }, &[mean]);
    let activation = Activation::Linear;
    let gated = d.op("gated", Op::ScaleChannels { activation }, &[sum, gate]);
    let same = d.op("", Op::Activation { activation }, &[gated]);
    let rounded = Number::Code(Code::unsigned(3, 0.25));
    let finish = scaled(5, Activation::Relu, rounded);
    let codes = d.convolution("codes", same, WeightKind::F32, plain(5, 1), finish);
    let seven = WeightKind::Int { bits: 7 };
    let whole = Convolution {
        kernel: [9, 8],
        padding: Padding::default(),
        ..plain(10, 1)
    };
    let finish = scaled(10, Activation::Linear, Number::F32);
    let scores = d.convolution("scores", codes, seven, whole, finish);
    let shares = d.op("shares", Op::Softmax, &[scores]);
    d.builder.output_tensor(shares);
    d.builder.build().unwrap()
}

/// A float network of what any reader of ONNX knows.
pub(crate) fn usual() -> Network {
    let mut d = Drawing::new("usual", Shape::new(12, 12, 3), Number::F32);
    let half = Convolution {
        stride: [2; 2],
        ..plain(8, 3)
    };
    let a = d.convolution(
        "a",
        Source::Input,
        WeightKind::F32,
        half,
        floats(8, Activation::Swish),
    );
    let pool = Pool {
        size: [2; 2],
        stride: [2; 2],
        padding: Padding::default(),
    };
    let pooled = d.op("pool", Op::MaxPool(pool), &[a]);
    let depthwise = Convolution {
        groups: 8,
        ..plain(8, 3)
    };
    let finish = floats(8, Activation::LEAKY);
    let b = d.convolution("b", pooled, WeightKind::F32, depthwise, finish);
    let up = d.op("up", Op::Upsample { factor: 2 }, &[b]);
    let activation = Activation::Linear;
    let sum = d.op("sum", Op::Add { activation }, &[a, up]);
    let joined = d.op("joined", Op::Concat, &[sum, a]);
    d.convolution(
        "last",
        joined,
        WeightKind::F32,
        plain(5, 1),
        floats(5, activation),
    );
    d.builder.build().unwrap()
}

/// Sums of 3x3 times `channels` of the largest products.
/// Signs with a multiplier for each place in the kernel (SYQ).
pub(crate) fn multiplied() -> Network {
    let pixel = Number::Code(Code::unsigned(8, 1.0 / 255.0));
    let mut d = Drawing::new("multiplied", Shape::new(9, 7, 4), pixel);
    let mut source = Source::Input;
    for (name, kind) in [("a", WeightKind::Binary), ("b", WeightKind::Ternary)] {
        let signs = d.integers(kind, 6 * 9 * if name == "a" { 4 } else { 6 });
        let channels = signs.count() / (6 * 9);
        let values = vec![127, 3, 50, 1, 99, 20, 64, 7, 110];
        let convolution = Convolution {
            weights: signs.with_multipliers(channels, values).unwrap(),
            finish: thresholds(6, 2)(&mut d.numbers, if name == "a" { 9e4 } else { 900.0 }),
            ..plain(6, 3)
        };
        source = d.op(name, Op::Convolution(convolution), &[source]);
    }
    let last = scaled(3, Activation::Linear, Number::F32);
    d.convolution("last", source, WeightKind::Ternary, plain(3, 1), last);
    d.builder.build().unwrap()
}

pub(crate) fn large_sums(channels: usize) -> Network {
    let pixel = Number::Code(Code::unsigned(8, 1.0));
    let mut d = Drawing::new("large", Shape::new(3, 3, channels), pixel);
    let weights = Weights::integers(WeightKind::Int { bits: 8 }, &vec![127; 9 * channels]);
    let convolution = Convolution {
        weights: weights.unwrap(),
        ..plain(1, 3)
    };
    d.op("heavy", Op::Convolution(convolution), &[Source::Input]);
    d.builder.build().unwrap()
}

/// SiLU of scaled sums, rounded to codes: nothing that thresholds say.
pub(crate) fn rounded_silu() -> Network {
    let pixel = Number::Code(Code::unsigned(8, 1.0));
    let mut d = Drawing::new("silu", Shape::new(4, 4, 2), pixel);
    let finish = scaled(3, Activation::Swish, Number::Code(Code::unsigned(8, 0.1)));
    d.convolution(
        "bent",
        Source::Input,
        WeightKind::Ternary,
        plain(3, 3),
        finish,
    );
    d.builder.build().unwrap()
}
