//! ONNX detectors of many families against what ONNX Runtime gave for them.

mod detectors;
mod shared;

use detectors::{Case, open};
use shared::shared;
use tincy_engine::Session;
use tincy_import::onnx;
use tincy_network::{Head, HeadKind, Layout, Number};

const RUNS: [&str; 3] = ["lcg", "dog", "person"];
const PICTURES: [&str; 2] = ["dog", "person"];

/// Largest difference of a number: several times what other engines differ by.
const TOLERANCE: f64 = 1e-4;

/// The Darknet pair that a file was made from has the heads that it lacks.
fn check_darknet(name: &str) {
    let (Some(case), Some(folder)) = (open(&format!("dk-{name}")), shared("darknet-models")) else {
        return;
    };
    let options = tincy_import::Options::default();
    let pair = tincy_import::import(&folder.join(format!("{name}.cfg")), &options).unwrap();
    assert!(case.network.heads().is_empty());
    let outputs = case.network.outputs();
    let heads = pair.heads().iter().zip(outputs);
    let heads: Vec<Head> = heads
        .map(|(head, source)| Head {
            source: *source,
            ..head.clone()
        })
        .collect();
    for run in RUNS {
        let session = case.run(run);
        for (index, source) in outputs.iter().enumerate() {
            let largest = case.difference(run, "raw", index, &case.planar(&session, *source));
            println!("{name} {run} {index}: {largest:.1e}");
            assert!(largest < TOLERANCE, "{name} {run}: {largest}");
        }
        if PICTURES.contains(&run) {
            let found = case.detections(&session, &heads, run);
            case.check(run, "detections", &found, 1e-4, 0.05);
        }
    }
}

#[test]
fn tiny_yolov2_of_darknet() {
    check_darknet("synth-tinyyolov2");
}

#[test]
fn mobilenetv2_yolo_fastest_of_darknet() {
    check_darknet("mobilenetv2-yolo-fastest-voc");
    check_darknet("mobilenetv2-yolo-fastest-voc-v2");
}

/// The results of a file, in its order, from the maps of heads.
fn results(case: &Case, session: &Session) -> Vec<Vec<f64>> {
    let heads = case.network.heads();
    let maps: Vec<Vec<f64>> = heads
        .iter()
        .map(|head| case.planar(session, head.source))
        .collect();
    let pixels = |i: usize| case.network.tensor(heads[i].source).0.pixels();
    match heads[0].kind {
        HeadKind::FastestV2 { .. } => (0..heads.len())
            .flat_map(|i| {
                let parts = [0..12, 12..15, 15..maps[i].len() / pixels(i)];
                parts.map(|part| maps[i][part.start * pixels(i)..part.end * pixels(i)].to_vec())
            })
            .collect(),
        HeadKind::FastestDet => vec![fastest_det(&maps[0], pixels(0))],
        HeadKind::Nanodet { .. } => {
            let rows = |i: usize, of: std::ops::Range<usize>| {
                let n = pixels(i);
                let map = &maps[i];
                (0..n)
                    .flat_map(move |at| of.clone().map(move |c| map[c * n + at]))
                    .collect::<Vec<f64>>()
            };
            let classes = (0..3).map(|i| rows(i, 0..80).into_iter().map(logistic).collect());
            classes.chain((0..3).map(|i| rows(i, 80..112))).collect()
        }
        HeadKind::Yolox { .. } => vec![
            (0..heads.len())
                .flat_map(|i| yolox(&maps[i], pixels(i)))
                .collect(),
        ],
        _ => panic!("{:?}", heads[0].kind),
    }
}

/// Rows of box, objectness and classes.
fn yolox(map: &[f64], n: usize) -> Vec<f64> {
    let rows = (0..n).flat_map(|at| (0..map.len() / n).map(move |c| (c, map[c * n + at])));
    rows.map(|(c, x)| if c < 4 { x } else { logistic(x) })
        .collect()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Objectness, box, shares of the classes.
fn fastest_det(map: &[f64], n: usize) -> Vec<f64> {
    let mut result: Vec<f64> = map[4 * n..5 * n].iter().map(|x| logistic(*x)).collect();
    result.extend(&map[..4 * n]);
    let powers: Vec<f64> = map[5 * n..].iter().map(|x| x.exp()).collect();
    let sums: Vec<f64> = (0..n)
        .map(|i| powers.iter().skip(i).step_by(n).sum())
        .collect();
    result.extend(
        powers
            .iter()
            .enumerate()
            .map(|(i, power)| power / sums[i % n]),
    );
    result
}

fn check_float(name: &str) {
    let Some(case) = open(name) else {
        return;
    };
    for run in RUNS {
        let session = case.run(run);
        for (index, found) in results(&case, &session).iter().enumerate() {
            let largest = case.difference(run, "raw", index, found);
            println!("{name} {run} {index}: {largest:.1e}");
            assert!(largest < TOLERANCE, "{name} {run} {index}: {largest}");
        }
        if PICTURES.contains(&run) {
            let found = case.detections(&session, case.network.heads(), run);
            case.check(run, "detections", &found, 1e-4, 0.05);
        }
    }
}

#[test]
fn yolo_fastestv2() {
    check_float("yolo-fastestv2");
}

#[test]
fn fastestdet() {
    check_float("fastestdet");
}

#[test]
fn nanodet() {
    check_float("nanodet-m");
}

/// Faces: scores and boxes as the heads have them are what the file computes from its priors.
#[test]
fn ultraface() {
    let Some(case) = open("ultraface-slim-320") else {
        return;
    };
    assert_eq!(case.network.classes(), ["face"]);
    assert_eq!(case.network.heads().len(), 4);
    for run in RUNS {
        let session = case.run(run);
        let [scores, boxes] = faces(&case, &session);
        for (index, found) in [scores, boxes].iter().enumerate() {
            let largest = case.difference(run, "raw", index, found);
            println!("ultraface {run} {index}: {largest:.1e}");
            assert!(largest < TOLERANCE, "{run} {index}: {largest}");
        }
        if PICTURES.contains(&run) {
            let found = case.detections(&session, case.network.heads(), run);
            case.check(run, "detections", &found, 1e-4, 0.05);
        }
    }
}

/// Shares of "nothing" and "face", and edges, of all boxes in the order of the file.
fn faces(case: &Case, session: &Session) -> [Vec<f64>; 2] {
    let [mut scores, mut boxes] = [Vec::new(), Vec::new()];
    for head in case.network.heads() {
        let HeadKind::Ssd { anchors } = &head.kind else {
            panic!("{:?}", head.kind);
        };
        assert_eq!(head.kind.layout(), Layout::Background);
        let (shape, _) = case.network.tensor(head.source);
        let values = session.output(head.source).unwrap().floats();
        for (cell, numbers) in values.chunks_exact(shape.channels).enumerate() {
            for (i, anchor) in anchors.iter().enumerate() {
                let own = |c: usize| f64::from(numbers[c]);
                let [nothing, face] = [0, 1].map(|k| own(4 * anchors.len() + 2 * i + k).exp());
                scores.extend([nothing, face].map(|x| x / (nothing + face)));
                let place = [cell % shape.width, cell / shape.width];
                let side = |axis: usize| {
                    let grid = [shape.width, shape.height][axis] as f64;
                    let anchor = f64::from(anchor[axis]) / [320.0, 240.0][axis];
                    let centre = (place[axis] as f64 + 0.5) / grid;
                    let centre = centre + own(4 * i + axis) * 0.1 * anchor;
                    let half = (own(4 * i + 2 + axis) * 0.2).exp() * anchor / 2.0;
                    [centre - half, centre + half]
                };
                let [[left, right], [top, bottom]] = [side(0), side(1)];
                boxes.extend([left, top, right, bottom]);
            }
        }
    }
    [scores, boxes]
}

/// How far a file of integers may be from what ONNX Runtime gave: a code that is rounded otherwise
/// in one layer moves others in those behind it, between engines too.
struct Slack {
    raw: f64,
    score: f32,
    /// Intersection over union.
    overlap: f64,
}

fn check_quantized(name: &str, kinds: [&str; 2], slack: &Slack) {
    let Some(case) = open(name) else {
        return;
    };
    let codes = case
        .network
        .layers()
        .iter()
        .filter(|layer| layer.number() != Number::F32);
    assert!(2 * codes.count() > case.network.layers().len());
    for run in RUNS {
        let session = case.run(run);
        for (index, found) in results(&case, &session).iter().enumerate() {
            let kind = if run == "lcg" { "raw" } else { kinds[0] };
            let largest = case.difference(run, kind, index, found);
            println!("{name} {run} {index}: {largest:.1e}");
            assert!(largest < slack.raw, "{name} {run} {index}: {largest}");
        }
        if PICTURES.contains(&run) {
            let found = case.detections(&session, case.network.heads(), run);
            case.check_near(run, kinds[1], &found, slack.score, slack.overlap);
        }
    }
}

#[test]
fn yolo_fastestv2_of_quantized_operators() {
    let slack = Slack {
        raw: 0.6,
        score: 0.05,
        overlap: 0.85,
    };
    check_quantized("yolo-fastestv2-qoperator", ["raw", "detections"], &slack);
}

/// The file rounds its result once more, to steps of 0.0431, which heads do without.
#[test]
fn fastestdet_quantized_and_dequantized() {
    let slack = Slack {
        raw: 0.15,
        score: 0.03,
        overlap: 0.9,
    };
    check_quantized("fastestdet-qdq", ["raw", "detections"], &slack);
}

#[test]
fn yolox_nano_quantized_and_dequantized() {
    let slack = Slack {
        raw: 1.5,
        score: 0.06,
        overlap: 0.85,
    };
    let kinds = ["raw_literal", "detections_literal"];
    check_quantized("yolox-nano-qdq", kinds, &slack);
}

/// What needs more than maps is refused with its node.
#[test]
fn attention_is_refused_by_name() {
    let Some(folder) = shared("onnx-detectors") else {
        return;
    };
    let path = folder.join("yolo11n-int8-dynamic.onnx");
    let error = onnx::import(&path, onnx::Options::default()).unwrap_err();
    let error = error.to_string();
    assert_eq!(error.lines().count(), 1);
    assert!(
        error.contains("(DynamicQuantizeLinear, opset 12)"),
        "{error}"
    );
}
