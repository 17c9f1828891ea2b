//! ONNX files made by hand: ends of detectors, open sizes, constants that are computed at import.

mod protobuf;
mod written;

use tincy_import::onnx::{self, Options};
use tincy_import::{Error, classes};
use tincy_network::{Fit, HeadKind, Network, Op, Shape};
use written::{File, Value};

fn import(bytes: &[u8], size: Option<[usize; 2]>) -> Result<Network, Error> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("small.onnx");
    std::fs::write(&path, bytes).unwrap();
    let options = Options { size, names: None };
    onnx::import(&path, options)
}

/// YOLOv5's end after grids of 8 and 16 pixels, as its authors' export writes it.
fn yolov5(height: i64, width: i64) -> Vec<u8> {
    let mut file = File::new([1, 3, height, width]);
    file.integers("two", &[], &[2]);
    file.floats("factor", &[], &[2.0]);
    let mut lists = Vec::new();
    for (i, stride) in [8, 16].into_iter().enumerate() {
        let name = |what: &str| format!("{what}{i}");
        let [pool, map, split, last] = ["pool", "map", "split", "last"].map(name);
        let sides = [stride, stride];
        let attributes = [
            ("kernel_shape", Value::Integers(&sides)),
            ("strides", Value::Integers(&sides)),
        ];
        file.node("MaxPool", &["images"], &[&pool], &attributes);
        file.convolution(&pool, &map, [2 * 7, 3]);
        let sizes = name("sizes");
        let (h, w) = (64 / stride, 128 / stride);
        file.integers(&sizes, &[5], &[1, 2, 7, h, w]);
        file.node("Reshape", &[&map, &sizes], &[&split], &[]);
        let order = [("perm", Value::Integers(&[0, 1, 3, 4, 2]))];
        file.node("Transpose", &[&split], &[&last], &order);
        let [squashed, xy, wh, rest] = ["squashed", "xy", "wh", "rest"].map(name);
        file.node("Sigmoid", &[&last], &[&squashed], &[]);
        let parts = [
            ("axis", Value::Integer(4)),
            ("split", Value::Integers(&[2, 2, 3])),
        ];
        file.node("Split", &[&squashed], &[&xy, &wh, &rest], &parts);
        let [grid, centre, doubled, square, anchors, size] =
            ["grid", "centre", "doubled", "square", "anchors", "size"].map(name);
        let cells = (2 * h * w * 2) as usize;
        let places: Vec<f32> = (0..cells).map(|cell| cell as f32 - 0.5).collect();
        file.floats(&grid, &[1, 2, h, w, 2], &places);
        file.node("Add", &[&xy, &grid], &[&centre], &[]);
        file.node("Mul", &[&wh, "factor"], &[&doubled], &[]);
        file.node("Pow", &[&doubled, "two"], &[&square], &[]);
        let sides: Vec<f32> = (0..cells)
            .map(|i| (10 * stride + (i / (cells / 2)) as i64 * 4 + i as i64 % 2) as f32)
            .collect();
        file.floats(&anchors, &[1, 2, h, w, 2], &sides);
        file.node("Mul", &[&square, &anchors], &[&size], &[]);
        let [boxes, flat, list] = ["boxes", "flat", "list"].map(name);
        let last = [("axis", Value::Integer(4))];
        file.node("Concat", &[&centre, &size, &rest], &[&boxes], &last);
        file.integers(&flat, &[3], &[1, -1, 7]);
        file.node("Reshape", &[&boxes, &flat], &[&list], &[]);
        lists.push(list);
    }
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let axis = [("axis", Value::Integer(1))];
    file.node("Concat", &lists, &["output"], &axis);
    file.finish(&[("output", &[1, 320, 7])], 12)
}

#[test]
fn yolov5_by_its_end() {
    let network = import(&yolov5(64, 128), None).unwrap();
    let heads = network.heads();
    assert_eq!(heads.len(), 2);
    for (head, first) in heads.iter().zip([80.0, 160.0]) {
        let anchors = vec![[first, first + 1.0], [first + 4.0, first + 5.0]];
        assert_eq!(head.kind, HeadKind::Yolov5 { anchors });
        assert_eq!(head.classes, 2);
    }
    assert_eq!(network.tensor(heads[1].source).0, Shape::new(4, 8, 14));
    let fit = network.input().picture.unwrap().fit;
    assert!(matches!(fit, Fit::Letterbox { fill } if (fill - 114.0 / 255.0).abs() < 1e-6));
    // Each class has filters of its own.
    let few = classes::keep(&network, &["class1".into()]).unwrap();
    assert_eq!(few.tensor(few.heads()[0].source).0.channels, 12);
}

#[test]
fn open_sizes_are_asked_for_or_usual() {
    let bytes = yolov5(0, 0);
    let usual = import(&bytes, None).unwrap();
    assert_eq!(usual.input().shape, Shape::new(640, 640, 3));
    let asked = import(&bytes, Some([64, 128])).unwrap();
    assert_eq!(asked.input().shape, Shape::new(64, 128, 3));
    let error = import(&yolov5(64, 128), Some([32, 32]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the file fixes 128x64, so 32x32 cannot be"),
        "{error}"
    );
}

#[test]
fn yolov8_by_its_end() {
    let mut file = File::new([1, 3, 64, 128]);
    let mut lists = Vec::new();
    for (i, stride) in [8, 16].into_iter().enumerate() {
        let name = |what: &str| format!("{what}{i}");
        let [pool, boxes, classes, map, sizes, list] =
            ["pool", "boxes", "classes", "map", "sizes", "list"].map(name);
        let sides = [stride, stride];
        let attributes = [
            ("kernel_shape", Value::Integers(&sides)),
            ("strides", Value::Integers(&sides)),
        ];
        file.node("MaxPool", &["images"], &[&pool], &attributes);
        file.convolution(&pool, &boxes, [64, 3]);
        file.convolution(&pool, &classes, [5, 3]);
        let axis = [("axis", Value::Integer(1))];
        file.node("Concat", &[&boxes, &classes], &[&map], &axis);
        file.integers(&sizes, &[3], &[1, 69, -1]);
        file.node("Reshape", &[&map, &sizes], &[&list], &[]);
        lists.push(list);
    }
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    file.node("Concat", &lists, &["all"], &[("axis", Value::Integer(2))]);
    let parts = [
        ("axis", Value::Integer(1)),
        ("split", Value::Integers(&[64, 5])),
    ];
    file.node("Split", &["all"], &["bins", "scores"], &parts);
    file.integers("by_bin", &[4], &[1, 4, 16, 160]);
    file.node("Reshape", &["bins", "by_bin"], &["split"], &[]);
    let order = [("perm", Value::Integers(&[0, 2, 1, 3]))];
    file.node("Transpose", &["split"], &["turned"], &order);
    file.node(
        "Softmax",
        &["turned"],
        &["shares"],
        &[("axis", Value::Integer(1))],
    );
    let numbers: Vec<f32> = (0..16).map(|bin| bin as f32).collect();
    file.floats("bin", &[1, 16, 1, 1], &numbers);
    file.node("Conv", &["shares", "bin"], &["mean"], &[]);
    file.integers("four", &[3], &[1, 4, 160]);
    file.node("Reshape", &["mean", "four"], &["sides"], &[]);
    file.node("Sigmoid", &["scores"], &["squashed"], &[]);
    let axis = [("axis", Value::Integer(1))];
    file.node("Concat", &["sides", "squashed"], &["list"], &axis);
    // Boxes are suppressed in the file, too.
    let suppressed = ["list", "squashed"];
    file.node("NonMaxSuppression", &suppressed, &["output"], &[]);
    let network = import(&file.finish(&[("output", &[0, 3])], 17), None).unwrap();
    let kinds = network.heads().iter().map(|head| head.kind.clone());
    let expected = [8, 16].map(|stride| HeadKind::Yolov8 { stride, bins: 16 });
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    assert_eq!(network.heads()[0].classes, 5);
}

#[test]
fn sizes_are_computed_at_import() {
    let mut file = File::new([1, 3, 6, 8]);
    file.node("Shape", &["images"], &["shape"], &[]);
    file.integers("sides", &[2], &[2, 3]);
    file.node("Gather", &["shape", "sides"], &["small"], &[]);
    file.integers("twice", &[], &[2]);
    file.node("Mul", &["small", "twice"], &["large"], &[]);
    file.integers("outer", &[2], &[1, 3]);
    let axis = [("axis", Value::Integer(0))];
    file.node("Concat", &["outer", "large"], &["sizes"], &axis);
    let nearest = [
        ("coordinate_transformation_mode", Value::Text("asymmetric")),
        ("nearest_mode", Value::Text("floor")),
    ];
    file.node(
        "Resize",
        &["images", "", "", "sizes"],
        &["output"],
        &nearest,
    );
    let network = import(&file.finish(&[("output", &[1, 3, 12, 16])], 13), None).unwrap();
    assert_eq!(*network.layers()[0].op(), Op::Upsample { factor: 2 });
}

#[test]
fn what_is_not_supported_is_one_line_with_its_node() {
    let cases: [(&str, &[&str], &str); 4] = [
        (
            "MatMul",
            &["map", "map"],
            "1 `output` (MatMul, opset 13): the operator is not supported",
        ),
        ("Transpose", &["map"], "no map"),
        (
            "Reshape",
            &["map", "map"],
            "input 1 (`map`) must be a constant",
        ),
        ("Pad", &["map"], "only zeros around rows and columns"),
    ];
    for (op, inputs, expected) in cases {
        let mut file = File::new([1, 3, 6, 8]);
        file.convolution("images", "map", [4, 3]);
        file.node(op, inputs, &["output"], &[]);
        let error = import(&file.finish(&[("output", &[1])], 13), None).unwrap_err();
        let error = error.to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(expected), "{error}");
    }
}
