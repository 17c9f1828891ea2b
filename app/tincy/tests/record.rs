//! `tincy run --record` and `tincy replay` of what it wrote, as whole processes.

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Run, run, small_model, tincy};

/// A Y4M of noise, in which a small threshold finds something everywhere.
fn noise(folder: &Path, frames: usize, rate: usize) -> PathBuf {
    let path = folder.join("noise.y4m");
    let mut file = std::fs::File::create(&path).unwrap();
    writeln!(file, "YUV4MPEG2 W64 H48 F{rate}:1 Ip A1:1 C420jpeg").unwrap();
    let mut state = 1u64;
    for _ in 0..frames {
        let planes: Vec<u8> = (0..64 * 48 * 3 / 2)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 56) as u8
            })
            .collect();
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&planes).unwrap();
    }
    path
}

const LOW: [&str; 2] = ["--threshold", "0.02"];

/// Records, with what it says as JSON Lines.
fn record(source: &Path, to: &Path, arguments: &[&str]) -> Run {
    let mut command = tincy();
    command.args(["run", "--json", "--source"]).arg(source);
    command.arg("--record").arg(to).args(LOW).args(arguments);
    run(&mut command)
}

/// A recording of twelve frames, its folder and what was said; none without the model.
fn recorded() -> Option<(tempfile::TempDir, PathBuf, Run)> {
    small_model()?;
    let folder = tempfile::tempdir().unwrap();
    let source = noise(folder.path(), 12, 30);
    let recording = folder.path().join("live.nut");
    let said = record(&source, &recording, &[]);
    Some((folder, recording, said))
}

fn replay(recording: &Path, arguments: &[&str]) -> Run {
    let mut command = tincy();
    command.arg("replay").arg(recording).args(arguments);
    run(&mut command)
}

/// Lines with detections, without what is said beside them.
fn put_out(decisions: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(decisions).unwrap();
    let told = |line: &&str| line.contains("\"detections\"");
    text.lines().filter(told).map(str::to_string).collect()
}

#[test]
fn replay_says_what_run_said_to_the_byte() {
    if small_model().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = noise(folder.path(), 30, 30);
    let recording = folder.path().join("kept/live.nut");
    let said = record(&source, &folder.path().join("kept/"), &[]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let lines: Vec<_> = said.stdout.lines().collect();
    let told = format!("{}: {} frames recorded", recording.display(), lines.len());
    assert!(said.stderr.contains(&told), "{}", said.stderr);
    assert!(said.stdout.contains("\"class\""), "something is found");
    assert_eq!(put_out(&recording.with_extension("jsonl")), lines);

    let again = replay(&recording, &[&["--json"], &LOW[..]].concat());
    assert_eq!(
        (again.code, &again.stdout),
        (0, &said.stdout),
        "{}",
        again.stderr
    );
    let checked = replay(
        &recording,
        &[&["--check", "--workers", "3"], &LOW[..]].concat(),
    );
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let count = lines.len();
    let expected = format!(
        "{}: {count} of {count} frames as recorded\n",
        recording.display()
    );
    assert!(checked.stdout.ends_with(&expected), "{}", checked.stdout);
}

#[test]
fn what_is_found_otherwise_is_named_and_decisions_may_be_missing() {
    let Some((_folder, recording, said)) = recorded() else {
        return;
    };
    // Another threshold finds other things.
    let other = replay(&recording, &["--check", "--threshold", "0.9"]);
    assert_eq!(other.code, 1, "{}", other.stderr);
    let why = "(recorded with model yoloface-50k at threshold 0.02, this is yoloface-50k at 0.9)";
    assert!(
        other.stderr.contains("the first other one is frame "),
        "{}",
        other.stderr
    );
    assert!(other.stderr.contains(why), "{}", other.stderr);

    // Without the decisions the frames are the same, their numbers and name their own.
    std::fs::remove_file(recording.with_extension("jsonl")).unwrap();
    let bare = replay(&recording, &[&["--json"], &LOW[..]].concat());
    let objects = |text: &str| -> Vec<Value> {
        let object = |line| serde_json::from_str::<Value>(line).unwrap()["detections"].clone();
        text.lines().map(object).collect()
    };
    assert_eq!(objects(&bare.stdout), objects(&said.stdout));
    let unchecked = replay(&recording, &["--check"]);
    assert_eq!((unchecked.code, unchecked.stdout.as_str()), (3, ""));
    assert!(
        unchecked.stderr.contains("live.jsonl"),
        "{}",
        unchecked.stderr
    );
}

#[test]
fn what_was_cut_is_told_and_the_rest_is_as_recorded() {
    let Some((_folder, recording, said)) = recorded() else {
        return;
    };
    let lines: Vec<_> = said.stdout.lines().collect();
    let whole = std::fs::read(&recording).unwrap();
    let frame = 64 * 48 * 3;
    // Within the last frame's pixels, within the one before, just behind the headers.
    for (cut, left) in [
        (whole.len() - 5, 1),
        (whole.len() - frame - 100, 2),
        (300, lines.len()),
    ] {
        std::fs::write(&recording, &whole[..cut]).unwrap();
        let again = replay(&recording, &[&["--json", "--check"], &LOW[..]].concat());
        let kept = lines.len() - left;
        assert_eq!(again.stdout.lines().collect::<Vec<_>>(), lines[..kept]);
        assert_eq!(again.code, if kept > 0 { 1 } else { 3 }, "{}", again.stderr);
        let first: Value = serde_json::from_str(lines[kept]).unwrap();
        let number = &first["frame"];
        let missing = format!("frame {number} is recorded as put out and missing");
        assert!(again.stderr.contains(&missing), "{}", again.stderr);
        assert!(
            again.stderr.contains("cut short: frame "),
            "{}",
            again.stderr
        );
    }
}

#[test]
fn decisions_that_were_cut_or_are_others_are_told() {
    let Some((_folder, recording, said)) = recorded() else {
        return;
    };
    let lines: Vec<_> = said.stdout.lines().collect();
    // Frames go on, and the first one without a decision is named.
    let beside = recording.with_extension("jsonl");
    let text = std::fs::read_to_string(&beside).unwrap();
    let end = text.find(lines[5]).unwrap() + 20;
    std::fs::write(&beside, &text[..end]).unwrap();
    let again = replay(&recording, &[&["--json", "--check"], &LOW[..]].concat());
    assert_eq!(again.stdout.lines().count(), lines.len());
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("recorded nothing, found"),
        "{}",
        again.stderr
    );
    assert!(
        again
            .stderr
            .contains(&format!("5 of {} frames", lines.len()))
    );
    // Those of another recording.
    let text = text.replace("\"time\":0.0,", "\"time\":7.0,");
    std::fs::write(&beside, text).unwrap();
    let again = replay(&recording, &["--json"]);
    assert!(
        again
            .stderr
            .contains("the decisions beside it do not fit from frame 0")
    );
    assert_eq!((again.code, again.stdout.lines().count()), (1, lines.len()));
}

#[test]
fn every_frame_that_came_has_a_line_in_order() {
    let folder = tempfile::tempdir().unwrap();
    // Faster than the built-in model.
    let source = noise(folder.path(), 90, 300);
    let recording = folder.path().join("fast.nut");
    let mut command = tincy();
    command.env_remove("TINCY_MODEL");
    command
        .args(["run", "--json", "--workers", "1", "--source"])
        .arg(&source);
    let said = run(command.arg("--record").arg(&recording));
    assert_eq!(said.code, 0, "{}", said.stderr);
    let text = std::fs::read_to_string(recording.with_extension("jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let frames: Vec<_> = lines
        .iter()
        .filter_map(|line| line["frame"].as_u64())
        .collect();
    assert_eq!(frames, (0..90).collect::<Vec<_>>());
    let busy = lines
        .iter()
        .filter(|line| line["dropped"] == "busy")
        .count() as u64;
    assert!(busy > 0, "{}", said.stderr);
    let last = lines.last().unwrap();
    assert_eq!(last["run"]["dropped"]["busy"], busy);
    assert_eq!(last["recorded"]["recorded"], 90 - busy);
    let mut command = tincy();
    command.env_remove("TINCY_MODEL");
    let again = run(command.args(["replay", "--json"]).arg(&recording));
    assert_eq!((again.code, again.stdout), (0, said.stdout));
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    if small_model().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Slow enough for any machine.
    let source = noise(folder.path(), 45, 15);
    let recording = folder.path().join("full.nut");
    // A limit of 40 KiB a file stands in for the disk; without its signal it is an error.
    let line = "trap '' XFSZ; ulimit -f 40; exec \"$@\"";
    let mut command = assert_cmd::Command::new("bash");
    command.args(["-c", line, "bash", env!("CARGO_BIN_EXE_tincy")]);
    command.env("TINCY_MODEL", small_model().unwrap());
    command.args(["run", "--json", "--source"]).arg(&source);
    let said = run(command.arg("--record").arg(&recording));
    assert_eq!(said.code, 1, "{}", said.stderr);
    let lines: Vec<_> = said.stdout.lines().collect();
    let recorded = 40 * 1024 / (64 * 48 * 3);
    assert!(lines.len() > recorded + 2, "it goes on: {}", lines.len());
    let told = format!("{recorded} frames until then are recorded");
    let complaints = said.stderr.lines().filter(|line| line.contains("full.nut"));
    let complaints: Vec<_> = complaints.collect();
    assert_eq!(complaints.len(), 1, "{}", said.stderr);
    assert!(complaints[0].contains(&told), "{}", said.stderr);
    let again = replay(&recording, &["--json", "--check"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), lines[..recorded]);
}

#[test]
fn a_signal_leaves_a_recording_that_replays() {
    if small_model().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = noise(folder.path(), 2000, 50);
    let recording = folder.path().join("a.nut");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tincy"));
    child.env("TINCY_MODEL", small_model().unwrap());
    child
        .args(["run", "--json", "--source"])
        .arg(&source)
        .args(LOW);
    child.arg("--record").arg(&recording).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines
        .by_ref()
        .take(10)
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let rest = lines.map(Result::unwrap);
    let said: Vec<_> = first.into_iter().chain(rest).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let again = replay(&recording, &[&["--json", "--check"], &LOW[..]].concat());
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), said);
}

#[test]
fn names_that_cannot_be_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let source = noise(folder.path(), 2, 50);
    let wrong = record(&source, &folder.path().join("a.mp4"), &[]);
    assert_eq!(
        (wrong.code, wrong.stderr.lines().count()),
        (2, 1),
        "{}",
        wrong.stderr
    );
    assert!(
        wrong.stderr.contains("a file .nut, or into a folder"),
        "{}",
        wrong.stderr
    );

    let recording = folder.path().join("b.nut");
    assert_eq!(record(&source, &recording, &[]).code, 0);
    let before = std::fs::read(&recording).unwrap();
    let wrong = record(&recording, &recording, &[]);
    assert_eq!(
        (wrong.code, wrong.stderr.lines().count()),
        (2, 1),
        "{}",
        wrong.stderr
    );
    assert!(wrong.stderr.contains("is the source"), "{}", wrong.stderr);
    // Where a screen is missing, what was recorded before stays too.
    let mut command = tincy();
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
        .args(["run", "--display", "window", "--source"])
        .arg(&source);
    assert_eq!(run(command.arg("--record").arg(&recording)).code, 3);
    assert_eq!(std::fs::read(&recording).unwrap(), before);
}
