//! Darknet's networks: the sampled values of every layer, and the raw maps of the heads.

use super::files::{read, shared};
use super::ways;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{Network, Shape, Source};

/// Largest error, relative to a value or to its layer's root mean square.
const TOLERANCE: f64 = 1e-3;

/// The cfgs that have expected values.
fn cfgs() -> Vec<PathBuf> {
    let Some(folder) = shared("darknet-models") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cfgs: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "cfg"))
        .collect();
    cfgs.sort();
    cfgs
}

/// A network is run by a backend only where that takes seconds at most.
fn affordable(network: &Network, options: &Options) -> bool {
    let most = match (options.backend, cfg!(target_arch = "aarch64")) {
        (Backend::Reference, _) => 100_000_000,
        (_, true) => 200_000_000,
        _ => u64::MAX,
    };
    network.total_operations() <= most
}

fn run(network: &Network, options: &Options, picture: &Path) -> Session {
    let plan = Plan::new(network, options).expect("the network can be planned");
    let mut session = Session::new(&plan);
    let pixels = image::open(picture).unwrap().into_rgb8();
    let input = session.input_mut().floats();
    assert_eq!(input.len(), pixels.as_raw().len());
    for (value, sample) in input.iter_mut().zip(pixels.as_raw()) {
        *value = f32::from(*sample) / 255.0;
    }
    session.run();
    session
}

/// Element `index` of the CHW order of Darknet.
fn element(session: &Session, source: Source, shape: Shape, index: usize) -> f64 {
    let (channel, pixel) = (index / shape.pixels(), index % shape.pixels());
    let map = session.output(source).expect("a map that is kept");
    f64::from(map.get(pixel * shape.channels + channel))
}

fn assert_near(found: f64, expected: f64, rms: f64, what: &str) {
    let allowed = TOLERANCE * expected.abs().max(rms);
    assert!(
        (found - expected).abs() <= allowed,
        "{what} is {found}, not {expected}"
    );
}

/// The samples of all layers that are ours too and kept.
fn compare_layers(network: &Network, session: &Session, expected: &Value, what: &str) {
    for layer in expected["layers"].as_array().unwrap() {
        let kind = match layer["type"].as_str().unwrap() {
            "convolutional" => "conv",
            "scale_channels" => "scale",
            kind => kind,
        };
        let Some(index) = network.find(&format!("{kind}{}", layer["index"])) else {
            continue;
        };
        let source = Source::Layer(index);
        if session.output(source).is_none() {
            continue;
        }
        let shape = network.layers()[index].shape();
        let rms = layer["rms"].as_f64().unwrap();
        let samples = &layer["samples"];
        let indices = samples["index"].as_array().unwrap().iter();
        for (index, value) in indices.zip(samples["value"].as_array().unwrap()) {
            let index = index.as_u64().unwrap() as usize;
            let found = element(session, source, shape, index);
            let what = format!("{what}: {kind}{} [{index}]", layer["index"]);
            assert_near(found, value.as_f64().unwrap(), rms, &what);
        }
    }
}

/// The raw maps of the heads that are stored whole.
fn compare_heads(
    network: &Network,
    session: &Session,
    expected: &Value,
    folder: &Path,
    what: &str,
) {
    let heads = expected["heads"].as_array().map_or(&[][..], |heads| heads);
    for (head, ours) in heads.iter().zip(network.heads()) {
        let Some(name) = head["raw_npy"].as_str() else {
            continue;
        };
        let (shape, _) = network.tensor(ours.source);
        let file = read(&folder.join(name));
        let values = file[file.len() - 4 * shape.elements()..].chunks_exact(4);
        let values: Vec<f64> = values
            .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
            .collect();
        let squares: f64 = values.iter().map(|value| value * value).sum();
        let rms = (squares / values.len() as f64).sqrt();
        for (index, value) in values.iter().enumerate() {
            let found = element(session, ours.source, shape, index);
            assert_near(found, *value, rms, &format!("{what}: {name} [{index}]"));
        }
    }
}

#[test]
fn every_layer_and_head() {
    for cfg in cfgs() {
        let weights = cfg.with_extension("weights");
        let network = tincy_import::darknet::import(&cfg, &weights, None, Default::default());
        let network = network.expect("the pair is sound");
        let expected: Value =
            serde_json::from_slice(&read(&cfg.with_extension("expected.json"))).unwrap();
        let folder = cfg.parent().unwrap();
        let dog = expected["layers_picture"].as_str().unwrap();
        let picture = folder.join(expected["input"]["pictures"][dog].as_str().unwrap());
        for options in ways()
            .iter()
            .filter(|options| affordable(&network, options))
        {
            let session = run(&network, options, &picture);
            let what = format!("{} by {options:?}", cfg.display());
            compare_layers(&network, &session, &expected, &what);
            compare_heads(&network, &session, &expected, folder, &what);
        }
    }
}
