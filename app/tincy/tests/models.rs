//! `tincy import`, `inspect` and `bench` as whole processes.

mod support;

use serde_json::Value;
use support::{run, shared, tincy};

#[test]
fn import_then_inspect_the_published_network() {
    let Some(source) = shared("tinier-yolo") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("w1a3.tincy");
    let import = || {
        let mut command = tincy();
        run(command
            .arg("import")
            .arg(&source)
            .arg("-o")
            .arg(&model)
            .args(["--name", "W1A3"]))
    };
    let first = import();
    assert_eq!(first.code, 0, "{}", first.stderr);
    let made = "W1A3, 14 layers, 4,444,943,360 operations";
    assert!(first.stdout.contains(made), "{}", first.stdout);
    let again = import();
    assert_eq!((again.code, again.stderr.lines().count()), (3, 1));
    assert!(again.stderr.contains("--force"), "{}", again.stderr);

    let text = run(tincy().arg("inspect").arg(&model)).stdout;
    assert!(
        text.contains("4,385,931,264 in the low-bit layers"),
        "{text}"
    );
    assert!(text.contains("59,012,096 around them"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );

    let json = run(tincy().arg("inspect").arg("--json").arg(&model)).stdout;
    let summary: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(summary["totals"]["low_bit_operations"], 4_385_931_264_u64);
    assert_eq!(summary["layers"][1]["weights"], "binary");
    assert_eq!(summary["layers"][1]["accumulator_bits"], 11);
    assert_eq!(summary["layers"][1]["output"], "208x208x64");
}

#[test]
fn import_of_an_onnx_file_keeps_some_classes() {
    let Some(source) = shared("onnx-detectors/yolox-nano.onnx") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("voc.tincy");
    let mut command = tincy();
    let command = command.arg("import").arg(&source).arg("-o").arg(&model);
    let made = run(command.args(["--keep", "voc"]));
    assert_eq!(made.code, 0, "{}", made.stderr);
    let text = run(tincy().arg("inspect").arg(&model)).stdout;
    for expected in [
        "416x416x3 u8, BGR, at the top left on 0.447 grey, half-pixel centres",
        "yolox, grid 52x52, stride 8, 20 classes",
        "conv 6x6 /2",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let Some(pictures) = shared("onnx-detectors/inputs") else {
        return;
    };
    let found = run(tincy()
        .arg("detect")
        .arg("--model")
        .arg(&model)
        .arg(pictures.join("dog_416x416_letterbox-topleft.png")));
    assert_eq!(found.code, 0, "{}", found.stderr);
    for class in ["dog 86%", "bicycle 80%", "car 80%"] {
        assert!(found.stdout.contains(class), "{}", found.stdout);
    }
    let mut command = tincy();
    let command = command.arg("import").arg(&source).arg("-o").arg(&model);
    let odd = run(command.args(["-f", "--keep", "unicorn"]));
    assert_eq!((odd.code, odd.stderr.lines().count()), (3, 1));
    assert!(odd.stderr.contains("no class `unicorn`"), "{}", odd.stderr);
}

#[test]
fn import_of_a_pair_takes_names_and_fit() {
    let pair = ["weights", "cfg"].map(|e| shared(&format!("darknet-models/yololite-trial3.{e}")));
    let ([Some(weights), Some(cfg)], Some(names)) = (pair, shared("darknet-models/voc.names"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.tincy");
    let mut command = tincy();
    command
        .arg("import")
        .args([&weights, &cfg])
        .arg("--classes")
        .arg(names);
    let import = run(command.args(["--fit", "letterbox", "-o"]).arg(&model));
    assert_eq!(import.code, 0, "{}", import.stderr);
    let text = run(tincy().arg("inspect").arg(&model)).stdout;
    assert!(
        text.contains("letterboxed") && text.contains("aeroplane"),
        "{text}"
    );
}

#[test]
fn what_is_no_model_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("x.tincy");
    for source in ["/nowhere/model.cfg", folder.path().to_str().unwrap()] {
        let import = run(tincy().args(["import", source, "-o"]).arg(&output));
        assert_eq!(
            (import.code, import.stderr.lines().count()),
            (3, 1),
            "{}",
            import.stderr
        );
        let inspect = run(tincy().args(["inspect", source]));
        assert_eq!(
            (inspect.code, inspect.stderr.lines().count()),
            (3, 1),
            "{}",
            inspect.stderr
        );
    }
    let ending = run(tincy().args(["import", "a.cfg", "-o", "x.onnx"]));
    assert_eq!(ending.code, 2, "{}", ending.stderr);
    assert!(!output.exists());
}

#[test]
fn bench_says_what_it_measured() {
    let (Some(model), Some(picture)) = (support::small_model(), shared("tinier-yolo/dog.jpg"))
    else {
        return;
    };
    let bench = |arguments: &[&str]| {
        let mut command = tincy();
        let run = run(command
            .arg("bench")
            .arg(&model)
            .args(["--frames", "3"])
            .args(arguments));
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let text = bench(&["--layers", "--workers", "2", "--threads", "2"]);
    for words in [
        "noise, 768x576",
        "letterbox",
        "boxes, nms",
        "2 workers of 2 threads",
        "Gop/s",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let json = bench(&["--json", "--picture", picture.to_str().unwrap()]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let stages = json["stages"].as_array().unwrap();
    let names: Vec<_> = stages
        .iter()
        .map(|stage| stage["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["decode", "letterbox", "network", "boxes, nms", "whole"]
    );
    for stage in stages {
        let figures = ["min_ms", "median_ms", "p99_ms"].map(|key| stage[key].as_f64().unwrap());
        assert!(0.0 < figures[0] && figures.is_sorted(), "{stage}");
    }
    assert!(!json["layers"].as_array().unwrap().is_empty());
}
