//! Every kind of layer that is no convolution, at odd sizes and on all number types, held to its
//! definition. They move, compare or add in the same order, so results must be equal bit for bit.

use tincy_engine::tensor::TensorMut;
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{
    Activation, BlockOrder, Builder, Code, Input, Network, Number, Op, Padding, Pool, Shape, Source,
};

const CODES: [Number; 2] = [
    Number::Code(Code::unsigned(8, 0.5)),
    Number::Code(Code {
        bits: 6,
        signed: true,
        scale: 0.5,
        zero: -3,
    }),
];

fn fill(mut map: TensorMut<'_>, number: Number) {
    for i in 0..map.as_tensor().len() {
        let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let value = match number {
            Number::F32 => mixed as f32 / (1 << 22) as f32 - 2.0,
            Number::Code(code) => {
                (code.min() + mixed as i32 % (code.max() - code.min() + 1)) as f32
            }
        };
        map.set(i, value);
    }
}

fn run(network: &Network, backend: Backend, threads: usize) -> Vec<u8> {
    let options = Options {
        backend,
        threads,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(network, &options).unwrap());
    fill(session.input_mut(), network.input().number);
    session.run();
    session
        .output(network.outputs()[0])
        .unwrap()
        .bytes()
        .to_vec()
}

fn check(network: &Network) {
    let expected = run(network, Backend::Reference, 1);
    assert!(expected.iter().any(|byte| *byte != 0));
    for backend in Backend::available() {
        for threads in 1..=3 {
            let found = run(network, backend, threads);
            let name = network.layers().last().unwrap().name();
            assert!(found == expected, "{name} by {backend}, {threads} threads");
        }
    }
}

fn builder(shape: Shape, number: Number) -> Builder {
    let input = Input {
        shape,
        number,
        picture: None,
    };
    Builder::new("layers", input).unwrap()
}

fn check_one(op: Op, shape: Shape, number: Number) {
    let mut net = builder(shape, number);
    let name = format!("{op:?} on {shape} {number}");
    net.layer(name, op, &[Source::Input]).unwrap();
    check(&net.build().unwrap());
}

#[test]
fn layers_that_move_or_compare() {
    let pool = |size, stride, padding| {
        Op::MaxPool(Pool {
            size: [size; 2],
            stride: [stride; 2],
            padding,
        })
    };
    for number in [Number::F32, CODES[0], CODES[1]] {
        for shape in [
            Shape::new(9, 7, 3),
            Shape::new(13, 13, 37),
            Shape::new(5, 6, 64),
        ] {
            check_one(pool(2, 2, Padding::default()), shape, number);
            check_one(pool(2, 1, Padding::split(1)), shape, number);
            check_one(pool(3, 2, Padding::same(1)), shape, number);
            check_one(pool(5, 1, Padding::same(2)), shape, number);
            check_one(Op::Upsample { factor: 2 }, shape, number);
            check_one(Op::Upsample { factor: 3 }, shape, number);
            check_one(Op::Slice { start: 1, count: 2 }, shape, number);
        }
        check_one(Op::Reorg { stride: 2 }, Shape::new(6, 10, 8), number);
        check_one(Op::Reorg { stride: 3 }, Shape::new(3, 9, 18), number);
        for order in [BlockOrder::PixelFirst, BlockOrder::ChannelFirst] {
            check_one(
                Op::DepthToSpace { block: 2, order },
                Shape::new(3, 5, 12),
                number,
            );
            check_one(
                Op::DepthToSpace { block: 3, order },
                Shape::new(4, 1, 18),
                number,
            );
        }
    }
}

#[test]
fn maps_side_by_side() {
    for number in [Number::F32, CODES[0], CODES[1]] {
        let mut net = builder(Shape::new(7, 5, 9), number);
        let op = Op::Slice { start: 2, count: 5 };
        let part = net.layer("part", op, &[Source::Input]).unwrap();
        let inputs = [part, Source::Input, part, Source::Input];
        net.layer("concat", Op::Concat, &inputs).unwrap();
        check(&net.build().unwrap());
    }
}

/// Sums of codes against the formula, and every backend against the reference.
#[test]
fn sums_of_codes() {
    let wide = Number::Code(Code {
        zero: 100,
        ..Code::unsigned(8, 0.5)
    });
    for number in [CODES[0], CODES[1], wide] {
        let mut net = builder(Shape::new(7, 5, 38), number);
        let half = |start| Op::Slice { start, count: 19 };
        let parts = [0, 19].map(|start| {
            let name = format!("from {start}");
            net.layer(name, half(start), &[Source::Input]).unwrap()
        });
        let sum = Op::Add {
            activation: Activation::Linear,
        };
        net.layer("sum of codes", sum, &parts).unwrap();
        let network = net.build().unwrap();
        check(&network);
        let mut input = vec![0u8; 7 * 5 * 38];
        let code = number.code().unwrap();
        match code.signed {
            true => fill(TensorMut::I8(bytemuck::cast_slice_mut(&mut input)), number),
            false => fill(TensorMut::U8(&mut input), number),
        }
        let value = |byte: u8| match code.signed {
            true => i32::from(byte as i8),
            false => i32::from(byte),
        };
        let expected: Vec<u8> = input
            .chunks_exact(38)
            .flat_map(|pixel| pixel[..19].iter().zip(&pixel[19..]))
            .map(|(a, b)| value(*a) + value(*b) - code.zero)
            .map(|sum| sum.clamp(code.min(), code.max()) as u8)
            .collect();
        assert!(run(&network, Backend::Portable, 2) == expected);
    }
}

#[test]
fn float_layers() {
    let shape = Shape::new(5, 7, 19);
    check_one(Op::GlobalAverage, shape, Number::F32);
    check_one(Op::Softmax, shape, Number::F32);
    for activation in [
        Activation::Relu,
        Activation::Relu6,
        Activation::LEAKY,
        Activation::HardSwish,
        Activation::Mish,
    ] {
        check_one(Op::Activation { activation }, shape, Number::F32);
    }
}

/// Darknet's shortcut: maps of one size, of fewer and more channels, larger and smaller.
#[test]
fn sums_of_maps() {
    let activation = Activation::LEAKY;
    let pool = Op::MaxPool(Pool {
        size: [2, 2],
        stride: [2, 2],
        padding: Padding::default(),
    });
    let others = [
        Op::Slice { start: 3, count: 4 },
        Op::Activation { activation },
        Op::Upsample { factor: 2 },
        pool,
    ];
    for other in others {
        let mut net = builder(Shape::new(6, 8, 11), Number::F32);
        let second = net.layer("second", other, &[Source::Input]).unwrap();
        net.layer("add", Op::Add { activation }, &[Source::Input, second])
            .unwrap();
        check(&net.build().unwrap());
    }
}

#[test]
fn maps_scaled_by_channel() {
    let activation = Activation::Relu;
    let mut net = builder(Shape::new(6, 8, 11), Number::F32);
    let mean = net
        .layer("mean", Op::GlobalAverage, &[Source::Input])
        .unwrap();
    let op = Op::ScaleChannels { activation };
    net.layer("scaled", op, &[Source::Input, mean]).unwrap();
    check(&net.build().unwrap());
}

#[test]
fn channels_by_their_numbers() {
    for number in CODES.into_iter().chain([Number::F32]) {
        let channels: Vec<u32> = (0..9).map(|c| c * 7 % 11).collect();
        let mut net = builder(Shape::new(5, 7, 11), number);
        net.layer("gather", Op::Gather { channels }, &[Source::Input])
            .unwrap();
        check(&net.build().unwrap());
    }
}

#[test]
fn maps_of_another_size() {
    for size in [[10, 14], [3, 4], [5, 7], [1, 1], [8, 5]] {
        let mut net = builder(Shape::new(5, 7, 6), Number::F32);
        net.layer("resize", Op::Resize { size }, &[Source::Input])
            .unwrap();
        check(&net.build().unwrap());
    }
}
