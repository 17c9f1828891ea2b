//! Every Darknet pair, run: each layer, the raw heads and the detections against what Darknet gave.

mod shared;

use serde_json::Value;
use shared::shared;
use std::path::{Path, PathBuf};
use tincy_engine::{Options as PlanOptions, Plan, Session};
use tincy_import::darknet::{self, Options};
use tincy_network::{Network, Shape, Source};
use tincy_vision::{Candidate, Map, decode::decode, nms::suppress};

/// Largest difference of a number, relative to its size or that of its layer: what the format's
/// notes call fair for an importer with the same epsilon.
const TOLERANCE: f64 = 1e-4;

/// A pair that is ready to run.
struct Pair {
    network: Network,
    session: Session,
    expected: Value,
    folder: PathBuf,
}

impl Pair {
    fn open(name: &str) -> Option<Pair> {
        let folder = shared("darknet-models")?;
        let path = |extension: &str| folder.join(format!("{name}.{extension}"));
        let expected = std::fs::read(path("expected.json")).unwrap();
        let options = Options::default();
        let network = darknet::import(&path("cfg"), &path("weights"), None, options).unwrap();
        let keep_all = PlanOptions {
            keep_all: true,
            ..PlanOptions::default()
        };
        let plan = Plan::new(&network, &keep_all).unwrap();
        Some(Pair {
            network,
            session: Session::new(&plan),
            expected: serde_json::from_slice(&expected).unwrap(),
            folder,
        })
    }

    /// Runs the network on one of its pictures, which has its size.
    fn run(&mut self, picture: &str) {
        let file = &self.expected["input"]["pictures"][picture];
        let picture = image::open(self.folder.join(file.as_str().unwrap())).unwrap();
        let pixels = picture.into_rgb8().into_raw();
        let input = self.session.input_mut().floats();
        assert_eq!(input.len(), pixels.len());
        for (sample, pixel) in input.iter_mut().zip(pixels) {
            *sample = f32::from(pixel) / 255.0;
        }
        self.session.run();
    }

    /// The map of a layer, and its shape.
    fn map(&self, source: Source) -> (Shape, &[f32]) {
        let shape = self.network.tensor(source).0;
        (shape, self.session.output(source).unwrap().floats())
    }

    /// Pictures with expected results.
    fn pictures(&self) -> Vec<String> {
        let pictures = self.expected["input"]["pictures"].as_object().unwrap();
        pictures.keys().cloned().collect()
    }

    /// The source that the layer of Darknet's number and kind is here, unless it computes nothing.
    fn source(&self, layer: &Value) -> Option<Source> {
        let kind = match layer["type"].as_str().unwrap() {
            "convolutional" => "conv",
            "scale_channels" => "scale",
            kind => kind,
        };
        let name = format!("{kind}{}", layer["index"]);
        self.network.find(&name).map(Source::Layer)
    }
}

/// The element of a map by its index in CHW order.
fn element((shape, values): (Shape, &[f32]), index: usize) -> f64 {
    let (c, pixel) = (index / shape.pixels(), index % shape.pixels());
    values[pixel * shape.channels + c].into()
}

/// Holds samples, `{"index": [..], "value": [..]}`, against a map. Numbers near zero are held to
/// the size of their map.
fn compare_samples(map: (Shape, &[f32]), samples: &Value, size: f64, what: &str) {
    let indices = samples["index"].as_array().unwrap();
    let values = samples["value"].as_array().unwrap();
    assert_eq!(indices.len(), values.len());
    for (index, value) in indices.iter().zip(values) {
        let index = index.as_u64().unwrap() as usize;
        compare(
            element(map, index),
            value.as_f64().unwrap(),
            size,
            &format!("{what} [{index}]"),
        );
    }
}

fn compare(found: f64, expected: f64, size: f64, what: &str) {
    let limit = TOLERANCE * expected.abs().max(size);
    let difference = (found - expected).abs();
    assert!(
        difference <= limit,
        "{what}: {expected} expected, {found} found"
    );
}

fn rms(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
    (sum / values.len() as f64).sqrt()
}

/// A `.npy` of floats, CHW; its header is a multiple of 16 bytes that ends in a line end.
fn npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let floats = bytes[start..].as_chunks::<4>().0;
    floats.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn layers(pair: &mut Pair) {
    let picture = pair.expected["layers_picture"]
        .as_str()
        .unwrap()
        .to_string();
    pair.run(&picture);
    let mut compared = 0;
    for layer in pair.expected["layers"].as_array().unwrap() {
        let Some(source) = pair.source(layer) else {
            continue;
        };
        let size = layer["rms"].as_f64().unwrap();
        let what = format!("layer {} {}", layer["index"], layer["type"]);
        compare_samples(pair.map(source), &layer["samples"], size, &what);
        compared += 1;
    }
    assert!(compared + 2 >= pair.network.layers().len());
}

fn raw_heads(pair: &mut Pair) {
    let Some(samples) = pair.expected["raw_head_samples"].as_object().cloned() else {
        return;
    };
    for (picture, heads) in samples {
        pair.run(&picture);
        for (number, samples) in heads.as_object().unwrap() {
            let heads = pair.expected["heads"].as_array().unwrap();
            let at = heads
                .iter()
                .position(|h| h["layer"].as_u64() == number.parse().ok());
            let source = match at {
                Some(at) => pair.network.heads()[at].source,
                None => pair.network.outputs()[0],
            };
            assert!(at.is_some() || number == "final", "{picture} head {number}");
            let map = pair.map(source);
            compare_samples(
                map,
                samples,
                rms(map.1),
                &format!("{picture} head {number}"),
            );
            if picture == "dog"
                && let Some(file) = at.and_then(|at| heads[at]["raw_npy"].as_str())
            {
                let size = rms(map.1);
                for (index, value) in npy(&pair.folder.join(file)).into_iter().enumerate() {
                    compare(
                        element(map, index),
                        value.into(),
                        size,
                        &format!("{file} [{index}]"),
                    );
                }
            }
        }
    }
}

fn final_map(pair: &mut Pair) {
    let Some(file) = pair.expected["final_npy"].as_str().map(String::from) else {
        return;
    };
    let expected = npy(&pair.folder.join(&file));
    pair.run("dog");
    let map = pair.map(pair.network.outputs()[0]);
    assert_eq!(map.1.len(), expected.len());
    for (index, value) in expected.into_iter().enumerate() {
        compare(element(map, index), value.into(), rms(map.1), &file);
    }
}

/// An object: class, score, left, top, right and bottom in pixels of the picture.
type Object = (u64, f64, [f64; 4]);

fn objects(pair: &Pair, size: [f64; 2]) -> Vec<Object> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for head in pair.network.heads() {
        let (shape, values) = pair.map(head.source);
        let thresholds = vec![0.25; head.classes];
        let input = pair.network.input().shape;
        decode(
            Map {
                head,
                shape,
                values,
            },
            input,
            &thresholds,
            &mut candidates,
        )
        .unwrap();
    }
    let kept = suppress(candidates, 0.45).into_iter();
    let [width, height] = size;
    kept.map(|c| {
        let rect = [c.rect.left, c.rect.top, c.rect.right, c.rect.bottom].map(f64::from);
        let pixels = [
            rect[0] * width,
            rect[1] * height,
            rect[2] * width,
            rect[3] * height,
        ];
        (c.class as u64, c.score.into(), pixels)
    })
    .collect()
}

fn expected_objects(list: &Value) -> Vec<Object> {
    let number = |value: &Value| value.as_f64().unwrap();
    let object = |object: &Value| {
        let edges = &object["box_ltrb_px"];
        let edges = [0, 1, 2, 3].map(|i| number(&edges[i]));
        (
            object["cls"].as_u64().unwrap(),
            number(&object["score"]),
            edges,
        )
    };
    list.as_array().unwrap().iter().map(object).collect()
}

/// Whether two are the same object within 0.03 in score and 3 pixels.
fn same(a: &Object, b: &Object) -> bool {
    let edges = a.2.iter().zip(b.2);
    a.0 == b.0 && (a.1 - b.1).abs() <= 0.03 && edges.into_iter().all(|(a, b)| (a - b).abs() <= 3.0)
}

/// Returns how many objects were compared.
fn detections(pair: &mut Pair) -> usize {
    let mut compared = 0;
    for picture in pair.pictures() {
        let result = &pair.expected["detections"][&picture];
        if !result["plain"].is_array() {
            continue;
        }
        let size = [0, 1].map(|i| result["image_size"][i].as_f64().unwrap());
        let mut expected = expected_objects(&result["plain"]);
        pair.run(&picture);
        for found in objects(pair, size) {
            match expected.iter().position(|e| same(e, &found)) {
                Some(index) => drop(expected.remove(index)),
                None => panic!("{picture}: {found:?} was not expected; left are {expected:?}"),
            }
            compared += 1;
        }
        assert!(expected.is_empty(), "{picture}: {expected:?} not found");
    }
    compared
}

/// Runs everything that is stored of a pair; `objects` is how many there are to find.
fn prove(name: &str, objects: usize) {
    let Some(mut pair) = Pair::open(name) else {
        return;
    };
    layers(&mut pair);
    raw_heads(&mut pair);
    final_map(&mut pair);
    assert_eq!(detections(&mut pair), objects);
}

macro_rules! pairs {
    ($($test:ident $name:literal $objects:literal;)*) => {
        $(#[test] fn $test() { prove($name, $objects); })*

        #[test]
        fn no_pair_is_left_out() {
            let Some(folder) = shared("darknet-models") else { return };
            let proved = [$($name),*];
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "cfg") {
                    let name = path.file_stem().unwrap().to_str().unwrap();
                    assert!(proved.contains(&name), "{name}");
                }
            }
        }
    };
}

pairs! {
    yolo_fastest "yolo-fastest-1.1" 19;
    mobilenetv2 "mobilenetv2-yolo-fastest-voc" 13;
    mobilenetv2_v2 "mobilenetv2-yolo-fastest-voc-v2" 18;
    yololite_trial3 "yololite-trial3" 21;
    yololite_trial5 "yololite-trial5" 0;
    yoloface_50k "yoloface-50k" 14;
    yoloface_500k "yoloface-500k-v2" 1;
    tinyyolov2 "synth-tinyyolov2" 3;
    tincy "synth-tincy" 12;
    reorg "synth-yolov2-reorg" 42;
    yolov4tiny "synth-yolov4tiny" 30;
    csp_newcoords "synth-csp-newcoords" 33;
    geometry "synth-geometry" 131;
    classifier "synth-classifier" 0;
    avgpool "synth-avgpool" 0;
}
