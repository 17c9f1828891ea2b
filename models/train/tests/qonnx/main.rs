//! Networks as QONNX models: what stands in the file, and what the `qonnx` package computes of it.

mod networks;
mod reader;
#[path = "../support/mod.rs"]
mod support;

use networks::{codes, large_sums, low_bit, multiplied, real, rounded_silu, usual};
use reader::Fields;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::Numbers;
use tincy_dataset::picture::{self, Limit};
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Plan, Session};
use tincy_network::{Network, file};
use tincy_train::Error;
use tincy_train::qonnx::{Model, maps};

/// Numbers by chance for any input.
fn fill(input: TensorMut<'_>) -> Result<(), Error> {
    let mut numbers = Numbers::new(11);
    let mut next = |size: f32| numbers.next() * size;
    match input {
        TensorMut::F32(values) => values.iter_mut().for_each(|v| *v = next(1.0)),
        TensorMut::U8(values) => values
            .iter_mut()
            .for_each(|v| *v = (next(127.9) + 128.0) as u8),
        TensorMut::I8(values) => values.iter_mut().for_each(|v| *v = next(127.9) as i8),
    }
    Ok(())
}

/// The graph of a model, and how often it has each operator.
fn graph(network: &Network) -> (Fields, HashMap<String, usize>) {
    let model = Model::new(network).unwrap();
    let graph = Fields::new(&model.bytes).messages(7).pop().unwrap();
    let mut counts = HashMap::new();
    for node in graph.messages(1) {
        *counts.entry(node.text(4)).or_insert(0) += 1;
    }
    assert_eq!(counts.values().sum::<usize>(), model.nodes);
    (graph, counts)
}

/// Every tensor is made once, before it is read, and every constant has the bytes of its sizes.
#[test]
fn graphs_are_whole() {
    for network in [low_bit(), codes(), real(), usual()] {
        let (graph, _) = graph(&network);
        let mut known = HashSet::new();
        for constant in graph.messages(5) {
            let elements: u64 = constant.integers(1).iter().product();
            let width = if constant.integers(2) == [1] { 4 } else { 8 };
            let bytes = constant.all(9).next().unwrap().len() as u64;
            assert_eq!(bytes, elements * width, "{}", constant.text(8));
            assert!(known.insert(constant.text(8)), "{}", constant.text(8));
        }
        let inputs: Vec<String> = graph.messages(11).iter().map(|i| i.text(1)).collect();
        assert_eq!(inputs, ["input"]);
        known.extend(inputs);
        let mut typed: HashSet<String> = graph.messages(13).iter().map(|i| i.text(1)).collect();
        typed.extend(graph.messages(12).iter().map(|i| i.text(1)));
        for node in graph.messages(1) {
            for input in node.texts(1) {
                assert!(known.contains(&input), "{input} is not known yet");
            }
            let output = node.text(2);
            assert!(typed.contains(&output), "{output} has no type");
            assert!(known.insert(output.clone()), "{output} is made twice");
            let is_own = ["Quant", "BipolarQuant", "MultiThreshold"].contains(&&*node.text(4));
            assert_eq!(
                node.text(7) == "qonnx.custom_op.general",
                is_own,
                "{output}"
            );
        }
        assert_eq!(graph.messages(12).len(), network.outputs().len());
        for layer in network
            .layers()
            .iter()
            .filter(|layer| !layer.name().is_empty())
        {
            assert!(known.contains(layer.name()), "{}", layer.name());
        }
    }
}

#[test]
fn thresholds_and_few_bits() {
    let (graph, counts) = graph(&low_bit());
    let expected = [
        ("BipolarQuant", 2),
        ("Quant", 3),
        ("Conv", 5),
        ("MultiThreshold", 4),
        ("MaxPool", 1),
        ("Reshape", 2),
        ("Transpose", 1),
        ("Resize", 1),
        ("Slice", 1),
        ("Concat", 1),
        ("Mul", 1),
        ("Add", 1),
    ];
    let expected: HashMap<_, _> = expected.map(|(op, n)| (op.to_string(), n)).into();
    assert_eq!(counts, expected);
    let types: HashMap<String, String> = graph
        .messages(14)
        .iter()
        .map(|annotation| {
            let mut entries = annotation.entries(2);
            (annotation.text(1), entries.remove("finn_datatype").unwrap())
        })
        .collect();
    let expected = [
        ("input", "UINT8"),
        ("a", "UINT3"),
        ("a.quantized", "INT4"),
        ("pool", "UINT3"),
        ("b.quantized", "BIPOLAR"),
        ("c.quantized", "INT2"),
        ("reorg", "UINT2"),
        ("joined", "UINT2"),
        ("e", "UINT1"),
    ];
    for (tensor, name) in expected {
        assert_eq!(
            types.get(tensor).map(String::as_str),
            Some(name),
            "{tensor}"
        );
    }
    assert!(!types.contains_key("last"));
}

#[test]
fn multiplied_signs_are_integers_of_8_bits() {
    let (graph, counts) = graph(&multiplied());
    assert_eq!(
        (counts.get("Quant"), counts.get("BipolarQuant")),
        (Some(&3), None)
    );
    let types = graph.messages(14);
    let of = |name: &str| {
        let mut found = types.iter().filter(|annotation| annotation.text(1) == name);
        found
            .next()
            .and_then(|annotation| annotation.entries(2).remove("finn_datatype"))
    };
    assert_eq!(of("a.quantized").as_deref(), Some("INT8"));
    assert_eq!(of("b.quantized").as_deref(), Some("INT8"));
}

#[test]
fn tables_that_fall_take_two_counts() {
    let (_, counts) = graph(&codes());
    // SiLU and the falling table; b, c, their sum, e, g and h are counted once.
    assert_eq!(counts["MultiThreshold"], 2 * 2 + 6);
    // Zero points of the input, a, the pool, f and h, and the differences.
    assert_eq!(counts["Sub"], 5 + 1 + 2);
}

#[test]
fn what_the_graph_does_not_say_is_metadata() {
    let model = Model::new(&low_bit()).unwrap();
    let model = Fields::new(&model.bytes);
    let opsets = model.messages(8);
    let opsets: Vec<_> = opsets
        .iter()
        .map(|o| (o.text(1), o.integers(2)[0]))
        .collect();
    let expected = [(String::new(), 13), ("qonnx.custom_op.general".into(), 1)];
    assert_eq!(opsets, expected);
    let metadata = model.entries(14);
    assert_eq!(metadata["classes"], r#"["cat","\"dog\""]"#);
    let heads: serde_json::Value = serde_json::from_str(&metadata["heads"]).unwrap();
    assert_eq!(heads[0]["tensor"], "last");
    assert_eq!(heads[0]["kind"]["region"]["anchors"][1][1], 1.5);
    let input: serde_json::Value = serde_json::from_str(&metadata["input"]).unwrap();
    assert_eq!(input["shape"], serde_json::json!([24, 16, 3]));
}

#[test]
fn a_float_network_comes_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usual.onnx");
    let network = usual();
    Model::new(&network).unwrap().write(&path).unwrap();
    let again = tincy_import::import(&path, &Default::default()).unwrap();
    let result = |network: &Network| {
        let mut session = Session::new(&Plan::new(network, &Default::default()).unwrap());
        fill(session.input_mut()).unwrap();
        session.run();
        let output = session.output(network.outputs()[0]).unwrap();
        output.floats().to_vec()
    };
    let (expected, found) = (result(&network), result(&again));
    let off = expected.iter().zip(&found).map(|(a, b)| (a - b).abs());
    let off = off.fold(0.0, f32::max);
    assert!(expected.len() == found.len() && off < 1e-5, "{off}");
}

/// Exports a network, imports it again, and holds the results of both to each other, codes as numbers.
fn round_trip(network: &Network) -> Network {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.onnx");
    Model::new(network).unwrap().write(&path).unwrap();
    let again = tincy_import::import(&path, &Default::default()).unwrap();
    assert_eq!(again.input(), network.input());
    assert_eq!(again.classes(), network.classes());
    let kinds = |network: &Network| -> Vec<_> {
        let heads = network.heads().iter();
        heads
            .map(|head| (head.kind.clone(), head.classes))
            .collect()
    };
    assert_eq!(kinds(&again), kinds(network));
    let results = |network: &Network| -> Vec<Vec<f32>> {
        let mut session = Session::new(&Plan::new(network, &Default::default()).unwrap());
        fill(session.input_mut()).unwrap();
        session.run();
        let map = |source| {
            let map = session.output(source).unwrap();
            (0..map.len()).map(|i| map.get(i)).collect()
        };
        network
            .outputs()
            .iter()
            .map(|source| map(*source))
            .collect()
    };
    let [expected, found] = [results(network), results(&again)];
    assert_eq!(found.len(), expected.len());
    for ((expected, found), source) in expected.iter().zip(&found).zip(network.outputs()) {
        assert_eq!(found.len(), expected.len());
        // Weights that have a common factor leave it to their scale, which may round otherwise.
        let room = match network.tensor(*source).1.code() {
            Some(_) => 0.0,
            None => 1e-6,
        };
        for (expected, found) in expected.iter().zip(found) {
            let off = (expected - found).abs();
            assert!(
                off <= room * expected.abs().max(1.0),
                "{found}, not {expected}"
            );
        }
    }
    again
}

/// The convolutions that sum integers.
fn integers(network: &Network) -> usize {
    let convolutions = network
        .layers()
        .iter()
        .filter_map(|layer| layer.convolution());
    convolutions
        .filter(|c| c.weights.as_floats().is_empty())
        .count()
}

#[test]
fn few_bits_come_back_equal() {
    for network in [low_bit(), multiplied()] {
        let again = round_trip(&network);
        assert!(integers(&again) >= integers(&network));
    }
}

#[test]
fn codes_come_back_equal() {
    let network = codes();
    let again = round_trip(&network);
    assert!(integers(&again) >= integers(&network));
}

#[test]
fn the_compiled_in_detector_comes_back_equal() {
    let network = file::open(&project("models/zoo/small.tincy")).unwrap();
    let again = round_trip(&network);
    assert!(integers(&again) >= integers(&network));
}

#[test]
fn what_cannot_be_exact_is_refused_by_name() {
    // 9 * 57 * 127 * 255 is below 2^24, and 9 * 58 * 127 * 255 above.
    assert!(Model::new(&large_sums(57)).is_ok());
    let refused = |network: &Network| Model::new(network).unwrap_err().to_string();
    let said = refused(&large_sums(58));
    assert!(
        said.starts_with("layer heavy: its sums, 0 to 16904970,"),
        "{said}"
    );
    let said = refused(&rounded_silu());
    assert!(said.starts_with("layer bent: swish of floats"), "{said}");
}

/// A Python that has the package.
fn python() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../qonnx/env/bin/python");
    [ours, "python3".into()].into_iter().find(|python| {
        let output = Command::new(python).args(["-c", "import qonnx"]).output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Lets the package run a network, on a picture if it reads such, and compares every map with the engine's.
fn check(network: &Network, options: &[&str]) {
    let Some(python) = python() else {
        println!("skipped: needs the qonnx package (scripts/check-qonnx --install)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [model, engine] = ["model.onnx", "maps.safetensors"].map(|name| folder.path().join(name));
    Model::new(network).unwrap().write(&model).unwrap();
    match network.input().picture {
        Some(_) => {
            let picture = project("app/demo/astronaut.jpg");
            let frame = picture::read(&picture, Limit::default(), &mut |_| {}).unwrap();
            maps::of_picture(network, &frame, &engine).unwrap();
        }
        None => maps::of_input(network, fill, &engine).unwrap(),
    }
    let script = project("scripts/qonnx/check.py");
    let mut command = Command::new(python);
    command.arg(script).args(options).args([model, engine]);
    let output = command.output().unwrap();
    let [said, wrong] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{said}{wrong}");
}

#[test]
fn qonnx_computes_thresholds_exactly() {
    check(&low_bit(), &["--exact"]);
}

#[test]
fn qonnx_computes_multiplied_signs_exactly() {
    check(&multiplied(), &["--exact"]);
}

#[test]
fn qonnx_computes_codes_exactly() {
    check(&codes(), &["--exact"]);
}

#[test]
fn qonnx_computes_real_numbers() {
    check(&real(), &[]);
}

#[test]
fn qonnx_computes_the_compiled_in_detector_exactly() {
    let network = file::open(&project("models/zoo/small.tincy")).unwrap();
    check(&network, &["--exact"]);
}

/// Its first and last layers are of floats.
#[test]
fn qonnx_computes_tinier_yolo() {
    if let Some(folder) = support::shared("tinier-yolo") {
        let network = tincy_import::import(&folder, &Default::default()).unwrap();
        check(&network, &[]);
    }
}

fn export(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy-train"));
    command.current_dir(folder).arg("export").args(arguments);
    command.output().unwrap()
}

#[test]
fn the_command_exports_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    file::write(&low_bit(), &at("low.tincy")).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    std::fs::write(at("text.jpg"), "no picture").unwrap();
    let output = export(folder.path(), &["low.tincy", "--out", "low.onnx"]);
    assert!(output.status.success());
    let expected = Model::new(&low_bit()).unwrap();
    assert!(std::fs::read(at("low.onnx")).unwrap() == expected.bytes);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        format!("low.onnx: 23 nodes, {} bytes\n", expected.bytes.len())
    );

    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["none.tincy", "--out", "x.onnx"],
            3,
            "none.tincy: there is no such file",
        ),
        (
            &["low.tincy", "--out", "folder"],
            3,
            "folder: Is a directory",
        ),
        (
            &["low.tincy", "--out", "none/x.onnx"],
            3,
            "none/x.onnx: No such file",
        ),
        (&["low.tincy"], 2, "--out"),
        (
            &["low.tincy", "--out", "x.onnx", "--maps", "m"],
            2,
            "--picture",
        ),
        (
            &[
                "low.tincy",
                "--out",
                "x.onnx",
                "--maps",
                "m",
                "--picture",
                "text.jpg",
            ],
            3,
            "text.jpg: not a picture",
        ),
    ];
    for (arguments, code, expected) in cases {
        let output = export(folder.path(), arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(
            code == 2 || said.lines().last().unwrap().starts_with("tincy-train: "),
            "{said}"
        );
    }
    let rest = std::fs::read_dir(folder.path()).unwrap();
    let rest = rest.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(rest.into_iter().all(|name| !name.ends_with(".part")));
}
