//! `tincy quantize` as a whole process: from a float model and pictures to integers.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{Run, run, shared, tincy};

fn quantize(model: &Path, pictures: &Path, output: &Path, arguments: &[&str]) -> Run {
    let command = &mut tincy();
    let command = command
        .args(["-q", "quantize"])
        .arg(model)
        .arg("--calibrate");
    run(command.arg(pictures).arg("-o").arg(output).args(arguments))
}

/// A small float detector and some pictures.
fn given() -> Option<(PathBuf, PathBuf, tempfile::TempDir)> {
    let model = shared("darknet-models/mobilenetv2-yolo-fastest-voc.cfg")?;
    let pictures = shared("demo-pictures")?;
    Some((model, pictures, tempfile::tempdir().unwrap()))
}

#[test]
fn a_float_detector_becomes_integers() {
    let Some((model, pictures, folder)) = given() else {
        return;
    };
    let output = folder.path().join("made.tincy");
    let made = quantize(&model, &pictures, &output, &["--json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let told: Value = serde_json::from_str(&made.stdout).unwrap();
    let layers = told["layers"].as_array().unwrap();
    let convolutions = layers.iter().filter(|layer| layer["op"] == "conv");
    for layer in convolutions {
        assert!(layer["weight_bits"].as_u64() <= Some(8), "{layer}");
        assert!(layer["sqnr_db"].as_f64() > Some(15.0), "{layer}");
    }
    assert!(told["accumulator_bits"].as_u64() <= Some(32));
    assert_eq!(told["inputs"], 5);

    // The file is whole, runs, and finds about what the floats find.
    let detect = |model: &Path| {
        let run = run(tincy()
            .args(["-q", "detect", "--json", "-m"])
            .arg(model)
            .arg(pictures.join("astronaut.jpg")));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let line: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
        line["detections"][0].clone()
    };
    let (before, after) = (detect(&model), detect(&output));
    let score = |object: &Value| object["score"].as_f64().unwrap();
    assert!(
        (score(&before) - score(&after)).abs() < 0.05,
        "{before} {after}"
    );
}

#[test]
fn the_same_pictures_give_the_same_file() {
    let Some((model, pictures, folder)) = given() else {
        return;
    };
    let files = [("1", "1"), ("2", "3")].map(|(threads, workers)| {
        let output = folder.path().join(format!("{threads}.tincy"));
        let arguments = [
            "--level",
            "w4a8",
            "--threads",
            threads,
            "--workers",
            workers,
        ];
        let made = quantize(&model, &pictures, &output, &arguments);
        assert_eq!(made.code, 0, "{}", made.stderr);
        std::fs::read(output).unwrap()
    });
    assert!(files[0] == files[1]);
}

#[test]
fn a_recording_gives_pictures_too() {
    let Some((model, pictures, folder)) = given() else {
        return;
    };
    let output = folder.path().join("made.tincy");
    let recording = pictures.join("demo-mjpeg.avi");
    let made = quantize(&model, &recording, &output, &["--images", "3", "--json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let told: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(told["inputs"], 3);
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let Some((model, pictures, folder)) = given() else {
        return;
    };
    let output = folder.path().join("made.tincy");
    let refused =
        |model: &Path, pictures: &Path, output: &Path, arguments: &[&str], code, what: &str| {
            let run = quantize(model, pictures, output, arguments);
            assert_eq!(run.code, code, "{}", run.stderr);
            assert!(run.stderr.contains(what), "{}", run.stderr);
        };
    refused(
        &model,
        &pictures,
        &output,
        &["--level", "w8"],
        2,
        "w8a8 or the like",
    );
    refused(
        &model,
        &pictures,
        &output,
        &["--level", "w1a4"],
        2,
        "tincy-train",
    );
    refused(
        &model,
        &pictures,
        &folder.path().join("x.onnx"),
        &[],
        2,
        "end in .tincy",
    );
    refused(
        &model,
        folder.path(),
        &output,
        &[],
        3,
        "no pictures in this folder",
    );
    std::fs::write(folder.path().join("torn.jpg"), b"\xFF\xD8\xFF\xE0").unwrap();
    refused(
        &model,
        folder.path(),
        &output,
        &[],
        3,
        "no picture can be read",
    );
    refused(
        Path::new("small"),
        &pictures,
        &output,
        &[],
        3,
        "has codes already",
    );
    assert!(!output.exists());
}
