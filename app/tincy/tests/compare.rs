//! `tincy compare` as a whole process.

mod support;

use assert_cmd::Command;
use serde_json::Value;
use support::{Run, run, shared};

const BOATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/boats.jpg");

fn compare(arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy"));
    run(command
        .arg("compare")
        .args(arguments)
        .args(["--input", BOATS]))
}

#[test]
fn backends_of_one_model_are_equal_in_all_integers() {
    let run = compare(&["small", "reference", "auto", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let layers = report["layers"].as_array().unwrap();
    let integers: Vec<_> = layers
        .iter()
        .filter(|layer| layer["is_integer"] == true)
        .collect();
    assert!(integers.len() > 90, "{}", integers.len());
    assert!(integers.iter().all(|layer| layer["differing"] == 0));
    assert_eq!(report["boxes"]["one"], report["boxes"]["both"]);
    assert_eq!(report["worst"], Value::Null);
}

#[test]
fn a_way_that_is_neither_is_named_with_what_there_is() {
    let run = compare(&["small", "auto", "fast"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains(
            "fast: neither a backend, nor a level as w8a8, nor a model; backends are auto"
        ),
        "{}",
        run.stderr
    );
}

#[test]
fn models_without_a_common_layer_are_refused() {
    let Some(other) = shared("tinier-yolo") else {
        return;
    };
    let run = compare(&["small", "auto", other.to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(
        run.stderr.contains("nothing can be compared"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_level_is_compared_with_the_floats_it_comes_from() {
    let Some(model) = shared("darknet-models/yoloface-50k.cfg") else {
        return;
    };
    let model = model.to_str().unwrap();
    let noise = |level: &str| {
        let run = compare(&[model, "f32", level, "--json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let last = report["layers"].as_array().unwrap().last().unwrap().clone();
        last["sqnr_db"].as_f64().unwrap()
    };
    let (eight, four) = (noise("w8a8"), noise("w4a4"));
    assert!(eight > four + 6.0 && eight > 15.0, "{eight} and {four} dB");
}

#[test]
fn a_picture_that_is_cut_off_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.jpg");
    let bytes = std::fs::read(BOATS).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy"));
    let command = command.args(["compare", "small", "auto", "portable", "--input"]);
    let run = run(command.arg(&cut));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("warning: ") && run.stderr.contains("cut.jpg: "),
        "{}",
        run.stderr
    );
}
