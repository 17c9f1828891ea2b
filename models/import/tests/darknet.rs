//! Every published and synthetic Darknet pair, without running them.

mod shared;

use serde_json::Value;
use shared::shared;
use std::path::{Path, PathBuf};
use tincy_import::darknet::{self, Options};
use tincy_network::{Fit, HeadKind, Network, Shape, file};

/// The pairs: their names and folder.
fn pairs() -> Vec<PathBuf> {
    let Some(folder) = shared("darknet-models") else {
        return Vec::new();
    };
    let mut pairs: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "cfg"))
        .collect();
    pairs.sort();
    pairs
}

fn import(cfg: &Path) -> tincy_import::Result<Network> {
    darknet::import(
        cfg,
        &cfg.with_extension("weights"),
        None,
        Options::default(),
    )
}

fn expected(cfg: &Path) -> Value {
    let text = std::fs::read(cfg.with_extension("expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn chw(value: &Value) -> Shape {
    let side = |i: usize| value[i].as_u64().unwrap() as usize;
    Shape::new(side(1), side(2), side(0))
}

#[test]
fn every_layer_has_the_expected_shape() {
    for cfg in pairs() {
        let network = import(&cfg).unwrap();
        let expected = expected(&cfg);
        let mut compared = 0;
        for layer in expected["layers"].as_array().unwrap() {
            let kind = match layer["type"].as_str().unwrap() {
                "convolutional" => "conv",
                "scale_channels" => "scale",
                kind => kind,
            };
            let name = format!("{kind}{}", layer["index"]);
            let Some(index) = network.find(&name) else {
                // No layer of ours: a route to one layer, a dropout, a head.
                assert!(
                    matches!(kind, "route" | "dropout" | "region" | "yolo"),
                    "{name}"
                );
                continue;
            };
            compared += 1;
            let shape = chw(&layer["shape_chw"]);
            // Darknet leaves the shapes of its flat layers at zero.
            if shape != Shape::new(0, 0, 0) {
                assert_eq!(
                    network.layers()[index].shape(),
                    shape,
                    "{} {name}",
                    cfg.display()
                );
            }
        }
        assert!(compared >= network.layers().len() - 2);
    }
}

#[test]
fn heads_read_what_the_cfg_says() {
    for cfg in pairs() {
        let network = import(&cfg).unwrap();
        let expected = expected(&cfg);
        let heads = expected["heads"].as_array().unwrap();
        assert_eq!(network.heads().len(), heads.len());
        for (head, expected) in network.heads().iter().zip(heads) {
            assert_eq!(network.tensor(head.source).0, chw(&expected["shape_chw"]));
            let options = &expected["options"];
            let classes: usize = options["classes"].as_str().unwrap().parse().unwrap();
            assert_eq!(head.classes, classes);
            if let HeadKind::Yolo {
                scale_xy,
                new_coords,
                ..
            } = head.kind
            {
                let scale = options["scale_x_y"].as_str().unwrap_or("1");
                assert_eq!(scale_xy, scale.parse::<f32>().unwrap());
                assert_eq!(new_coords, options["new_coords"].as_str() == Some("1"));
            }
        }
    }
}

#[test]
fn masks_choose_the_anchors() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    let network = import(&folder.join("synth-yolov4tiny.cfg")).unwrap();
    let anchors: Vec<_> = network
        .heads()
        .iter()
        .map(|head| head.kind.anchors())
        .collect();
    assert_eq!(anchors[0], [[81.0, 82.0], [135.0, 169.0], [344.0, 319.0]]);
}

#[test]
fn the_model_file_gives_the_same_network() {
    for cfg in pairs() {
        let network = import(&cfg).unwrap();
        let bytes = file::to_bytes(&network);
        assert_eq!(file::read(&bytes, "memory").unwrap(), network);
    }
}

#[test]
fn a_backbone_is_the_first_layers() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    let cfg = folder.join("mobilenetv2-yolo-fastest-voc.cfg");
    let weights = folder.join("mobilenetv2-yolo-fastest.conv.57");
    let network = darknet::import(&cfg, &weights, None, Options::default()).unwrap();
    let last = network.layers().last().unwrap();
    assert_eq!(last.name(), "conv56");
    assert_eq!(
        network.outputs(),
        [tincy_network::Source::Layer(network.layers().len() - 1)]
    );
    assert!(network.heads().is_empty());
    // Under another name it is a file that ends too early.
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("cut.weights");
    std::fs::copy(weights, &path).unwrap();
    let error = darknet::import(&cfg, &path, None, Options::default()).unwrap_err();
    let error = error.to_string();
    // Layers 57 to 63 have no weights.
    assert!(
        error.ends_with("cut.weights: layer conv64: 518644 bytes expected, 424180 found"),
        "{error}"
    );
}

#[test]
fn class_names_and_fit() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    let cfg = folder.join("yololite-trial3.cfg");
    let weights = cfg.with_extension("weights");
    let names = folder.join("voc.names");
    let fit = Fit::Letterbox { fill: 0.5 };
    let options = Options { fit: Some(fit) };
    let network = darknet::import(&cfg, &weights, Some(&names), options).unwrap();
    assert_eq!(network.classes()[6], "car");
    assert_eq!(network.input().picture.unwrap().fit, fit);
    let names = folder.join("coco.names");
    let error = darknet::import(&cfg, &weights, Some(&names), Options::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("20 classes but 80 class names"), "{error}");
}
