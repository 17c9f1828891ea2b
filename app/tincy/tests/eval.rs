//! `tincy eval` as a whole process: published accuracy, other programs' detections, parts.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{Run, run, shared, tincy};

/// Runs `tincy eval` on a data set, without progress.
fn eval(dataset: &Path, arguments: &[&str]) -> Run {
    run(tincy()
        .args(["-q", "eval", "--dataset"])
        .arg(dataset)
        .args(arguments))
}

fn json(dataset: &Path, arguments: &[&str]) -> Value {
    let run = eval(dataset, &[&["--json"], arguments].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

#[track_caller]
fn assert_close(figure: &Value, expected: f64, tolerance: f64) {
    let found = figure.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= tolerance,
        "{found}, not {expected}"
    );
}

/// EXPECTED.md beside each network has the figures, measured with reference.py and evaluate.py.
#[test]
fn published_accuracy_on_395_pictures() {
    let networks = [
        ("tinier-yolo", 0.395, 0.402),
        ("tinyyolo-w1a4", 0.504, 0.507),
    ];
    for (network, area, eleven_point) in networks {
        let (Some(model), Some(set)) = (shared(network), shared("voc2007-test")) else {
            return;
        };
        let report = json(&set, &["--model", model.to_str().unwrap()]);
        assert_close(&report["area"], area, 0.006);
        assert_close(&report["eleven_point"], eleven_point, 0.006);
        assert_eq!(
            [&report["pictures"], &report["objects"], &report["ignored"]],
            [395, 899, 257]
        );
    }
}

/// evaluate.py says 0.4519 and 0.4588 for these rows (EXPECTED.md).
#[test]
fn detections_of_another_program_score_as_its_own_scorer_says() {
    let rows = "tinyyolo-w1a4/expected/voc2007-test500.letterbox.025.csv";
    let (Some(set), Some(csv)) = (shared("voc2007-test"), shared(rows)) else {
        return;
    };
    let report = json(&set, &["--detections", csv.to_str().unwrap()]);
    assert_close(&report["area"], 0.4519, 0.00005);
    assert_close(&report["eleven_point"], 0.4588, 0.00005);
    assert_eq!(report["found"], 921);
}

/// `tests/data` has boxes made up at random, some of crowds, on eight pictures; these are the
/// figures of pycocotools 2.0.11 for them.
#[test]
fn coco_figures_are_those_of_pycocotools() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        data.join("instances.json"),
        folder.path().join("instances.json"),
    )
    .unwrap();
    for picture in 0..8 {
        std::fs::write(folder.path().join(format!("{picture}.jpg")), "").unwrap();
    }
    let csv = data.join("detections.csv");
    let report = json(folder.path(), &["--detections", csv.to_str().unwrap()]);
    let figures = [
        ("mean", 0.211714),
        ("at_half", 0.45161),
        ("at_three_quarters", 0.077287),
        ("small", 0.173329),
        ("medium", 0.23513),
        ("large", 0.609241),
    ];
    for (key, expected) in figures {
        assert_close(&report["coco"][key], expected, 1e-6);
    }
}

/// A quick detector, its class names, the VOC set, and a list of its first pictures.
struct Small {
    folder: tempfile::TempDir,
    set: PathBuf,
    list: String,
    model: [String; 4],
}

impl Small {
    fn new(pictures: usize) -> Option<Small> {
        let cfg = shared("darknet-models/mobilenetv2-yolo-fastest-voc.cfg")?;
        let names = shared("darknet-models/voc.names")?;
        let set = shared("voc2007-test")?;
        let folder = tempfile::tempdir().unwrap();
        let all = std::fs::read_to_string(set.join("list.txt")).unwrap();
        let list = folder.path().join("list.txt");
        std::fs::write(
            &list,
            all.lines().take(pictures).collect::<Vec<_>>().join("\n"),
        )
        .unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_string();
        let model = ["--model".into(), text(&cfg), "--names".into(), text(&names)];
        Some(Small {
            set,
            list: text(&list),
            model,
            folder,
        })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_string()
    }

    fn eval(&self, arguments: &[&str]) -> Run {
        eval(
            &self.set,
            &[&["--json", "--list", &self.list], arguments].concat(),
        )
    }

    fn eval_model(&self, arguments: &[&str]) -> Run {
        let model: Vec<&str> = self.model.iter().map(String::as_str).collect();
        self.eval(&[&model, arguments].concat())
    }
}

#[test]
fn parts_merge_to_the_figures_of_one_piece() {
    let Some(small) = Small::new(40) else {
        return;
    };
    let whole = small.eval_model(&[]);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let report: Value = serde_json::from_str(&whole.stdout).unwrap();
    assert!(report["area"].as_f64() > Some(0.1), "{}", whole.stdout);
    for count in [2, 3] {
        let part = |index| {
            let (part, shard) = (
                small.path(&format!("{index}.jsonl")),
                format!("{index}/{count}"),
            );
            let run = small.eval_model(&["--shard", &shard, "-o", &part]);
            assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
            part
        };
        let parts: Vec<String> = (1..=count).map(part).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let merged = small.eval(&[&["--merge"], &parts[..]].concat());
        assert_eq!(merged.stdout, whole.stdout, "{}", merged.stderr);
        let lacking = small.eval(&[&["--merge"], &parts[1..]].concat());
        assert_eq!(lacking.code, 3);
        assert!(
            lacking.stderr.contains("run the missing shards"),
            "{}",
            lacking.stderr
        );
    }
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let Some(small) = Small::new(12) else {
        return;
    };
    let outputs = ["1", "3"].map(|workers| small.eval_model(&["--workers", workers]).stdout);
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn plots_and_csv_are_written_and_read_back() {
    let Some(small) = Small::new(10) else {
        return;
    };
    let [svg, csv, png] = ["pr.svg", "found.csv", "pr.png"].map(|name| small.path(name));
    let first = small.eval_model(&["--plot", &svg, "--save-detections", &csv]);
    let second = small.eval(&["--detections", &csv, "--plot", &png]);
    let [first, second] =
        [first, second].map(|run| serde_json::from_str::<Value>(&run.stdout).unwrap());
    for key in ["area", "eleven_point", "found"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    assert!(std::fs::read_to_string(svg).unwrap().ends_with("</svg>\n"));
    assert_eq!(image::image_dimensions(png).unwrap(), (1920, 1280));
}

#[test]
fn wrong_arguments_and_data_sets_are_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let detections = folder.path().join("x.csv");
    std::fs::write(&detections, "").unwrap();
    let detections = ["--detections", detections.to_str().unwrap()];
    let empty = eval(folder.path(), &detections);
    assert_eq!(
        (empty.code, empty.stderr.lines().count()),
        (3, 1),
        "{}",
        empty.stderr
    );
    assert!(
        empty.stderr.contains("no data set found"),
        "{}",
        empty.stderr
    );
    let plot = eval(
        folder.path(),
        &[&detections[..], &["--plot", "x.gif"]].concat(),
    );
    assert_eq!(plot.code, 2, "{}", plot.stderr);
    let shard = eval(folder.path(), &["--shard", "1/2"]);
    assert_eq!(shard.code, 2, "{}", shard.stderr);
}
