//! ONNX files against what ONNX Runtime gave for them.

mod shared;

use serde_json::Value;
use shared::shared;
use std::path::PathBuf;
use tincy_engine::{Options as PlanOptions, Plan, Session};
use tincy_import::{Options, classes, import, onnx};
use tincy_network::classes::{VOC, match_classes};
use tincy_network::{HeadKind, Network};
use tincy_vision::letterbox::Placement;
use tincy_vision::{Candidate, Map, decode::decode, nms::suppress};

/// Largest difference of a number of YOLOX: engines differ by half as much among each other.
const TOLERANCE: f64 = 5e-4;

/// A file and what it should give.
struct Case {
    folder: PathBuf,
    expected: Value,
    network: Network,
}

fn open(name: &str) -> Option<Case> {
    let folder = shared("onnx-detectors")?;
    let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
    Some(Case {
        expected: serde_json::from_slice(&expected).unwrap(),
        network: onnx::import(
            &folder.join(format!("{name}.onnx")),
            onnx::Options::default(),
        )
        .unwrap(),
        folder,
    })
}

/// The pixels of an input, red first: a stored picture, or those of a generator.
fn pixels(case: &Case, run: &str) -> Vec<u8> {
    let shape = case.network.input().shape;
    if run == "lcg" {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        return (0..shape.elements()).map(|_| next()).collect();
    }
    let path = case.expected["runs"][run]["input"].as_str().unwrap();
    let picture = image::open(case.folder.join(path)).unwrap().into_rgb8();
    let size = (shape.width as u32, shape.height as u32);
    assert_eq!(picture.dimensions(), size);
    picture.into_raw()
}

/// A session that has run on samples of 0 to 255, blue first.
fn run(network: &Network, pixels: &[u8], options: &PlanOptions) -> Session {
    let mut session = Session::new(&Plan::new(network, options).unwrap());
    let mut input = session.input_mut();
    for (at, pixel) in pixels.chunks_exact(3).enumerate() {
        for (channel, sample) in pixel.iter().rev().enumerate() {
            input.set(3 * at + channel, f32::from(*sample));
        }
    }
    session.run();
    session
}

/// The boxes of all heads, as the file lists them: rows of x, y, w, h, objectness and classes, the
/// last two through the logistic function.
fn rows(network: &Network, session: &Session) -> Vec<f64> {
    let mut rows = Vec::new();
    for head in network.heads() {
        let values = session.output(head.source).unwrap().floats();
        for row in values.chunks_exact(5 + head.classes) {
            rows.extend(row[..4].iter().map(|x| f64::from(*x)));
            let logistic = |x: &f32| 1.0 / (1.0 + (-f64::from(*x)).exp());
            rows.extend(row[4..].iter().map(logistic));
        }
    }
    rows
}

fn detections(case: &Case, session: &Session, picture: [usize; 2]) -> Vec<Candidate> {
    let network = &case.network;
    let (input, mut found) = (network.input(), Vec::new());
    let least = case.expected["score_threshold"].as_f64().unwrap() as f32;
    for head in network.heads() {
        let map = Map {
            head,
            shape: network.tensor(head.source).0,
            values: session.output(head.source).unwrap().floats(),
        };
        let thresholds = vec![least; head.classes];
        decode(map, input.shape, &thresholds, &mut found).unwrap();
    }
    let [width, height] = picture;
    // The stored inputs were made with sides rounded to the nearest; YOLOX rounds down.
    let (shape, larger) = (input.shape, width.max(height) as f64);
    let side = |side: usize| (shape.width as f64 * side as f64 / larger).round() as usize;
    let placement = Placement {
        left: 0,
        top: 0,
        width: side(width),
        height: side(height),
    };
    let mut found = suppress(found, 0.45);
    for candidate in &mut found {
        candidate.rect = placement.to_picture(candidate.rect, input.shape, width, height);
    }
    found
}

#[test]
fn yolox_nano_gives_what_onnx_runtime_gives() {
    let Some(case) = open("yolox-nano") else {
        return;
    };
    for (name, expected) in case.expected["runs"].as_object().unwrap() {
        let session = run(&case.network, &pixels(&case, name), &PlanOptions::default());
        let rows = rows(&case.network, &session);
        assert_eq!(rows.len(), 3549 * 85);
        let raw = &expected["raw"][0];
        let (indices, values) = (raw["index"].as_array(), raw["value"].as_array());
        let mut largest = 0f64;
        for (index, value) in indices.unwrap().iter().zip(values.unwrap()) {
            let found = rows[index.as_u64().unwrap() as usize];
            largest = largest.max((found - value.as_f64().unwrap()).abs());
        }
        println!("{name}: {largest:.1e}");
        assert!(largest < TOLERANCE, "{name}: {largest}");
        let Some(boxes) = expected["detections"].as_array() else {
            continue;
        };
        let size = [0, 1].map(|i| expected["image_size"][i].as_u64().unwrap() as usize);
        let found = detections(&case, &session, size);
        assert_eq!(found.len(), boxes.len(), "{name}");
        for (found, expected) in found.iter().zip(boxes) {
            let what = format!("{name}: {found:?}, not {expected}");
            assert_eq!(
                case.network.classes()[found.class],
                expected["name"],
                "{what}"
            );
            let close = |found: f32, expected: &Value, by: f64| {
                (f64::from(found) - expected.as_f64().unwrap()).abs() <= by
            };
            assert!(close(found.score, &expected["score"], 1e-4), "{what}");
            let rect = found.rect;
            let edges = [rect.left, rect.top, rect.right, rect.bottom];
            for (i, edge) in edges.into_iter().enumerate() {
                assert!(close(edge, &expected["box_ltrb_px"][i], 0.02), "{what}");
            }
        }
    }
}

#[test]
fn yolox_nano_says_how_it_is_read() {
    let Some(case) = open("yolox-nano") else {
        return;
    };
    let network = &case.network;
    assert_eq!(network.input().shape.to_string(), "416x416x3");
    let strides = network.heads().iter().map(|head| match head.kind {
        HeadKind::Yolox { stride } => stride,
        _ => panic!("{:?}", head.kind),
    });
    assert_eq!(strides.collect::<Vec<_>>(), [8, 16, 32]);
    assert_eq!(network.classes()[16], "dog");
    // The focus and the convolution after it are one; so are all activations and what they follow.
    let first = network.layers()[0].convolution().unwrap();
    assert_eq!((first.kernel, first.stride), ([6, 6], [2, 2]));
    let names = network.layers().iter().map(|layer| layer.op().name());
    let count = |name| names.clone().filter(|found| *found == name).count();
    assert_eq!(count("conv"), 113);
    assert_eq!(count("activation") + count("slice"), 0);
    assert_eq!(count("add"), 7);
    assert_eq!(network.total_operations() / 1_000_000, 1_045);
}

#[test]
fn classes_are_cut_without_changing_the_others() {
    let Some(case) = open("yolox-nano") else {
        return;
    };
    let names = VOC.map(String::from);
    let numbers = match_classes(&names, case.network.classes());
    let few = classes::keep(&case.network, &names).unwrap();
    assert_eq!(few.classes(), names);
    let pixels = pixels(&case, "dog");
    let [all, few_run] =
        [&case.network, &few].map(|network| run(network, &pixels, &PlanOptions::default()));
    for (a, b) in case.network.heads().iter().zip(few.heads()) {
        let all = all.output(a.source).unwrap().floats().chunks_exact(85);
        let few = few_run.output(b.source).unwrap().floats().chunks_exact(25);
        assert_eq!(all.len(), few.len());
        for (all, few) in all.zip(few) {
            assert_eq!(all[..5], few[..5]);
            for (class, number) in numbers.iter().enumerate() {
                assert_eq!(all[5 + number.unwrap()], few[5 + class], "{}", names[class]);
            }
        }
    }
    // The import's option does the same.
    let options = Options {
        keep: Some(names.to_vec()),
        ..Options::default()
    };
    let path = case.folder.join("yolox-nano.onnx");
    assert_eq!(import(&path, &options).unwrap(), few);
    let odd = classes::keep(&case.network, &["unicorn".into()]).unwrap_err();
    assert!(
        odd.to_string()
            .contains("no class `unicorn`; there are: person"),
        "{odd}"
    );
}

/// Whatever happens to a file, the answer is a network or one line about the file.
#[test]
fn damage_is_named() {
    let Some(folder) = shared("onnx-detectors") else {
        return;
    };
    let sound = std::fs::read(folder.join("yolox-nano.onnx")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("damaged.onnx");
    let mut lines = std::collections::BTreeSet::new();
    let mut check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = onnx::import(&path, onnx::Options::default()) {
            let error = error.to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.starts_with(path.to_str().unwrap()), "{error}");
            lines.insert(error);
        }
    };
    for part in 0..30 {
        check(&sound[..part * sound.len() / 30]);
    }
    // The nodes come first; a changed bit there can mean anything.
    let mut state = 1u64;
    let mut bytes = sound.clone();
    for _ in 0..150 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = (state >> 33) as usize % 60_000;
        let bit = 1 << (state >> 60 & 7);
        bytes[at] ^= bit;
        check(&bytes);
        bytes[at] ^= bit;
    }
    assert!(lines.len() > 40, "{lines:#?}");
}
