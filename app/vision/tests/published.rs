//! The letterbox of the published network, and the boxes that Darknet finds in stored outputs.

use serde_json::Value;
use std::path::{Path, PathBuf};
use tincy_network::{Fit, Head, HeadKind, Input, Picture, Resample, Shape, Source};
use tincy_vision::{Detection, Filter, Fitting, Frame, Map, Rect, detections};

/// `shared/name`, where this machine has it.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if !path.exists() {
        println!("skipped: needs ../shared/{name}");
        return None;
    }
    Some(path)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

#[test]
fn letterbox_of_the_published_dog() {
    let Some(folder) = shared("tinier-yolo/vectors") else {
        return;
    };
    let picture = image::open(folder.join("dog.png")).unwrap().into_rgb8();
    let frame = Frame {
        width: picture.width() as usize,
        height: picture.height() as usize,
        pixels: picture.into_raw(),
        ..Frame::default()
    };
    let mut input = Input::rgb(416, 416);
    input.picture = Some(Picture {
        fit: Fit::Letterbox { fill: 0.5 },
        resample: Resample::AlignedCorners,
        ..Picture::default()
    });
    let mut output = vec![0.0f32; input.shape.elements()];
    let mut fitting = Fitting::new(&input, frame.width, frame.height).unwrap();
    fitting.apply(&frame, &mut output).unwrap();
    // Every eighth row is stored.
    let golden = floats(&std::fs::read(folder.join("dog/letterbox.bin")).unwrap());
    let rows = output.chunks_exact(3 * 416).step_by(8);
    let mut count = 0;
    for (y, (found, expected)) in rows.zip(golden.chunks_exact(3 * 416)).enumerate() {
        assert!(found == expected, "row {}", 8 * y);
        count += 1;
    }
    assert_eq!(count, 52);
}

/// A stored map, turned from channels-first to channels-last.
fn npy(path: &Path) -> (Shape, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    let data = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..data]).into_owned();
    let shape = header
        .split("'shape': (")
        .nth(1)
        .unwrap()
        .split(')')
        .next()
        .unwrap();
    let shape: Vec<usize> = shape
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let &[.., channels, height, width] = &shape[..] else {
        panic!("{header}");
    };
    let planes = floats(&bytes[data..]);
    let shape = Shape::new(height, width, channels);
    let at = |i: usize| planes[i % channels * shape.pixels() + i / channels];
    (shape, (0..shape.elements()).map(at).collect())
}

fn numbers(text: &Value) -> Vec<f32> {
    let text = text.as_str().unwrap().split(',');
    text.map(|number| number.trim().parse().unwrap()).collect()
}

/// An option of a head's section, which holds all as text.
fn option(head: &Value, name: &str, default: f32) -> f32 {
    match &head["options"][name] {
        Value::String(text) => text.trim().parse().unwrap(),
        _ => default,
    }
}

fn head(head: &Value) -> Head {
    let anchors = numbers(&head["options"]["anchors"]);
    let anchors: Vec<[f32; 2]> = anchors
        .chunks_exact(2)
        .map(|pair| [pair[0], pair[1]])
        .collect();
    let kind = if head["kind"] == "region" {
        HeadKind::Region {
            anchors,
            softmax: option(head, "softmax", 0.0) != 0.0,
        }
    } else {
        let mask = numbers(&head["options"]["mask"]);
        HeadKind::Yolo {
            anchors: mask.iter().map(|&index| anchors[index as usize]).collect(),
            scale_xy: option(head, "scale_x_y", 1.0),
            new_coords: option(head, "new_coords", 0.0) != 0.0,
        }
    };
    Head {
        source: Source::Input,
        classes: option(head, "classes", 0.0) as usize,
        kind,
    }
}

fn side(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn rect(found: &Value) -> Rect {
    let [left, top, right, bottom] =
        [0, 1, 2, 3].map(|i| found["box_ltrb_px"][i].as_f64().unwrap() as f32);
    Rect {
        left,
        top,
        right,
        bottom,
    }
}

/// The same objects, scores within 1e-5 and edges within a twentieth of a pixel.
fn compare(name: &str, found: &[Detection], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
    for object in expected {
        let (class, wanted) = (side(&object["cls"]), rect(object));
        let score = object["score"].as_f64().unwrap() as f32;
        let near = |a: f32, b: f32| (a - b).abs() < 0.05;
        let same = |d: &&Detection| {
            d.class == class
                && (d.score - score).abs() < 1e-5
                && near(d.rect.left, wanted.left)
                && near(d.rect.top, wanted.top)
                && near(d.rect.right, wanted.right)
                && near(d.rect.bottom, wanted.bottom)
        };
        assert_eq!(
            found.iter().filter(same).count(),
            1,
            "{name}: {object}\n{found:?}"
        );
    }
}

fn boxes_of(folder: &Path, name: &str) -> usize {
    let text = std::fs::read_to_string(folder.join(format!("{name}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let heads: Vec<Head> = expected["heads"]
        .as_array()
        .unwrap()
        .iter()
        .map(head)
        .collect();
    let stored = expected["heads"].as_array().unwrap().iter();
    let stored: Vec<(Shape, Vec<f32>)> = stored
        .map(|head| npy(&folder.join(head["raw_npy"].as_str().unwrap())))
        .collect();
    let maps: Vec<Map> = heads
        .iter()
        .zip(&stored)
        .map(|(head, (shape, values))| Map {
            head,
            shape: *shape,
            values,
        })
        .collect();
    let input = Input::rgb(
        side(&expected["input"]["height"]),
        side(&expected["input"]["width"]),
    );
    let picture = &expected["detections"]["dog"];
    let size = &picture["image_size"];
    let fitting = Fitting::new(&input, side(&size[0]), side(&size[1])).unwrap();
    let filter = Filter {
        clip: false,
        ..Filter::default()
    };
    let found = detections(&maps, &fitting, &filter).unwrap();
    compare(name, &found, &picture["plain"]);
    found.len()
}

#[test]
fn boxes_of_darknet() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    let count: usize = [
        "mobilenetv2-yolo-fastest-voc",
        "yololite-trial3",
        "yololite-trial5",
        "yoloface-50k",
        "synth-tinyyolov2",
        "synth-tincy",
        "synth-yolov2-reorg",
        "synth-yolov4tiny",
        "synth-csp-newcoords",
        "synth-geometry",
    ]
    .iter()
    .map(|name| boxes_of(&folder, name))
    .sum();
    assert!(count > 10, "{count} boxes in all");
}
