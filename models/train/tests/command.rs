//! The command `tincy-train`, on a few pictures of the demo.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{Conv, Numbers};
use tempfile::TempDir;
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Code, Head, HeadKind, Input, Network, Number, Picture, Shape, Source, file,
};

/// A network of two classes that has learned nothing yet.
fn start() -> Network {
    let input = Input {
        shape: Shape::new(64, 64, 3),
        number: Number::Code(Code::unsigned(8, 1.0 / 255.0)),
        picture: Some(Picture::default()),
    };
    let (mut b, mut numbers) = (Builder::new("start", input).unwrap(), Numbers::new(2));
    let mut at = Source::Input;
    for (name, out) in [("a", 8), ("b", 8), ("c", 16)] {
        let conv = Conv {
            out,
            stride: 2,
            activation: Activation::Swish,
            ..Conv::default()
        };
        at = conv.add(&mut b, name, at, &mut numbers);
    }
    let last = Conv {
        out: 7,
        kernel: 1,
        ..Conv::default()
    };
    let source = last.add(&mut b, "last", at, &mut numbers);
    b.head(Head {
        source,
        classes: 2,
        kind: HeadKind::Yolox { stride: 8 },
    });
    b.classes(vec!["cat".into(), "person".into()]);
    b.build().unwrap()
}

/// A folder with the network and a set of two pictures.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    file::write(&start(), &at("start.tincy")).unwrap();
    std::fs::create_dir(at("set")).unwrap();
    std::fs::write(at("set/classes.txt"), "cat\nperson\n").unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app/demo");
    for (name, label) in [
        ("chelsea", "0 0.5 0.5 0.9 0.9"),
        ("astronaut", "1 0.45 0.5 0.8 1"),
    ] {
        let picture = at(&format!("set/{name}.jpg"));
        std::fs::copy(demo.join(format!("{name}.jpg")), picture).unwrap();
        std::fs::write(at(&format!("set/{name}.txt")), label).unwrap();
    }
    folder
}

fn train(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy-train"));
    let always = "detect --start start.tincy --data set --batch 2 --size 64 --checkpoint run \
                  --threads 1";
    command.current_dir(folder).args(always.split(' '));
    if !arguments.contains(&"--out") {
        command.args(["--out", "out.tincy"]);
    }
    command.args(arguments).output().unwrap()
}

/// What is said of a run that must succeed.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = train(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

/// The last line of what is said of a run that must not.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = train(folder, arguments);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    said.lines().last().unwrap_or_default().to_string()
}

fn open(folder: &Path) -> Network {
    file::open(&folder.join("out.tincy")).unwrap()
}

#[test]
fn a_detector_in_codes_is_trained_scored_and_written() {
    let folder = folder();
    let arguments = ["--level", "w8a8", "--validate", "set", "--steps", "3"];
    let said = done(folder.path(), &arguments);
    for expected in [
        "set: area ",
        "out.tincy: written",
        "set, in integers: area ",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    let network = open(folder.path());
    let first = network.layers()[0].convolution().unwrap();
    assert_eq!(first.weights.kind().to_string(), "int8");
    assert_eq!(network.classes(), ["cat", "person"]);
    let journal: PathBuf = folder.path().join("run/journal.jsonl");
    let journal = std::fs::read_to_string(journal).unwrap();
    let scores = journal.lines().filter(|line| line.contains("\"area\""));
    // At the start, in the middle, at the end, and as integers.
    assert_eq!(scores.count(), 4, "{journal}");
}

#[test]
fn a_run_goes_on_and_gives_the_same() {
    let [whole, parts] = [folder(), folder()];
    done(
        whole.path(),
        &["--steps", "4", "--rate", "1e-3", "--floor", "1"],
    );
    let part = |more: &[&str]| {
        let arguments = [&["--rate", "1e-3", "--floor", "1"], more].concat();
        done(parts.path(), &arguments)
    };
    part(&["--steps", "2"]);
    let again = refused(parts.path(), &["--steps", "4"]);
    assert!(again.contains("--resume goes on from it"), "{again}");
    let said = part(&["--steps", "4", "--resume"]);
    assert!(said.contains("goes on from step 2"), "{said}");
    assert!(file::to_bytes(&open(whole.path())) == file::to_bytes(&open(parts.path())));
}

#[test]
fn the_best_state_is_given() {
    let folder = folder();
    // At such a rate what is learned is worse than nothing.
    let arguments = [
        "--best",
        "--validate",
        "set",
        "--steps",
        "6",
        "--rate",
        "10",
        "--warm-up",
        "1",
    ];
    let said = done(folder.path(), &arguments);
    assert!(said.contains("the best was at step 0"), "{said}");
    let trained = open(folder.path());
    let start = start();
    let weights = |network: &Network| {
        let first = network.layers()[0].convolution().unwrap();
        first.weights.as_floats().to_vec()
    };
    assert_eq!(weights(&trained), weights(&start));
}

#[test]
fn what_is_missing_is_said() {
    let folder = folder();
    let said = refused(folder.path(), &[]);
    assert_eq!(
        said,
        "tincy-train: say how long: --minutes, --epochs or --steps"
    );
    let said = refused(folder.path(), &["--steps", "1", "--best"]);
    assert!(said.contains("needs pictures to judge by"), "{said}");
    let said = refused(folder.path(), &["--steps", "1", "--frozen", "a"]);
    assert!(said.contains("--network tincy-yolo"), "{said}");
    let said = refused(folder.path(), &["--steps", "1", "--validate", "nowhere"]);
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn what_cannot_be_written_is_said_before_training() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    for place in ["nowhere/out.tincy", "taken"] {
        let said = refused(folder.path(), &["--steps", "1", "--out", place]);
        assert!(
            said.starts_with(&format!("tincy-train: {place}: ")),
            "{said}"
        );
        assert!(!folder.path().join("run").exists(), "it has begun: {said}");
    }
}

#[test]
fn a_missing_file_is_named_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_tincy-train"))
        .args(["classify", "--data", "nowhere"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
    assert!(said.contains("nowhere/train-images-idx3-ubyte"), "{said}");
}
