//! Layers that something else computes, or declines to.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Offload, Options, Plan, Session};
use tincy_network::{
    Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding, Pool, Shape, Source,
    Thresholds, WeightKind, Weights,
};

fn convolution(inputs: usize, outputs: usize, seed: usize) -> Op {
    let weights: Vec<i8> = (0..9 * inputs * outputs)
        .map(|i| 1 - 2 * ((i * 0x9e37_79b1 + seed * 0x85eb_ca6b) >> 13 & 1) as i8)
        .collect();
    let steps = (0..outputs).flat_map(|o| (0..7).map(move |k| 6 * k - 12 - (o % 5) as i32));
    Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [3; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(1),
        groups: 1,
        weights: Weights::integers(WeightKind::Binary, &weights).unwrap(),
        finish: Finish::Thresholds(Thresholds {
            code: Code::unsigned(3, 1.0),
            values: steps.collect::<Vec<i32>>().into(),
        }),
    })
}

/// Five layers: a, pool, b, c, and d, which reads c, and b as well if asked.
fn network(is_read_from_within: bool) -> Network {
    let input = Input {
        shape: Shape::new(8, 8, 4),
        number: Number::Code(Code::unsigned(3, 1.0)),
        picture: None,
    };
    let mut builder = Builder::new("row", input).unwrap();
    let mut layer = |name: &str, op, sources: &[Source]| builder.layer(name, op, sources).unwrap();
    let a = layer("a", convolution(4, 8, 1), &[Source::Input]);
    let pool = Pool {
        size: [2; 2],
        stride: [2; 2],
        padding: Padding::same(0),
    };
    let pool = layer("pool", Op::MaxPool(pool), &[a]);
    let b = layer("b", convolution(8, 8, 2), &[pool]);
    let c = layer("c", convolution(8, 8, 3), &[b]);
    match is_read_from_within {
        true => {
            let join = layer("join", Op::Concat, &[c, b]);
            layer("d", convolution(16, 8, 4), &[join])
        }
        false => layer("d", convolution(8, 8, 4), &[c]),
    };
    builder.build().unwrap()
}

/// Plays logic: layers b and c by a session of their own; every third frame it declines, having
/// written rubbish.
struct Logic {
    session: Session,
    layers: Range<usize>,
    frames: Arc<AtomicUsize>,
}

impl Logic {
    fn new(layers: Range<usize>, frames: &Arc<AtomicUsize>) -> Box<Logic> {
        let input = Input {
            shape: Shape::new(4, 4, 8),
            number: Number::Code(Code::unsigned(3, 1.0)),
            picture: None,
        };
        let mut builder = Builder::new("logic", input).unwrap();
        let b = builder
            .layer("b", convolution(8, 8, 2), &[Source::Input])
            .unwrap();
        builder.layer("c", convolution(8, 8, 3), &[b]).unwrap();
        let plan = Plan::new(&builder.build().unwrap(), &Options::default()).unwrap();
        Box::new(Logic {
            session: Session::new(&plan),
            layers,
            frames: frames.clone(),
        })
    }
}

impl Offload for Logic {
    fn name(&self) -> &str {
        "logic"
    }

    fn layers(&self) -> Range<usize> {
        self.layers.clone()
    }

    fn run(&mut self, input: Tensor<'_>, output: TensorMut<'_>) -> bool {
        let output = output.unsigned();
        if self.frames.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
            output.fill(0xee);
            return false;
        }
        self.session
            .input_mut()
            .unsigned()
            .copy_from_slice(input.unsigned());
        self.session.run();
        let result = self.session.output(Source::Layer(1)).unwrap();
        output.copy_from_slice(result.unsigned());
        true
    }
}

fn frame(session: &mut Session, number: usize) -> Vec<u8> {
    let codes = session.input_mut().unsigned();
    for (i, code) in codes.iter_mut().enumerate() {
        *code = ((i * 5 + number * i + number) % 8) as u8;
    }
    session.run();
    let last = session.plan().steps().last().unwrap().layers().end - 1;
    session
        .output(Source::Layer(last))
        .unwrap()
        .unsigned()
        .to_vec()
}

#[test]
fn both_roads_give_the_same_codes() {
    let plan = Plan::new(&network(false), &Options::default()).unwrap();
    let frames = Arc::new(AtomicUsize::new(0));
    let (mut cpu, mut both) = (Session::new(&plan), Session::new(&plan));
    both.set_offload(Logic::new(2..4, &frames)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..9 {
        let expected = frame(&mut cpu, number);
        assert_eq!(frame(&mut both, number), expected, "frame {number}");
        seen.insert(expected);
    }
    assert_eq!(frames.load(Ordering::Relaxed), 9);
    assert!(seen.len() > 6, "frames that differ: {}", seen.len());
}

#[test]
fn its_time_is_that_of_its_first_step() {
    let plan = Plan::new(&network(false), &Options::default()).unwrap();
    let mut session = Session::new(&plan);
    let frames = Arc::new(AtomicUsize::new(0));
    session.set_offload(Logic::new(2..4, &frames)).unwrap();
    let mut times = vec![Duration::MAX; plan.steps().len()];
    session.run_timed(&mut times);
    let first = plan
        .steps()
        .iter()
        .position(|s| s.layers().start == 2)
        .unwrap();
    assert!(times[first] > Duration::ZERO && times[first] < Duration::MAX);
    assert_eq!(times[first + 1], Duration::ZERO);
    assert!(times[first + 2] > Duration::ZERO && times[first + 2] < Duration::MAX);
    // Too short a list is no error.
    session.run_timed(&mut times[..first + 1]);
}

#[test]
fn layers_that_cannot_be_left_out_are_refused() {
    let frames = Arc::new(AtomicUsize::new(0));
    let refused = |layers: Range<usize>, is_read_from_within, keep_all| {
        let options = Options {
            keep_all,
            ..Options::default()
        };
        let plan = Plan::new(&network(is_read_from_within), &options).unwrap();
        let error = Session::new(&plan)
            .set_offload(Logic::new(layers, &frames))
            .unwrap_err();
        error.to_string()
    };
    for (layers, within, keep_all, text) in [
        (
            2..4,
            true,
            false,
            "logic cannot take layers 2 to 3: join reads another map from within",
        ),
        (
            2..4,
            false,
            true,
            "logic cannot take layers 2 to 3: the map of layer 2 is asked for",
        ),
        (
            1..4,
            false,
            false,
            "logic cannot take layers 1 to 3: no step begins with the first",
        ),
        (
            2..99,
            false,
            false,
            "logic cannot take layers 2 to 98: no step ends with the last",
        ),
        (
            3..3,
            false,
            false,
            "logic cannot take layers 3 to 2: no step ends with the last",
        ),
    ] {
        assert_eq!(refused(layers, within, keep_all), text);
    }
}
