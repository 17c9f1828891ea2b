//! What is trained with quantizers in the loop is what its integers compute.

mod support;

use support::{Conv, Numbers, builder, pool};
use tincy_engine::{Options, Session};
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Code, Finish, Head, HeadKind, Input, Network, Number, Op, Padding, Picture, Pool,
    Source, WeightKind, Weights, file,
};
use tincy_train::augment::Batch;
use tincy_train::integer::prepare::Plan;
use tincy_train::integer::{Prepared, prepare};
use tincy_train::optimizer::{Group, Method, Optimizer, Schedule};
use tincy_train::training::Settings;
use tincy_train::{Model, Tape, Training, checkpoint, detector};

const SIDE: usize = 32;

/// Every kind of layer that has codes: depthwise, grouped, a sum, a pool, an upsampled part beside
/// another, a slice, a convolution without activation; two heads.
fn network() -> Network {
    let input = Input {
        shape: tincy_network::Shape::new(SIDE, SIDE, 3),
        number: Number::Code(Code::unsigned(8, 1.0 / 255.0)),
        picture: Some(Picture::default()),
    };
    let (mut b, mut numbers) = (Builder::new("test", input).unwrap(), Numbers::new(5));
    let conv = |out, stride, groups, activation| Conv {
        out,
        stride,
        groups,
        activation,
        ..Conv::default()
    };
    let swish = Activation::Swish;
    let first = conv(16, 2, 1, swish).add(&mut b, "first", Source::Input, &mut numbers);
    let depth = conv(16, 1, 16, swish).add(&mut b, "depth", first, &mut numbers);
    let sum = Op::Add {
        activation: Activation::Linear,
    };
    let sum = b.layer("sum", sum, &[first, depth]).unwrap();
    let down = conv(24, 2, 2, Activation::LEAKY).add(&mut b, "down", sum, &mut numbers);
    let pool = Pool {
        size: [3; 2],
        stride: [1; 2],
        padding: Padding::same(1),
    };
    let pooled = b.layer("pool", Op::MaxPool(pool), &[down]).unwrap();
    let plain = conv(16, 1, 1, Activation::Linear).add(&mut b, "plain", pooled, &mut numbers);
    let large = b
        .layer("large", Op::Upsample { factor: 2 }, &[plain])
        .unwrap();
    let both = b.layer("both", Op::Concat, &[sum, large]).unwrap();
    let part = Op::Slice {
        start: 4,
        count: 24,
    };
    let part = b.layer("part", part, &[both]).unwrap();
    for (name, from, stride) in [("near", part, 2), ("far", down, 4)] {
        let last = Conv {
            out: 7,
            kernel: 1,
            ..Conv::default()
        };
        let source = last.add(&mut b, name, from, &mut numbers);
        b.head(Head {
            source,
            classes: 2,
            kind: HeadKind::Yolox { stride },
        });
    }
    let whole = b.build().unwrap();
    // Inputs are codes of 0 to 255, so the first weights are small.
    scaled(
        &whole,
        |layer, _, _| if layer == 0 { 1.0 / 128.0 } else { 1.0 },
    )
}

/// The network with each weight times a factor of its layer, filter and input channel.
fn scaled(network: &Network, factor: impl Fn(usize, usize, usize) -> f32) -> Network {
    let input = network.input().clone();
    let changed = network.rebuild(input, |layer, old| match old.op() {
        Op::Convolution(c) => {
            let mut c = c.clone();
            let window = c.weights.count() / c.out_channels;
            let inputs = window / c.kernel[0] / c.kernel[1];
            let weights = c.weights.as_floats().iter().enumerate();
            let weights = weights.map(|(i, w)| w * factor(layer, i / window, i % window % inputs));
            c.weights = Weights::floats(weights.collect());
            Ok::<_, tincy_network::Error>(Op::Convolution(c))
        }
        op => Ok(op.clone()),
    });
    changed.unwrap().build().unwrap()
}

/// Two convolutions and a head; `size` says how large a channel of the first is, which changes nothing
/// behind the second.
fn uneven(activation: Activation, size: impl Fn(usize) -> f32) -> Network {
    let mut b = Builder::new("uneven", network().input().clone()).unwrap();
    let mut numbers = Numbers::new(9);
    let conv = |out| Conv {
        out,
        stride: 2,
        activation,
        ..Conv::default()
    };
    let first = conv(16).add(&mut b, "first", Source::Input, &mut numbers);
    let second = conv(8).add(&mut b, "second", first, &mut numbers);
    let last = Conv {
        out: 7,
        kernel: 1,
        ..Conv::default()
    };
    let source = last.add(&mut b, "last", second, &mut numbers);
    b.head(Head {
        source,
        classes: 2,
        kind: HeadKind::Yolox { stride: 4 },
    });
    scaled(&b.build().unwrap(), |layer, o, i| match layer {
        0 => size(o) / 128.0,
        1 => 1.0 / size(i),
        _ => 1.0,
    })
}

/// Pictures in real values, 0 to 1.
fn batch(pictures: usize) -> Batch {
    let mut numbers = Numbers::new(8);
    let code = |_| ((numbers.next() + 1.0) * 127.5).round() / 255.0;
    Batch {
        step: 0,
        size: [SIDE, SIDE],
        inputs: (0..pictures * SIDE * SIDE * 3).map(code).collect(),
        truths: vec![Vec::new(); pictures],
    }
}

fn prepared(network: &Network, level: &str) -> (Prepared, Tape) {
    let mut tape = Tape::new(pool(2));
    let prepared = prepare(network, level.parse().unwrap(), &batch(4), &mut tape).unwrap();
    (prepared, tape)
}

/// What the model finds in a picture, by its own float pass.
fn simulated(model: &mut Model, tape: &mut Tape, batch: &Batch) -> Vec<Vec<f32>> {
    tape.load(model, batch).unwrap();
    tape.forward(model, false);
    let heads = 0..model.template().outputs().len();
    heads.map(|head| tape.output(head, 0).to_vec()).collect()
}

/// What the integers find in the same picture.
fn computed(network: &Network, batch: &Batch) -> Vec<Vec<f32>> {
    let mut session = Session::new(&tincy_engine::Plan::new(network, &Options::default()).unwrap());
    let input = session.input_mut().unsigned();
    for (code, value) in input.iter_mut().zip(&batch.inputs) {
        *code = (value * 255.0).round() as u8;
    }
    session.run();
    let outputs = network.outputs().iter();
    outputs
        .map(|output| session.output(*output).unwrap().floats().to_vec())
        .collect()
}

fn deviation(values: &[f32]) -> f32 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let squares: f32 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / values.len() as f32).sqrt()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    let squares: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / a.len() as f32).sqrt()
}

#[test]
fn integers_compute_what_was_simulated() {
    let network = network();
    for (level, most) in [("w8a8", 0.01), ("w4a8", 0.01), ("w3a4", 0.04)] {
        let (mut prepared, mut tape) = prepared(&network, level);
        let picture = batch(1);
        let simulated = simulated(&mut prepared.model, &mut tape, &picture);
        let integers = prepared.plan.to_integers(&mut prepared.model).unwrap();
        let computed = computed(&integers, &picture);
        for (simulated, computed) in simulated.iter().zip(&computed) {
            // A sum that lies between two codes may fall on either side: factors have 15 bits. One in
            // some hundreds does, by a step that is larger where codes are few.
            let share = difference(simulated, computed) / deviation(simulated);
            assert!(share < most, "{level}: {share}");
        }
    }
}

/// How far what is found at a level is from what the floats find.
fn loss(network: &Network, level: &str) -> f32 {
    let picture = batch(1);
    let mut floats = Model::new(network, Default::default()).unwrap();
    let exact = simulated(&mut floats, &mut Tape::new(pool(1)), &picture);
    let (mut prepared, mut tape) = prepared(network, level);
    let rounded = simulated(&mut prepared.model, &mut tape, &picture);
    let pairs = exact.iter().zip(&rounded);
    pairs
        .map(|(exact, rounded)| difference(exact, rounded) / deviation(exact))
        .fold(0.0, f32::max)
}

#[test]
fn eight_bits_stay_near_the_floats() {
    let network = network();
    let losses = ["w8a8", "w4a8", "w2a8"].map(|level| loss(&network, level));
    assert!(losses[0] < 0.03, "{losses:?}");
    assert!(losses[0] < losses[1] && losses[1] < losses[2], "{losses:?}");
}

#[test]
fn channels_of_uneven_sizes_are_brought_together() {
    let even = uneven(Activation::LEAKY, |_| 1.0);
    let wild = uneven(Activation::LEAKY, |c| [0.2, 1.0, 12.0][c % 3]);
    let equalized = |network: &Network| {
        let (mut prepared, _) = prepared(network, "w8a8");
        let integers = prepared.plan.to_integers(&mut prepared.model).unwrap();
        integers.provenance().get("equalized").cloned()
    };
    assert_eq!(equalized(&even), None);
    assert_eq!(equalized(&wild).as_deref(), Some("first"));
    // As they are, the loss is 0.19.
    let loss = loss(&wild, "w8a8");
    assert!(loss < 0.06, "{loss}");
}

#[test]
fn levels_reach_all_layers_but_the_ends_and_depthwise_ones() {
    let (mut prepared, _) = prepared(&network(), "w4a4");
    let integers = prepared.plan.to_integers(&mut prepared.model).unwrap();
    let kinds = |layer: &str| {
        let layer = &integers.layers()[integers.find(layer).unwrap()];
        (
            layer.convolution().unwrap().weights.kind(),
            layer.number().bits(),
        )
    };
    let int = |bits| WeightKind::Int { bits };
    // The sum's group is of 8 bits; what a plain convolution gives goes into it through the concatenation.
    assert_eq!(kinds("first"), (int(8), 8));
    assert_eq!(kinds("depth"), (int(8), 8));
    assert_eq!(kinds("down"), (int(4), 4));
    assert_eq!(kinds("plain"), (int(4), 8));
    assert_eq!(kinds("far"), (int(8), 32));
}

#[test]
fn a_step_is_shared_by_maps_of_one_code_and_learned_once() {
    let (prepared, _) = prepared(&network(), "w8a8");
    let names = prepared.model.parameters().list().iter();
    let steps: Vec<_> = names
        .map(|parameter| parameter.name.as_str())
        .filter(|name| name.starts_with("map"))
        .collect();
    // first, depth, sum, plain, large, both and part share one; down and pool another.
    assert_eq!(steps.len(), 2, "{steps:?}");
}

#[test]
fn what_has_no_form_in_integers_is_named() {
    let mut b = builder(8, 8, 3);
    let mut numbers = Numbers::new(1);
    Conv::default().add(&mut b, "only", Source::Input, &mut numbers);
    let floats = b.build().unwrap();
    let mut tape = Tape::new(pool(1));
    let refusal = |network: &Network, tape: &mut Tape| {
        let refused = prepare(network, "w8a8".parse().unwrap(), &batch(1), tape);
        refused.err().unwrap().to_string()
    };
    assert!(refusal(&floats, &mut tape).contains("read codes"));

    let input = network().input().clone();
    let mut b = Builder::new("test", input).unwrap();
    let conv = Conv::default().add(&mut b, "a", Source::Input, &mut numbers);
    let tanh = Op::Activation {
        activation: Activation::Tanh,
    };
    let tanh = b.layer("alone", tanh, &[conv]).unwrap();
    Conv::default().add(&mut b, "last", tanh, &mut numbers);
    let refused = refusal(&b.build().unwrap(), &mut tape);
    assert!(refused.contains("alone"), "{refused}");
}

#[test]
fn tables_hold_the_activation() {
    let (mut prepared, _) = prepared(&network(), "w8a8");
    let integers = prepared.plan.to_integers(&mut prepared.model).unwrap();
    for layer in integers.layers() {
        let Some(convolution) = layer.convolution() else {
            continue;
        };
        let has_table = match &convolution.finish {
            Finish::Requantize(requantize) => Some(requantize.table.is_some()),
            _ => None,
        };
        let expected = match layer.name() {
            "near" | "far" => None,
            "plain" => Some(false),
            _ => Some(true),
        };
        assert_eq!(has_table, expected, "{}", layer.name());
    }
}

/// A run in codes, some steps of six.
fn run(training: &mut Training, steps: u64) {
    let loss = detector::loss(training.model.template(), Default::default(), 1.0).unwrap();
    let batch = batch(4);
    for _ in 0..steps {
        let progress = training.steps() as f64 / 6.0;
        training.step(&batch, &*loss, None, progress).unwrap();
    }
}

#[test]
fn a_stopped_run_in_codes_goes_on_exactly() {
    let network = network();
    let new = || {
        let (Prepared { model, plan }, tape) = prepared(&network, "w4a8");
        let group = |_: &_| Group {
            factor: 1.0,
            decay: 0.0,
        };
        let optimizer = Optimizer::new(Method::ADAMW, model.parameters(), group);
        let settings = Settings {
            schedule: Schedule {
                rate: 1e-3,
                warm_up: 2,
                floor: 0.1,
            },
            clip: 20.0,
            average: 0.5,
        };
        (Training::new(model, optimizer, settings, tape), plan)
    };
    let integers = |(training, plan): &mut (Training, Plan)| {
        let integers = training.with_average(|model, _| plan.to_integers(model));
        file::to_bytes(&integers.unwrap())
    };
    let (mut whole, mut first, mut second) = (new(), new(), new());
    let start = integers(&mut whole);
    run(&mut whole.0, 6);
    run(&mut first.0, 4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    checkpoint::write(&path, &mut first.0, "").unwrap();
    checkpoint::read(&path, &mut second.0).unwrap();
    run(&mut second.0, 2);
    assert!(integers(&mut whole) == integers(&mut second));
    assert!(integers(&mut whole) != start);
}
