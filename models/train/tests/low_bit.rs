//! Low-bit networks made trainable: what they computed, they compute.

mod support;

use tincy_engine::{Options, Plan, Session};
use tincy_import::import;
use tincy_network::{HeadKind, Network, Source};
use tincy_train::augment::Batch;
use tincy_train::low_bit::export::to_integers;
use tincy_train::low_bit::{calibrate, prune};
use tincy_train::networks::tincy_yolo;
use tincy_train::trunk::Trunk;
use tincy_train::{Model, Tape};

/// A code that follows from its place.
fn code(place: usize) -> u8 {
    ((place * 37 + place / 1251 * 11) % 128) as u8
}

/// A result of a network for such codes.
fn output(network: &Network, source: Source) -> Vec<f32> {
    let plan = Plan::new(network, &Options::default()).unwrap();
    let mut session = Session::new(&plan);
    for (place, own) in session.input_mut().unsigned().iter_mut().enumerate() {
        *own = code(place);
    }
    session.run();
    session.output(source).unwrap().floats().to_vec()
}

/// The published Tiny-YOLO W1A4, where it is there.
fn published() -> Option<Network> {
    let folder = support::shared("tinyyolo-w1a4")?;
    Some(import(&folder, &Default::default()).unwrap())
}

#[test]
fn dead_channels_change_nothing() {
    let Some(published) = published() else {
        return;
    };
    let pruned = prune::dead_channels(&published, 4).unwrap();
    let channels = |network: &Network, layer: &str| {
        let layer = network.find(layer).unwrap();
        network.tensor(Source::Layer(layer)).0.channels
    };
    // 111 of its channels never fire (1, 2, 0, 6, 28, 74, 0, 0 by layer); fours of channels stay whole.
    let counts = ["conv0", "conv1", "conv3", "conv4", "conv5", "conv6"];
    let counts = counts.map(|layer| [channels(&published, layer), channels(&pruned, layer)]);
    let expected = [
        [16, 16],
        [64, 64],
        [128, 124],
        [256, 228],
        [512, 440],
        [512, 512],
    ];
    assert_eq!(counts, expected);
    assert!(pruned.total_operations() < published.total_operations() / 20 * 19);
    let [after, before] = [&pruned, &published].map(|n| output(n, n.outputs()[0]));
    assert_eq!(after, before);
}

/// `tincy-yolo` from a published network whose first layers stay, and the picture of codes as its trunk
/// sees it.
fn grown(published: &Network) -> (tincy_yolo::Start, Trunk, Model, Batch, Tape) {
    let momentum = 0.02;
    let start = tincy_yolo::start(published, Some("pool2"), 1).unwrap();
    let mut trunk = Trunk::new(start.trunk.clone().unwrap(), support::pool(2));
    let shape = published.input().shape;
    let step = published.input().number.code().unwrap().scale as f32;
    let batch = Batch {
        step: 0,
        size: [shape.width, shape.height],
        inputs: (0..shape.elements())
            .map(|at| f32::from(code(at)) * step)
            .collect(),
        truths: vec![Vec::new()],
    };
    let seen = trunk.look(&batch).unwrap();
    let mut model = tincy_yolo::model(&start, momentum).unwrap();
    let mut tape = Tape::new(support::pool(2));
    tape.load(&model, &seen).unwrap();
    calibrate::calibrate(&mut model, &mut tape, momentum, &start.wanted).unwrap();
    (start, trunk, model, seen, tape)
}

#[test]
fn a_grown_network_finds_what_its_start_found() {
    let Some(published) = published() else {
        return;
    };
    let published = prune::dead_channels(&published, 4).unwrap();
    let (start, trunk, mut model, seen, mut tape) = grown(&published);
    let trained = to_integers(&mut model, &start.integers).unwrap();
    let whole = trunk.before(&trained).unwrap();
    assert_eq!(whole.find("pool2"), published.find("pool2"));
    // At most 4.45 G: what the programmable logic does at 16 frames a second.
    assert!(whole.total_operations() < 4_450_000_000);
    let [fine, coarse] = whole.heads() else {
        panic!("{} heads", whole.heads().len());
    };
    let anchors = |kind: &HeadKind| match kind {
        HeadKind::Region { anchors, .. } => anchors.len(),
        _ => 0,
    };
    assert_eq!((anchors(&fine.kind), anchors(&coarse.kind)), (3, 5));

    // The published head, whose weights have 8 bits now.
    let found = output(&whole, coarse.source);
    let expected = output(&published, published.heads()[0].source);
    let off = |a: &[f32], b: &[f32]| {
        let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
        let size: f64 = b.iter().map(|b| f64::from(*b).powi(2)).sum();
        (squares.sum::<f64>() / size).sqrt()
    };
    // Its hidden layers' thresholds do not lie on lines exactly.
    assert!(off(&found, &expected) < 0.1, "{}", off(&found, &expected));

    // The trained part in floats, on the trunk's codes, is the whole in integers; off the start, where
    // sums lie on thresholds.
    for layer in start.template.layers() {
        let shift = format!("{}.shift", layer.name());
        if let Some(shift) = model.parameters().find(&shift) {
            let own = model.parameters_mut().get_mut(shift);
            own.iter_mut().for_each(|own| *own += 0.013);
        }
    }
    let trained = to_integers(&mut model, &start.integers).unwrap();
    let whole = trunk.before(&trained).unwrap();
    tape.load(&model, &seen).unwrap();
    tape.forward(&mut model, false);
    for (number, head) in [fine, coarse].iter().enumerate() {
        let integers = output(&whole, head.source);
        let floats = tape.output(number, 0);
        let off = off(floats, &integers);
        assert!(off < 1e-3, "head {number}: {off}");
    }
}

#[test]
fn a_trunk_ends_before_the_fork() {
    let Some(published) = published() else {
        return;
    };
    let refused = |layer| match tincy_yolo::start(&published, Some(layer), 1) {
        Ok(_) => panic!("{layer} was taken"),
        Err(error) => error.to_string(),
    };
    for (layer, why) in [("pool9", "is not there"), ("conv7", "is behind the fork")] {
        let said = refused(layer);
        assert!(said.contains(layer) && said.contains(why), "{said}");
    }
}
