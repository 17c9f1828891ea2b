//! The command as people and scripts meet it: arguments, exit codes, files, pipes, signals.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{count_frames, has_ffmpeg, run, shared, small_model, tincy};

#[test]
fn wrong_arguments_say_what_would_be_right() {
    let Some(picture) = shared("cc0-pictures/taxis.jpg") else {
        return;
    };
    let picture = picture.to_str().unwrap();
    let cases: [(&[&str], &str); 10] = [
        (&["detec"], "detect"),
        (&["detect"], "INPUT"),
        (&["detect", "--tresh=1", picture], "--threshold"),
        (&["detect", "--threshold=2", picture], "from 0 to 1"),
        (
            &["detect", "--classes=fase", picture],
            "the model has no class `fase`; it has: ",
        ),
        (
            &["detect", "--class-threshold=face", picture],
            "CLASS=SCORE",
        ),
        (&["detect", "--shard=3/2", picture], "K/N"),
        (
            &["detect", "--backend=gpu", picture],
            "auto, reference, portable",
        ),
        (
            &["detect", "-o", "out.jpg", picture, picture],
            "name a folder",
        ),
        (&["detect", "--json", "--csv", picture], "standard output"),
    ];
    for (arguments, says) in cases {
        let run = run(tincy().args(arguments));
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty());
    }
}

#[test]
fn a_missing_input_is_named_and_the_rest_is_done() {
    let Some(picture) = shared("cc0-pictures/taxis.jpg") else {
        return;
    };
    let run_with = |inputs: &[&Path]| run(tincy().arg("detect").args(inputs));
    let gone = Path::new("gone.jpg");
    let both = run_with(&[gone, &picture]);
    assert_eq!((both.code, both.stdout.lines().count()), (1, 1));
    assert!(
        both.stderr.contains("gone.jpg: No such file"),
        "{}",
        both.stderr
    );
    assert_eq!(run_with(&[gone]).code, 3);
    let model = run(tincy().args(["detect", "--model=gone.tincy"]).arg(&picture));
    assert_eq!(model.code, 3);
    assert!(model.stderr.contains("gone.tincy"), "{}", model.stderr);
    assert_eq!(model.stderr.lines().count(), 1);
}

#[test]
fn recordings_and_pictures_are_told_apart() {
    let Some(picture) = shared("pictures-odd/rgb-24.bmp") else {
        return;
    };
    let Some(recording) = shared("recordings-odd/y4m-444.y4m") else {
        return;
    };
    let detect = run(tincy().arg("detect").arg(recording));
    assert!(
        detect.code == 3 && detect.stderr.contains("tincy replay"),
        "{}",
        detect.stderr
    );
    let replay = run(tincy().arg("replay").arg(picture));
    assert!(
        replay.code == 3 && replay.stderr.contains("tincy detect"),
        "{}",
        replay.stderr
    );
}

#[test]
fn a_picture_becomes_an_annotated_one_of_the_same_size() {
    let Some(picture) = shared("pictures-odd/exif-orientation-6.jpg") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    for name in [
        "a.jpg",
        "b.png",
        "c.bmp",
        "d.ppm",
        "e.webp",
        "new/f.tiff",
        "g.tga",
        "h.gif",
    ] {
        let path = out.path().join(name);
        let run = run(tincy().arg("detect").arg(&picture).arg("-o").arg(&path));
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        let size = image::image_dimensions(&path).unwrap();
        assert_eq!(size, (160, 120), "{name}");
    }
    let folder = out.path().join("all");
    let pictures = picture.parent().unwrap();
    let run = run(tincy()
        .args(["detect", "-q"])
        .arg(pictures)
        .arg("-o")
        .arg(&folder));
    assert_eq!(run.code, 1);
    assert!(folder.join("rgba.png").exists() && folder.join("binary.jpg").exists());
}

#[test]
fn inputs_are_not_overwritten() {
    let Some(picture) = shared("pictures-odd/baseline-444.jpg") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let own = out.path().join("own.jpg");
    std::fs::copy(&picture, &own).unwrap();
    for target in [own.as_path(), out.path()] {
        let run = run(tincy().arg("detect").arg(&own).arg("-o").arg(target));
        assert_eq!(run.code, 3);
        assert!(run.stderr.contains("not overwritten"), "{}", run.stderr);
        assert_eq!(
            std::fs::read(&own).unwrap(),
            std::fs::read(&picture).unwrap()
        );
    }
}

#[test]
fn reports_agree_with_each_other() {
    let Some(folder) = shared("cc0-pictures") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let file = |name: &str| out.path().join(name);
    let to = |option: &str, name: &str| format!("--{option}={}", file(name).display());
    let run = run(tincy().arg("detect").arg(folder.join("*.jpg")).args([
        to("json", "a.jsonl"),
        to("csv", "a.csv"),
        to("coco", "a.json"),
        to("yolo", "yolo"),
    ]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let coco: serde_json::Value = serde_json::from_str(&read("a.json")).unwrap();
    let annotations = coco["annotations"].as_array().unwrap();
    let (json, csv) = (read("a.jsonl"), read("a.csv"));
    assert!(csv.starts_with("image,class,score,x1,y1,x2,y2\n"));
    let lines: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), coco["images"].as_array().unwrap().len());
    let objects: usize = lines
        .iter()
        .map(|l| l["detections"].as_array().unwrap().len())
        .sum();
    assert!(objects > 0);
    assert_eq!(annotations.len(), objects);
    assert_eq!(csv.lines().count(), objects + 1);
    let files = std::fs::read_dir(file("yolo")).unwrap().flatten();
    let texts = files.map(|entry| std::fs::read_to_string(entry.path()).unwrap());
    assert_eq!(
        texts.map(|text| text.lines().count()).sum::<usize>(),
        objects
    );
    let first = lines[0]["detections"][0]["box"].as_array().unwrap();
    let left = first[0].as_f64().unwrap();
    assert_eq!(annotations[0]["bbox"][0].as_f64().unwrap(), left);
    assert!(first[2].as_f64().unwrap() <= lines[0]["width"].as_f64().unwrap() && left >= 0.0);
}

#[test]
fn shards_together_give_the_whole() {
    let Some(folder) = shared("pictures-odd") else {
        return;
    };
    let lines = |shard: &str| {
        let run = run(tincy()
            .args(["detect", "-q", "--shard", shard])
            .arg(&folder));
        run.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut parts = [lines("1/3"), lines("2/3"), lines("3/3")].concat();
    let mut whole = lines("1/1");
    parts.sort();
    whole.sort();
    assert_eq!(parts, whole);
}

#[test]
fn the_standard_input_is_a_picture_a_list_or_a_recording() {
    let Some(picture) = shared("pictures-odd/baseline-444.jpg") else {
        return;
    };
    let Some(recording) = shared("recordings-odd/y4m-444.y4m") else {
        return;
    };
    let Some(stream) = shared("recordings-odd/mjpeg-raw-stream.mjpeg") else {
        return;
    };
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    let given = run(tincy().args(["detect", "-"]).write_stdin(bytes(&picture)));
    assert_eq!(
        (given.code, given.stdout.lines().count()),
        (0, 1),
        "{}",
        given.stderr
    );
    let list = format!("{0}\n{0}\n", picture.display());
    for arguments in [["detect", "-"], ["detect", "--list=-"]] {
        let listed = run(tincy().args(arguments).write_stdin(list.clone()));
        assert_eq!(
            (listed.code, listed.stdout.lines().count()),
            (0, 2),
            "{}",
            listed.stderr
        );
    }
    for (path, frames) in [(recording, "5 frames"), (stream, "15 frames")] {
        let replayed = run(tincy().args(["replay", "-"]).write_stdin(bytes(&path)));
        assert_eq!(replayed.code, 0, "{}", replayed.stderr);
        assert!(replayed.stdout.contains(frames), "{}", replayed.stdout);
    }
    let Some(mp4) = shared("recordings-odd/discontinuity.ts").filter(|_| has_ffmpeg()) else {
        return;
    };
    let replayed = run(tincy().args(["replay", "-"]).write_stdin(bytes(&mp4)));
    assert!(replayed.stdout.contains("50 frames"), "{}", replayed.stderr);
}

#[test]
fn any_number_of_workers_and_threads_gives_the_same_bytes() {
    let Some(recording) = shared("recordings/people-256x144.y4m") else {
        return;
    };
    let Some(folder) = shared("cc0-pictures") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let replay = |name: &str, workers: &str, threads: &str| {
        let path = out.path().join(name);
        let json = format!("--json={}", out.path().join("found.jsonl").display());
        let speed = ["--workers", workers, "--threads", threads];
        let run = run(tincy()
            .arg("replay")
            .arg(&recording)
            .arg("-o")
            .arg(&path)
            .arg(&json)
            .args(speed));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let found = std::fs::read(out.path().join("found.jsonl")).unwrap();
        (std::fs::read(path).unwrap(), found)
    };
    for kind in ["y4m", "avi"] {
        let once = replay(&format!("1.{kind}"), "1", "1");
        assert!(
            once == replay(&format!("2.{kind}"), "3", "1"),
            "{kind}: workers change the output"
        );
        assert!(
            once == replay(&format!("3.{kind}"), "2", "2"),
            "{kind}: threads change the output"
        );
    }
    let detect = |workers: &str| {
        run(tincy()
            .args(["detect", "--json", "--workers", workers])
            .arg(&folder))
        .stdout
    };
    assert_eq!(detect("1"), detect("4"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let (Some(folder), Some(model)) = (shared("pictures-odd"), small_model()) else {
        return;
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_tincy"))
        .env("TINCY_MODEL", model)
        .args(["detect", "-q", "--json"])
        .args(vec![folder.join("baseline-444.jpg"); 200])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with('{'));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Interrupts a replay of a stream that goes on until then; how it ended.
fn interrupt(signal: &str, output: &Path, recording: &Path) -> Option<i32> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tincy"))
        .env("TINCY_MODEL", small_model()?)
        .args(["replay", "-q", "--json", "-", "-o"])
        .arg(output)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stream = std::fs::read(recording).unwrap();
    let header = stream.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || -> std::io::Result<()> {
        stdin.write_all(&stream[..header])?;
        loop {
            stdin.write_all(&stream[header..])?;
        }
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.by_ref().take(40).count(), 40);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    let rest = lines.count() as u64;
    let status = child.wait().unwrap();
    assert!(feeder.join().unwrap().is_err());
    assert_eq!(count_frames(output), 40 + rest, "{}", output.display());
    status.code()
}

#[test]
fn an_interrupted_replay_leaves_a_playable_file() {
    let Some(recording) = shared("recordings/people-256x144.y4m") else {
        return;
    };
    if !has_ffmpeg() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    for (signal, name, code) in [
        ("-INT", "a.mp4", 130),
        ("-TERM", "b.avi", 143),
        ("-INT", "c.y4m", 130),
    ] {
        assert_eq!(
            interrupt(signal, &out.path().join(name), &recording),
            Some(code),
            "{name}"
        );
    }
}

#[test]
fn without_ffmpeg_some_recordings_play_and_others_say_what_is_missing() {
    let Some(folder) = shared("recordings-odd") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let replay = |name: &str, output: &str| {
        let mut command = tincy();
        command
            .env("PATH", out.path())
            .arg("replay")
            .arg(folder.join(name));
        run(command.arg("-o").arg(out.path().join(output)))
    };
    for (name, output) in [("y4m-444.y4m", "a.y4m"), ("mjpeg-no-index.avi", "a.avi")] {
        let run = replay(name, output);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    for (name, output) in [("vfr.mp4", "b.avi"), ("y4m-444.y4m", "b.mp4")] {
        let run = replay(name, output);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(
            run.stderr.contains("ffmpeg, which is not installed"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}
