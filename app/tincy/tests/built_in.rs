//! The models that are compiled in, on the demo's pictures: nothing but the command is needed.

mod support;

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use support::{Run, has_ffmpeg, run};

/// A file of the demo.
fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../demo")
        .join(name)
}

/// `tincy` as on a fresh machine: no model is named anywhere.
fn bare(arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy"));
    run(command.env_remove("TINCY_MODEL").args(arguments))
}

#[test]
fn the_default_finds_what_the_demo_shows() {
    let names = ["astronaut", "biplane", "boats", "chelsea", "sheep"];
    let expected = ["person", "aeroplane", "boat", "cat", "sheep"];
    let paths = names.map(|name| demo(&format!("{name}.jpg")).display().to_string());
    let arguments: Vec<&str> = std::iter::once("detect")
        .chain(paths.iter().map(String::as_str))
        .collect();
    let run = bare(&arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (line, class) in run.stdout.lines().zip(expected) {
        let (_, found) = line.rsplit_once(": ").unwrap();
        assert!(found.starts_with(class), "{line}");
    }
    assert_eq!(run.stdout.lines().count(), 5);
}

#[test]
fn the_default_replays_the_demo() {
    if !has_ffmpeg() {
        return;
    }
    let recording = demo("demo.mp4").display().to_string();
    let run = bare(&["replay", &recording]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for class in ["person in", "cat in", "boat in"] {
        assert!(run.stdout.contains(class), "{}", run.stdout);
    }
}

#[test]
fn models_are_listed_and_have_cards() {
    let list = bare(&["models"]);
    assert_eq!(list.code, 0);
    assert!(list.stdout.contains("small") && list.stdout.contains("(default)"));
    let json = bare(&["models", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[0]["name"], "small");
    assert!(json[0]["operations"].as_u64().unwrap() <= 1_100_000_000);
    let card = bare(&["models", "small"]);
    assert!(card.stdout.starts_with("# small") && card.stdout.contains("licence"));
    let unknown = bare(&["models", "large"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("those are: small"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_name_is_as_good_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.tincy").display().to_string();
    let picture = demo("chelsea.jpg").display().to_string();
    let import = bare(&["import", "small", "--output", &copy]);
    assert_eq!(import.code, 0, "{}", import.stderr);
    let by_name = bare(&["detect", "--model", "small", "--json", &picture]);
    let by_path = bare(&["detect", "--model", &copy, "--json", &picture]);
    assert!(by_name.stdout.contains("\"cat\""), "{}", by_name.stderr);
    assert_eq!(by_name.stdout, by_path.stdout);
    let inspect = bare(&["inspect", "small"]);
    assert!(inspect.stdout.contains("operations"), "{}", inspect.stderr);
    assert_eq!(inspect.stdout, bare(&["inspect"]).stdout);
}

#[test]
fn a_file_of_a_models_name_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small"), "no model").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy"));
    let run = run(command
        .current_dir(folder.path())
        .args(["inspect", "small"]));
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("not a model"), "{}", run.stderr);
}

#[test]
fn unknown_names_and_names_for_what_has_some_are_refused() {
    let picture = demo("chelsea.jpg").display().to_string();
    let unknown = bare(&["detect", "--model", "large", &picture]);
    assert_eq!(unknown.code, 3);
    assert!(
        unknown.stderr.contains("built in: small"),
        "{}",
        unknown.stderr
    );
    let renamed = bare(&["detect", "--names", "voc.names", &picture]);
    assert_eq!(renamed.code, 3);
    assert!(
        renamed.stderr.contains("leave out --names"),
        "{}",
        renamed.stderr
    );
    let kept = [
        "import",
        "small",
        "--keep",
        "cat,dog",
        "--output",
        "/dev/null/x.tincy",
    ];
    assert_eq!(bare(&kept).code, 3);
}
