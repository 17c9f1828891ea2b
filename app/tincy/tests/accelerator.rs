//! Layers by the accelerator, as whole processes: the emulated core, and what is said where there is none.

mod support;

use std::path::Path;
use support::{run, shared, tincy};

fn detect(arguments: &[&str]) -> assert_cmd::Command {
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/chelsea.jpg");
    let mut command = tincy();
    command.arg("detect").arg(picture).args(arguments);
    command
}

#[test]
fn the_emulated_core_finds_the_very_boxes_of_the_cpu() {
    let Some(network) = shared("tinier-yolo") else {
        return;
    };
    let network = network.to_str().unwrap();
    let by = |which: &str| {
        let found = run(&mut detect(&[
            "--model",
            network,
            "--json",
            "--accelerator",
            which,
        ]));
        assert_eq!(found.code, 0, "{}", found.stderr);
        found
    };
    let (cpu, core) = (by("none"), by("emulated"));
    assert_eq!(core.stdout, cpu.stdout);
    assert!(cpu.stdout.contains("\"class\":\"cat\""), "{}", cpu.stdout);
    for said in [
        "layers conv1 to conv7 by the accelerator: qnn-mo W1A3, emulated",
        "accelerator: 1 frames, 0 failures",
    ] {
        assert!(core.stderr.contains(said), "{}", core.stderr);
    }
    assert!(!cpu.stderr.contains("accelerator"), "{}", cpu.stderr);
}

#[test]
fn a_board_that_is_not_there_is_one_line() {
    let Some(network) = shared("tinier-yolo") else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    let network = network.to_str().unwrap();
    let refused = run(&mut detect(&[
        "--model",
        network,
        "--accelerator",
        "board",
        "--root",
        root,
    ]));
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let expected = "no UIO device named tincy-accel";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    // Left to itself it is the CPU, without a word.
    let by_cpu = run(&mut detect(&["--model", network, "--root", root]));
    assert_eq!(by_cpu.code, 0, "{}", by_cpu.stderr);
    assert!(!by_cpu.stderr.contains("accelerator"), "{}", by_cpu.stderr);
}

#[test]
fn a_model_without_such_layers_is_refused_if_asked_for() {
    let refused = run(&mut detect(&[
        "--model",
        "small",
        "--accelerator",
        "emulated",
    ]));
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let expected = "no layer of it runs on an accelerator: those run convolutions of 1-bit weights";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
}

#[test]
fn a_screen_that_is_not_there_is_one_line() {
    let run = run(tincy().args(["run", "--display", "hdmi"]));
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("kms or kms:NAME is expected"),
        "{}",
        run.stderr
    );
}
