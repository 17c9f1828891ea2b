//! `tincy plan` as a whole process: tables, JSON, plots, and what it says when there is no plan.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{Run, refused, run, shared, tincy};

fn tinier_yolo() -> Option<PathBuf> {
    shared("tinier-yolo")
}

fn plan(model: &Path, arguments: &[&str]) -> Run {
    run(tincy().arg("plan").arg(model).args(arguments))
}

fn json(model: &Path, arguments: &[&str]) -> Value {
    let run = plan(model, &[arguments, &["--json"]].concat());
    assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Every precision on every device: a plan within the device, or one line that says what is short.
#[test]
fn each_device_and_precision_is_planned_or_says_what_is_short() {
    let Some(model) = tinier_yolo() else { return };
    let devices = ["xczu3eg", "xczu7ev", "xck26", "xcvu9p"];
    let precisions = ["W1A1", "W1A2", "W1A3", "W2A2", "W2A4", "W4A4", "W8A8"];
    let mut planned = Vec::new();
    for device in devices {
        for precision in precisions {
            let run = plan(&model, &["-d", device, "--precision", precision, "--json"]);
            if run.code != 0 {
                refused(&run, 3, &["does not fit", "with fewer bits"]);
                continue;
            }
            let report: Value = serde_json::from_str(&run.stdout).unwrap();
            within_the_device(&report);
            planned.push(format!("{device} {precision}"));
        }
    }
    assert_eq!(planned, PLANNED);
}

/// What fits as a stream of engines, by the models as they are.
const PLANNED: [&str; 19] = [
    "xczu3eg W1A1",
    "xczu3eg W1A2",
    "xczu7ev W1A1",
    "xczu7ev W1A2",
    "xczu7ev W1A3",
    "xczu7ev W2A2",
    "xczu7ev W2A4",
    "xczu7ev W4A4",
    "xck26 W1A1",
    "xck26 W1A2",
    "xck26 W1A3",
    "xck26 W2A2",
    "xcvu9p W1A1",
    "xcvu9p W1A2",
    "xcvu9p W1A3",
    "xcvu9p W2A2",
    "xcvu9p W2A4",
    "xcvu9p W4A4",
    "xcvu9p W8A8",
];

/// The rate is the clock over the slowest layer's cycles, the total is the layers' sum, and neither
/// passes what the device has.
fn within_the_device(report: &Value) {
    let number = |value: &Value| value.as_f64().unwrap();
    let layers = report["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 7);
    let slowest = layers
        .iter()
        .map(|layer| number(&layer["cycles"]))
        .fold(0.0, f64::max);
    assert_eq!(number(&report["interval"]), slowest);
    let fps = number(&report["clock_mhz"]) * 1e6 / slowest;
    assert!((number(&report["fps"]) - fps).abs() < 1e-9 * fps);
    let device = &report["device"];
    for (key, usable) in [
        ("lut", number(&device["usable_lut"])),
        ("bram36", 1.0),
        ("uram", 1.0),
        ("dsp", 1.0),
    ] {
        let total = number(&report["resources"][key]);
        let sum: f64 = layers
            .iter()
            .map(|layer| number(&layer["resources"][key]))
            .sum();
        assert!((total - sum).abs() < 1e-6 * total.max(1.0), "{key}");
        assert!(total <= usable * number(&device[key]), "{key}: {total}");
    }
}

/// By the loop bounds of the published engine: 1,654,848 cycles of products, 2,074,048 with what else
/// is slowest.
#[test]
fn the_published_overlay_is_planned_to_the_cycle() {
    let Some(model) = tinier_yolo() else { return };
    let arguments = ["-d", "xczu3eg", "--architecture", "overlay"];
    let report = json(&model, &arguments);
    assert_eq!(report["matrix_cycles"], 1_654_848);
    assert_eq!(report["interval"], 2_074_048);
    let cycles = |i: usize, unit: &str| report["layers"][i]["units"][unit].as_u64().unwrap();
    let units = ["read", "matrix", "write", "weights"];
    assert_eq!(
        units.map(|unit| cycles(0, unit)),
        [1_038_336, 778_752, 259_584, 9_472]
    );
    let bounds: Vec<_> = report["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["bound"].as_str().unwrap())
        .collect();
    assert_eq!(bounds[..3], ["memory in", "memory in", "compute"]);
    let text = plan(&model, &arguments).stdout;
    assert!(
        text.contains("2,074,048 cycles, 1,654,848 of them in the matrix unit"),
        "{text}"
    );
}

#[test]
fn a_table_says_what_fits_and_what_limits_it() {
    let Some(model) = tinier_yolo() else { return };
    let run = plan(&model, &["-d", "xczu7ev", "--precision", "W1A1"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for words in [
        "conv7",
        "frames/s",
        "4,385,931,264",
        "BRAM36",
        "limit",
        "search",
        "prediction",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    let fastest = json(&model, &["-d", "xczu7ev", "--precision", "W1A1"]);
    let front = fastest["front"].as_array().unwrap();
    assert_eq!(front.last().unwrap()["fps"], fastest["fps"]);
    assert!(
        front
            .iter()
            .all(|point| !point["limit"].as_str().unwrap().is_empty())
    );
    let asked = json(
        &model,
        &["-d", "xczu7ev", "--precision", "W1A1", "--fps", "60"],
    );
    assert!(asked["fps"].as_f64().unwrap() >= 60.0);
    let lut = |report: &Value| report["resources"]["lut"].as_f64().unwrap();
    assert!(lut(&asked) < lut(&fastest));
}

#[test]
fn a_faster_clock_and_a_device_of_ones_own_are_taken() {
    let Some(model) = tinier_yolo() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("devices.json");
    std::fs::write(
        &file,
        r#"[{"name": "MINE", "board": "my own", "lut": 400000, "ff": 800000, "bram36": 900, "uram": 0,
            "dsp": 0, "dies": 1, "clock_mhz": 100, "ddr_gb_s": 10}]"#,
    )
    .unwrap();
    let arguments = ["-d", "mine", "--devices", file.to_str().unwrap()];
    let slow = json(&model, &arguments);
    let fast = json(&model, &[&arguments[..], &["--clock", "200"]].concat());
    assert_eq!(fast["interval"], slow["interval"]);
    assert_eq!(
        fast["fps"].as_f64().unwrap(),
        2.0 * slow["fps"].as_f64().unwrap()
    );
    std::fs::write(&file, r#"[{"name": "MINE"}]"#).unwrap();
    refused(
        &plan(&model, &arguments),
        3,
        &["devices.json", "missing field"],
    );
}

#[test]
fn what_cannot_be_planned_says_what_can() {
    let Some(model) = tinier_yolo() else { return };
    refused(
        &plan(&model, &["-d", "xczu99"]),
        3,
        &["xczu99", "xczu3eg", "xcvu9p", "--devices"],
    );
    let fps = plan(
        &model,
        &["-d", "xczu7ev", "--precision", "W1A1", "--fps", "1e7"],
    );
    refused(
        &fps,
        3,
        &["cannot be had", "at most", "fps at 300 MHz", "limited by"],
    );
    let wide = plan(
        &model,
        &[
            "-d",
            "xczu3eg",
            "--architecture",
            "overlay",
            "--precision",
            "W8A8",
        ],
    );
    refused(&wide, 3, &["conv1", "8-bit weights, not 1"]);
    for [option, value] in [
        ["--fps", "0"],
        ["--clock", "-1"],
        ["--roofline", "plot.pdf"],
    ] {
        let run = plan(&model, &["-d", "xczu7ev", &format!("{option}={value}")]);
        refused(&run, 2, &[value]);
    }
}

#[test]
fn a_model_without_layers_for_an_engine_is_refused() {
    let Some(model) = support::small_model() else {
        return;
    };
    let run = plan(&model, &["-d", "xczu7ev"]);
    refused(&run, 3, &["no layer of at most 4 bits", "--all-layers"]);
}

#[test]
fn plots_are_pictures() {
    let Some(model) = tinier_yolo() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for ending in ["svg", "png"] {
        let [roofline, scaling] =
            ["roofline", "scaling"].map(|name| path(&format!("{name}.{ending}")));
        let mut command = tincy();
        let command =
            command
                .arg("plan")
                .arg(&model)
                .args(["-d", "xczu7ev", "--precision", "W1A1"]);
        let run = run(command
            .arg("--roofline")
            .arg(&roofline)
            .arg("--scaling")
            .arg(&scaling));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    }
    for name in ["roofline.png", "scaling.png"] {
        let picture = image::open(path(name)).unwrap();
        assert_eq!((picture.width(), picture.height()), (1920, 1280), "{name}");
    }
    let texts = |name: &str| {
        let svg = std::fs::read_to_string(path(name)).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts = document
            .descendants()
            .filter(|node| node.has_tag_name("text"));
        texts
            .filter_map(|node| node.text().map(str::to_owned))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for device in ["XCZU3EG", "XCZU7EV", "XCK26", "XCVU9P", "W1A1", "W8A8"] {
        assert!(texts("scaling.svg").contains(device), "{device}");
    }
    for words in ["whole network", "memory", "logic", "operations a byte"] {
        assert!(texts("roofline.svg").contains(words), "{words}");
    }
}
