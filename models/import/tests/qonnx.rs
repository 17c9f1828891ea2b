//! Quantized ONNX files against what the `qonnx` package and ONNX Runtime gave for them.

mod shared;

use serde_json::Value;
use shared::shared;
use std::path::Path;
use tincy_engine::{Options, Plan, Session};
use tincy_import::onnx;
use tincy_network::{Finish, Network, Op, Shape, WeightKind};

/// Largest difference, as a share of the largest number of a result.
const TOLERANCE: f64 = 1e-4;

/// The floats of a `.npy` file and its sizes.
fn array(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    let length = u16::from_le_bytes([bytes[8], bytes[9]]);
    let (header, data) = bytes[10..].split_at(length.into());
    let header = std::str::from_utf8(header).unwrap();
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"));
    let shape = header.split_once("'shape': (").unwrap().1;
    let sizes = shape.split(')').next().unwrap().split(',');
    let sizes = sizes.filter_map(|size| size.trim().parse().ok()).collect();
    let floats = data
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes));
    (sizes, floats.collect())
}

/// Puts `[channels, height, width]` into the order of maps.
fn by_pixel(planes: &[f32], shape: Shape) -> Vec<f32> {
    let (pixels, channels) = (shape.pixels(), shape.channels);
    let place = |i: usize| i % channels * pixels + i / channels;
    (0..planes.len()).map(|i| planes[place(i)]).collect()
}

fn session(network: &Network) -> Session {
    Session::new(&Plan::new(network, &Options::default()).unwrap())
}

/// The result for one input, which stands in the order of maps.
fn run(network: &Network, session: &mut Session, values: &[f32]) -> Vec<f32> {
    let mut input = session.input_mut();
    assert_eq!(input.as_tensor().len(), values.len());
    values
        .iter()
        .enumerate()
        .for_each(|(i, value)| input.set(i, *value));
    session.run();
    session
        .output(network.outputs()[0])
        .unwrap()
        .floats()
        .to_vec()
}

fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn assert_close(name: &str, found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected
        .iter()
        .fold(0f64, |largest, x| largest.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        assert!(
            off <= TOLERANCE * largest,
            "{name} [{i}]: {found}, not {expected}"
        );
    }
}

/// A file with what it gives for each row of its input.
struct Case {
    name: String,
    network: Network,
    expected: Value,
    rows: Vec<Vec<f32>>,
}

fn open(name: &str) -> Option<Case> {
    let folder = shared("quant-classifiers")?;
    let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let network = onnx::import(&folder.join(format!("{name}.onnx")), Default::default()).unwrap();
    let file = expected["input"]["file"].as_str().unwrap();
    let (sizes, values) = array(&folder.join(file));
    let rows = values.chunks_exact(values.len() / sizes[0]);
    let shape = network.input().shape;
    Some(Case {
        name: name.into(),
        rows: rows.map(|row| by_pixel(row, shape)).collect(),
        network,
        expected,
    })
}

impl Case {
    /// The results of all rows, and what they should be.
    fn results(&self) -> Vec<(Vec<f32>, Value)> {
        let mut session = session(&self.network);
        let expected = self.expected["runs"]["results"].as_array().unwrap();
        assert_eq!(expected.len(), self.rows.len());
        let rows = self.rows.iter().zip(expected);
        rows.map(|(row, expected)| (run(&self.network, &mut session, row), expected.clone()))
            .collect()
    }

    fn check(&self) {
        for (found, expected) in self.results() {
            let expected = expected.get("output").unwrap_or(&expected);
            assert_close(&self.name, &found, &floats(expected));
        }
    }

    /// Weights of each convolution that sums integers.
    fn integers(&self) -> Vec<WeightKind> {
        let convolutions = self
            .network
            .layers()
            .iter()
            .filter_map(|layer| layer.convolution());
        let kinds = convolutions.map(|convolution| convolution.weights.kind());
        kinds.filter(|kind| *kind != WeightKind::F32).collect()
    }

    fn thresholds(&self) -> usize {
        let layers = self.network.layers().iter();
        let is_count =
            |op: &Op| matches!(op, Op::Convolution(c) if matches!(c.finish, Finish::Thresholds(_)));
        layers.filter(|layer| is_count(layer.op())).count()
    }
}

#[test]
fn digits_by_few_bits() {
    let all = [
        ("TFC_1W1A", WeightKind::Binary),
        ("TFC_1W2A", WeightKind::Binary),
        ("TFC_2W2A", WeightKind::Ternary),
    ];
    for (name, kind) in all {
        let Some(case) = open(name) else { return };
        case.check();
        assert_eq!(case.integers(), [kind; 4], "{name}");
        assert_eq!(case.thresholds(), 3, "{name}");
    }
}

#[test]
fn intrusions_and_jets() {
    for name in [
        "unsw_nb15-mlp-w2a2",
        "unsw_nb15-mlp-w2a2-qcdq",
        "qkeras_jettagging",
        "qkeras_jettagging-qcdq",
    ] {
        let Some(case) = open(name) else { return };
        case.check();
        println!("{name}: {:?}", case.integers());
    }
}

#[test]
fn finns_own_forms() {
    let Some(case) = open("cybsec_PE_SIMD") else {
        return;
    };
    case.check();
    let case = open("finn-tfc-w1a1-multithreshold").unwrap();
    for (found, expected) in case.results() {
        let best = (0..found.len()).max_by(|a, b| found[*a].total_cmp(&found[*b]));
        assert_eq!(best.unwrap() as f64, expected.as_f64().unwrap());
    }
    assert_eq!(case.integers()[1..], [WeightKind::Binary; 4]);
}

#[test]
fn float_digits_lowered_or_not() {
    for name in ["mnist-conv", "mnist-conv-lowered"] {
        let Some(case) = open(name) else { return };
        case.check();
    }
}

#[test]
fn a_picture_becomes_larger() {
    let Some(folder) = shared("quant-classifiers") else {
        return;
    };
    // The file is for pictures of 128 x 128; the vectors are of 16 x 16.
    let sound = std::fs::read(folder.join("espcn-subpixel-quant.onnx")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("espcn.onnx");
    std::fs::write(&path, smaller(sound)).unwrap();
    let network = onnx::import(&path, Default::default()).unwrap();
    assert_eq!(network.input().shape, Shape::new(16, 16, 3));
    let [input, output] =
        ["espcn.input.npy", "espcn.output.npy"].map(|name| array(&folder.join(name)));
    let input = by_pixel(&input.1, Shape::new(16, 16, 3));
    let found = run(&network, &mut session(&network), &input);
    let expected = by_pixel(&output.1, Shape::new(32, 32, 3));
    let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
    assert_close("espcn", &found, &expected);
}

/// The file with its input's size changed: two varints `128` (two bytes) become `16`, in two bytes too.
fn smaller(mut bytes: Vec<u8>) -> Vec<u8> {
    let dims = [0x0a, 3, 8, 0x80, 1, 0x0a, 3, 8, 0x80, 1];
    let place = bytes.windows(10).rposition(|found| found == dims).unwrap();
    for at in [3, 8] {
        bytes[place + at..][..2].copy_from_slice(&[0x90, 0]);
    }
    bytes
}

#[test]
fn every_operator_by_itself() {
    let Some(folder) = shared("quant-classifiers/ops") else {
        return;
    };
    let cases = std::fs::read(folder.join("vectors.json")).unwrap();
    let cases: Value = serde_json::from_slice(&cases).unwrap();
    let mut names = Vec::new();
    for case in cases["cases"].as_array().unwrap() {
        let name = case["model"].as_str().unwrap();
        let network = onnx::import(&folder.join(name), Default::default()).unwrap();
        let as_maps = |values: &str, sizes: &str| {
            let values: Vec<f32> = floats(&case[values])
                .into_iter()
                .map(|x| x as f32)
                .collect();
            let sizes: Vec<usize> = floats(&case[sizes])
                .into_iter()
                .map(|n| n as usize)
                .collect();
            let is_last = case["op"] == "Im2Col" || case["attributes"]["data_layout"] == "NHWC";
            match sizes[..] {
                [1, c, h, w] if !is_last => by_pixel(&values, Shape::new(h, w, c)),
                _ => values,
            }
        };
        let found = run(
            &network,
            &mut session(&network),
            &as_maps("input", "input_shape"),
        );
        // Bit for bit, but for the sign of zero.
        let wanted = as_maps("output", "output_shape");
        assert_eq!(found, wanted, "{name}");
        names.push(name);
    }
    assert_eq!(names.len(), 21, "{names:?}");
}

/// Whatever happens to a file, the answer is a network or one line about the file.
#[test]
fn damage_is_named() {
    let Some(folder) = shared("quant-classifiers") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("damaged.onnx");
    let mut lines = std::collections::BTreeSet::new();
    let mut state = 1u64;
    for name in [
        "qkeras_jettagging",
        "qkeras_jettagging-qcdq",
        "mnist-conv-lowered",
    ] {
        let mut bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let count = bytes.len();
        for _ in 0..150 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = (state >> 33) as usize % count;
            let bit = 1 << (state >> 60 & 7);
            bytes[at] ^= bit;
            std::fs::write(&path, &bytes).unwrap();
            bytes[at] ^= bit;
            if let Err(error) = onnx::import(&path, Default::default()) {
                let error = error.to_string();
                assert_eq!(error.lines().count(), 1, "{error}");
                assert!(error.starts_with(path.to_str().unwrap()), "{error}");
                lines.insert(error);
            }
        }
    }
    assert!(lines.len() > 20, "{lines:#?}");
}
