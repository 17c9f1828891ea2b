//! `tincy bench --levels` as a whole process.

mod support;

use serde_json::Value;
use support::{run, shared, tincy};

#[test]
fn levels_are_measured_side_by_side() {
    let Some(model) = shared("darknet-models/synth-tinyyolov2.cfg") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let plot = folder.path().join("levels.svg");
    let mut command = tincy();
    command.arg("bench").arg(model).args([
        "--levels",
        "f32,w8a8,wta3,w1a3",
        "--frames",
        "6",
        "--json",
        "--plot",
    ]);
    let run = run(command.arg(&plot));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let levels = report["levels"].as_array().unwrap();
    let bytes: Vec<u64> = levels
        .iter()
        .map(|level| level["bytes"].as_u64().unwrap())
        .collect();
    assert!(bytes.is_sorted_by(|a, b| a > b), "{bytes:?}");
    let kernels = levels[3]["kernels"].to_string();
    assert!(kernels.contains("w1a3-lut"), "{kernels}");
    assert!(std::fs::read_to_string(plot).unwrap().contains("w1a3"));
}

#[test]
fn what_is_no_level_or_no_float_model_is_said() {
    let mut command = tincy();
    let odd = run(command.args(["bench", "small", "--levels", "w9a1"]));
    assert_eq!(odd.code, 2);
    assert!(
        odd.stderr
            .contains("--levels w9a1: no level; known are f32, w8a8"),
        "{}",
        odd.stderr
    );
    let mut command = tincy();
    let integers = run(command.args(["bench", "small", "--levels", "w8a8"]));
    assert_eq!(integers.code, 3);
    assert!(
        integers.stderr.contains("level w8a8: "),
        "{}",
        integers.stderr
    );
}
