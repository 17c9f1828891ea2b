//! Whole runs: a little network learns its pictures, and a run that was stopped goes on exactly.

mod support;

use support::{Conv, Numbers, builder, pool};
use tincy_network::{Activation, Head, HeadKind, Network, Op, Padding, Pool, Source};
use tincy_train::augment::Batch;
use tincy_train::losses::{Terms, Truth, region::Weights};
use tincy_train::model::{Normalisation, Options};
use tincy_train::optimizer::{Group, Method, Optimizer, Schedule};
use tincy_train::quantizers::Method as Quantization;
use tincy_train::training::Settings;
use tincy_train::{Model, Tape, Training, checkpoint, detector};

const SIDE: usize = 48;

/// Two heads of two classes, at strides 8 and 16.
fn network() -> Network {
    let (mut builder, mut numbers) = (builder(SIDE, SIDE, 3), Numbers::new(21));
    let conv = |out, stride| Conv {
        out,
        stride,
        activation: Activation::Swish,
        ..Conv::default()
    };
    let a = conv(16, 2).add(&mut builder, "a", Source::Input, &mut numbers);
    let pool = Pool {
        size: [2; 2],
        stride: [2; 2],
        padding: Padding::default(),
    };
    let a = builder.layer("pool", Op::MaxPool(pool), &[a]).unwrap();
    let b = conv(24, 2).add(&mut builder, "b", a, &mut numbers);
    let b = Conv {
        groups: 24,
        ..conv(24, 1)
    }
    .add(&mut builder, "c", b, &mut numbers);
    let c = conv(32, 2).add(&mut builder, "d", b, &mut numbers);
    for (name, from, stride) in [("near", b, 8), ("far", c, 16)] {
        let last = Conv {
            out: 7,
            kernel: 1,
            ..Conv::default()
        };
        let source = last.add(&mut builder, name, from, &mut numbers);
        builder.head(Head {
            source,
            classes: 2,
            kind: HeadKind::Yolox { stride },
        });
    }
    builder.build().unwrap()
}

/// Bright squares of class 0 and dark ones of class 1 on noise.
fn batch(pictures: usize) -> Batch {
    let mut numbers = Numbers::new(4);
    let mut batch = Batch {
        step: 0,
        size: [SIDE, SIDE],
        inputs: Vec::new(),
        truths: Vec::new(),
    };
    for picture in 0..pictures {
        let class = picture % 2;
        let (size, x, y) = (14 + picture % 3 * 4, picture * 7 % 24, picture * 5 % 26);
        for pixel in 0..SIDE * SIDE {
            let (column, row) = (pixel % SIDE, pixel / SIDE);
            let inside = (x..x + size).contains(&column) && (y..y + size).contains(&row);
            let level = if inside {
                [1.0, -1.0][class]
            } else {
                0.1 * numbers.next()
            };
            batch.inputs.extend([level; 3]);
        }
        let edges = [x, y, x + size, y + size].map(|edge| edge as f32 / SIDE as f32);
        batch.truths.push(vec![Truth {
            class,
            edges,
            ignored: false,
            weight: 1.0,
        }]);
    }
    batch
}

fn training(normalisation: Normalisation, bits: bool, method: Method) -> Training {
    let mut model = Model::new(&network(), Options { normalisation }).unwrap();
    if bits {
        quantize(&mut model);
    }
    let group = |_: &_| Group {
        factor: 1.0,
        decay: 1e-4,
    };
    let optimizer = Optimizer::new(method, model.parameters(), group);
    let schedule = Schedule {
        rate: 5e-3,
        warm_up: 10,
        floor: 0.05,
    };
    let settings = Settings {
        schedule,
        clip: 20.0,
        average: 0.9,
    };
    Training::new(model, optimizer, settings, Tape::new(pool(2)))
}

/// Puts learned scales before the weights of two layers and after a map.
fn quantize(model: &mut Model) {
    let lsq = Quantization::Lsq {
        bits: 4,
        by_channel: true,
    };
    model.quantize_weights("b", lsq).unwrap();
    model
        .quantize_weights("c", "syq-binary-position".parse().unwrap())
        .unwrap();
    let sample: Vec<f32> = Numbers::new(3).take(1000);
    let codes = Quantization::Lsq {
        bits: 4,
        by_channel: false,
    };
    model
        .quantize_map("a", codes.of_activations(1, &sample).unwrap())
        .unwrap();
}

fn run(training: &mut Training, batch: &Batch, steps: u64, of: u64) -> Terms {
    let loss = detector::loss(training.model.template(), Weights::default(), 1.0).unwrap();
    let mut last = Terms::default();
    for _ in 0..steps {
        let progress = training.steps() as f64 / of as f64;
        last = training.step(batch, &*loss, None, progress).unwrap().terms;
    }
    last
}

#[test]
fn eight_pictures_are_learned() {
    let batch = batch(8);
    for normalisation in [Normalisation::None, Normalisation::Batch { momentum: 0.1 }] {
        let mut training = training(normalisation, false, Method::ADAMW);
        let first = run(&mut training, &batch, 1, 300);
        let last = run(&mut training, &batch, 299, 300);
        let overlap = last.overlaps / last.matched;
        let what = format!("{normalisation:?}: {first:?} to {last:?}");
        assert!(
            last.total() < first.total() / 8.0 && overlap > 0.8,
            "{what}"
        );
    }
}

#[test]
fn a_stopped_run_goes_on_exactly() {
    let batch = batch(5);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let batch_norm = Normalisation::Batch { momentum: 0.2 };
    for method in [Method::ADAMW, Method::Sgd { momentum: 0.9 }] {
        let new = || training(batch_norm, true, method);
        let mut whole = new();
        run(&mut whole, &batch, 12, 12);

        let mut first = new();
        run(&mut first, &batch, 7, 12);
        checkpoint::write(&path, &mut first, "a note").unwrap();
        let mut second = new();
        assert_eq!(checkpoint::note(&path).unwrap(), "a note");
        checkpoint::read(&path, &mut second).unwrap();
        run(&mut second, &batch, 5, 12);
        let values = |training: &Training| training.model.parameters().values().to_vec();
        assert!(values(&whole) == values(&second), "{method:?}");
        let average = |training: &mut Training| {
            training.with_average(|model, _| model.parameters().values().to_vec())
        };
        assert!(average(&mut whole) == average(&mut second), "{method:?}");
        assert_ne!(values(&whole), average(&mut whole));
    }
}

#[test]
fn checkpoints_of_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.safetensors");
    let mut adam = training(Normalisation::None, false, Method::ADAMW);
    let refused = |path: &std::path::Path, training: &mut Training| {
        checkpoint::read(path, training).unwrap_err().to_string()
    };
    assert!(refused(&path, &mut adam).contains("last.safetensors: "));
    checkpoint::write(&path, &mut adam, "").unwrap();
    let mut sgd = training(Normalisation::None, false, Method::Sgd { momentum: 0.9 });
    assert!(refused(&path, &mut sgd).contains("another method"));
    let mut batch = training(Normalisation::Frozen, false, Method::ADAMW);
    assert!(refused(&path, &mut batch).contains("has no value/a.scale"));

    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(!refused(&path, &mut adam).is_empty(), "{length}");
    }
    checkpoint::read(&path, &mut adam).unwrap_err();
    std::fs::write(&path, &bytes).unwrap();
    checkpoint::read(&path, &mut adam).unwrap();
}
