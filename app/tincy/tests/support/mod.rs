//! What the tests of the command share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use assert_cmd::Command;
use std::path::{Path, PathBuf};

/// The folder of published models, pictures and recordings beside the project; `None`, and a word
/// about it, where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = own
        .ancestors()
        .map(|folder| folder.join("shared").join(path))
        .find(|p| p.exists());
    if found.is_none() {
        eprintln!("skipped: needs ../shared/{path}");
    }
    found
}

/// A network that runs in a millisecond; its detections do not matter.
pub fn small_model() -> Option<PathBuf> {
    shared("darknet-models/yoloface-50k.cfg")
}

/// `tincy` with the small model.
pub fn tincy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincy"));
    if let Some(model) = small_model() {
        command.env("TINCY_MODEL", model);
    }
    command
}

/// What a run gave.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs to the end.
pub fn run(command: &mut Command) -> Run {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// Whether ffmpeg is there; a word about it if not.
pub fn has_ffmpeg() -> bool {
    let there = std::process::Command::new("ffprobe")
        .arg("-version")
        .output()
        .is_ok();
    if !there {
        eprintln!("skipped: needs ffmpeg");
    }
    there
}

/// What ffprobe says about a file's stream (`v:0`, `a:0`), as `key=value` lines.
pub fn probe(path: &Path, stream: &str) -> String {
    let mut file = std::ffi::OsString::from("file:");
    file.push(path);
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", stream])
        .args([
            "-show_entries",
            "stream=codec_name,width,height,nb_read_frames,sample_aspect_ratio",
        ])
        .args(["-of", "default=noprint_wrappers=1"])
        .arg(file)
        .output()
        .expect("ffprobe starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Frames that can be decoded from a file.
pub fn count_frames(path: &Path) -> u64 {
    value(&probe(path, "v:0"), "nb_read_frames")
        .parse()
        .unwrap_or(0)
}

/// The value of a key.
pub fn value(probed: &str, key: &str) -> String {
    let line = probed
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    line.unwrap_or_default().to_owned()
}

/// Times of a file's video packets in microseconds, sorted.
pub fn times(path: &Path) -> Vec<i64> {
    let output = std::process::Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "packet=pts_time",
        ])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = text
        .lines()
        .filter_map(|line| line.trim_matches(',').parse::<f64>().ok());
    let mut times: Vec<i64> = seconds
        .map(|seconds| (seconds * 1e6).round() as i64)
        .collect();
    times.sort_unstable();
    times
}

/// One line on stderr that holds the words, nothing on stdout, and this exit code.
pub fn refused(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (code, ""),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
}
