//! A network and a core that are small enough to run thousands of times.
#![allow(dead_code)]

use std::time::Duration;
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::accelerator::qnn_mo::{Polling, Program};
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{
    Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding, Pool, Shape, Source,
    Thresholds, WeightKind, Weights,
};

/// A core that is small enough to run thousands of times.
pub(crate) fn overlay() -> Overlay {
    let [w1a3, _] = Overlay::published();
    Overlay {
        name: "small".into(),
        max_inputs: 128,
        max_outputs: 64,
        max_size: 16,
        ..w1a3
    }
}

/// Numbers by chance, below `end`.
pub(crate) fn chance(seed: &mut u64, end: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % end
}

pub(crate) fn convolution(seed: &mut u64, inputs: usize, outputs: usize, kernel: usize) -> Op {
    let code = Code::unsigned(3, 1.0);
    let mut sign = || 1 - 2 * chance(seed, 2) as i8;
    let weights: Vec<i8> = (0..kernel * kernel * inputs * outputs)
        .map(|_| sign())
        .collect();
    let mut channel = || {
        let mut steps: Vec<i32> = (0..7).map(|_| chance(seed, 120) as i32 - 60).collect();
        steps.sort_unstable();
        steps
    };
    let steps: Vec<i32> = (0..outputs).flat_map(|_| channel()).collect();
    Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [kernel; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(kernel / 2),
        groups: 1,
        weights: Weights::integers(WeightKind::Binary, &weights).unwrap(),
        finish: Finish::Thresholds(Thresholds {
            code,
            values: steps.into(),
        }),
    })
}

/// Two convolutions, one with a pool, one in two passes.
pub(crate) fn network() -> Network {
    let mut seed = 7;
    let input = Input {
        shape: Shape::new(5, 5, 10),
        number: Number::Code(Code::unsigned(3, 1.0)),
        picture: None,
    };
    let mut builder = Builder::new("small", input).unwrap();
    let source = Source::Input;
    let source = builder
        .layer("a", convolution(&mut seed, 10, 40, 3), &[source])
        .unwrap();
    let pool = Pool {
        size: [2; 2],
        stride: [2; 2],
        padding: Padding::split(1),
    };
    let source = builder.layer("pool", Op::MaxPool(pool), &[source]).unwrap();
    builder
        .layer("b", convolution(&mut seed, 40, 100, 1), &[source])
        .unwrap();
    builder.build().unwrap()
}

/// What the engine's reference makes of an input.
pub(crate) fn expected(network: &Network, input: &[u8]) -> Vec<u8> {
    let options = Options {
        backend: Backend::Reference,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(network, &options).unwrap());
    match session.input_mut() {
        TensorMut::U8(codes) => codes.copy_from_slice(input),
        other => panic!("the network reads {other:?}"),
    }
    session.run();
    session
        .output(network.outputs()[0])
        .unwrap()
        .unsigned()
        .to_vec()
}

pub(crate) fn input(seed: &mut u64) -> Vec<u8> {
    (0..250).map(|_| chance(seed, 8) as u8).collect()
}

pub(crate) fn impatient() -> Polling {
    Polling {
        spins: u32::MAX,
        timeout: Duration::from_micros(300),
        ..Polling::default()
    }
}

pub(crate) fn program(network: &Network) -> Program {
    Program::new(network, 0..3, &overlay()).expect("the core runs them")
}
