//! `tincy run` as a whole process. There is no camera where tests run: a recording plays like one.

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{run, tincy};

/// A Y4M of grey frames, each a little brighter.
fn recording(folder: &Path, frames: usize, rate: usize) -> PathBuf {
    let path = folder.join("grey.y4m");
    let mut file = std::fs::File::create(&path).unwrap();
    writeln!(file, "YUV4MPEG2 W64 H48 F{rate}:1 Ip A1:1 C420jpeg").unwrap();
    for frame in 0..frames {
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&[(16 + frame % 200) as u8; 64 * 48])
            .unwrap();
        file.write_all(&[128; 64 * 48 / 2]).unwrap();
    }
    path
}

fn live(source: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = tincy();
    command
        .args(["run", "--source"])
        .arg(source)
        .args(arguments);
    command
}

fn line_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Numbers of the frames that JSON Lines tell of.
fn frames(stdout: &str) -> Vec<u64> {
    let number = |line: &str| line_of(line)["frame"].as_u64();
    stdout.lines().filter_map(number).collect()
}

#[test]
fn a_recording_plays_at_its_own_rate_and_every_frame_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 40, 20);
    let report = folder.path().join("report.json");
    let start = Instant::now();
    let pipeline = format!("--pipeline={}", report.display());
    let run = run(&mut live(&source, &["--json", &pipeline]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    // 39 intervals of a twentieth of a second.
    assert!(
        start.elapsed() >= Duration::from_millis(1950),
        "{:?}",
        start.elapsed()
    );
    let numbers = frames(&run.stdout);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let count = |path: &str| report.pointer(path).and_then(Value::as_u64).unwrap();
    assert_eq!(count("/frames"), numbers.len() as u64);
    let dropped = ["busy", "late", "short", "corrupt", "flagged", "missed"];
    let dropped: u64 = dropped
        .iter()
        .map(|why| count(&format!("/dropped/{why}")))
        .sum();
    assert_eq!(count("/frames") + dropped, 40, "{report}");
    assert_eq!(
        count("/stages/0/frames") + count("/dropped/missed"),
        40,
        "{report}"
    );
    let latency = |name: &str| report["latency_ms"][name].as_f64().unwrap();
    assert!(latency("median") > 0.0 && latency("median") <= latency("p99"));
    assert!(latency("p99") <= latency("greatest"));
    for line in run.stdout.lines().map(line_of) {
        let time = line["time"].as_f64().unwrap();
        let due = line["frame"].as_f64().unwrap() / 20.0;
        assert!((time - due).abs() < 1e-6, "{line}");
        assert_eq!(
            (line["width"].as_u64(), line["height"].as_u64()),
            (Some(64), Some(48))
        );
    }
}

#[test]
fn limits_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 2000, 50);
    let told = run(&mut live(
        &source,
        &["--json", "--frames", "5", "--pipeline"],
    ));
    assert_eq!(
        (told.code, frames(&told.stdout).len()),
        (0, 5),
        "{}",
        told.stderr
    );
    for word in [
        "stage",
        "capture to output: median",
        "dropped: ",
        "5 frames; ",
    ] {
        assert!(told.stderr.contains(word), "{word}: {}", told.stderr);
    }
    let start = Instant::now();
    let told = run(&mut live(&source, &["-q", "--seconds", "0.6"]));
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    for wrong in [
        ["--seconds", "0"],
        ["--frames", "0"],
        ["--seconds", "x"],
        ["--fps", "9"],
    ] {
        let refused = run(&mut live(&source, &wrong));
        assert_eq!(refused.code, 2, "{wrong:?}: {}", refused.stderr);
    }
}

#[test]
fn a_signal_ends_it_with_whole_files() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = tempfile::tempdir().unwrap();
        let source = recording(folder.path(), 20_000, 50);
        let video = folder.path().join("found.y4m");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tincy"));
        child.args(["run", "--json", "--source"]).arg(&source);
        child.arg("--output").arg(&video).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.starts_with('{'), "{first}");
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let rest = lines.map(Result::unwrap).collect::<Vec<_>>();
        rest.iter().for_each(|line| drop(line_of(line)));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        // Every frame that was told of is in the file, and whole.
        let bytes = std::fs::metadata(&video).unwrap().len();
        let head = std::fs::read(&video).unwrap();
        let head = head.iter().position(|byte| *byte == b'\n').unwrap() as u64 + 1;
        let frame = 6 + 64 * 48 * 3 / 2;
        assert_eq!(bytes - head, frame * (1 + rest.len() as u64), "{signal}");
    }
}

#[test]
fn what_cannot_be_played_is_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("empty.y4m");
    std::fs::write(&text, "").unwrap();
    for source in [folder.path().join("missing.y4m"), text] {
        let refused = run(&mut live(&source, &["--json"]));
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (3, ""),
            "{}",
            refused.stderr
        );
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        assert!(
            refused
                .stderr
                .contains(source.file_name().unwrap().to_str().unwrap())
        );
    }
    // Damage in the middle ends it, after what came before.
    let source = recording(folder.path(), 4, 50);
    let mut bytes = std::fs::read(&source).unwrap();
    bytes.truncate(bytes.len() - 100);
    std::fs::write(&source, bytes).unwrap();
    let told = run(&mut live(&source, &["--json"]));
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert!(told.stderr.contains("frame 4"), "{}", told.stderr);
}

#[test]
fn without_a_camera_one_line_says_what_would_work() {
    let nodes = std::fs::read_dir("/dev").unwrap().flatten();
    if nodes
        .map(|node| node.file_name())
        .any(|name| name.to_string_lossy().starts_with("video"))
    {
        eprintln!("skipped: needs a machine without /dev/video*");
        return;
    }
    for arguments in [
        &["run"][..],
        &["run", "--camera", "webcam"],
        &["run", "--camera", "0"],
    ] {
        let refused = run(tincy().args(arguments));
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (3, ""),
            "{}",
            refused.stderr
        );
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        assert!(
            refused
                .stderr
                .starts_with("tincy: no camera: there is no /dev/video*; ")
        );
        assert!(
            refused.stderr.contains("--source FILE"),
            "{}",
            refused.stderr
        );
    }
    let refused = run(tincy().args(["run", "--camera", "/dev/null"]));
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("/dev/null: ") && refused.stderr.contains("is it a camera?"));
}

#[test]
fn a_service_manager_hears_that_it_is_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 12, 10);
    let place = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    // It must be listened to: a socket holds few messages, and who sends more waits.
    let manager = std::thread::spawn(move || {
        let (mut heard, mut message) = (Vec::new(), [0; 256]);
        while heard.last().is_none_or(|last| last != "STOPPING=1") {
            let length = socket.recv(&mut message).unwrap();
            heard.push(
                String::from_utf8_lossy(&message[..length])
                    .trim()
                    .to_string(),
            );
        }
        heard
    });
    let mut command = live(&source, &["--quiet"]);
    command.env("NOTIFY_SOCKET", &place);
    command.env("WATCHDOG_USEC", "300000");
    let run = run(&mut command);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let heard = manager.join().unwrap();
    assert_eq!(heard.first().map(String::as_str), Some("READY=1"));
    assert_eq!(heard.last().map(String::as_str), Some("STOPPING=1"));
    let alive = heard.iter().filter(|text| *text == "WATCHDOG=1").count();
    // Every tenth of a second of somewhat more than one.
    assert!((3..=13).contains(&alive), "{heard:?}");
    let told = heard.iter().find(|text| text.starts_with("STATUS="));
    assert!(
        told.is_some_and(|text| text.contains("frames")),
        "{heard:?}"
    );
}
