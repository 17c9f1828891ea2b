//! `tincy run` as a whole process. There is no camera where tests run: a recording plays like one.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use support::{refused, run, tincy};

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
        let name = source.file_name().unwrap().to_str().unwrap();
        refused(&run(&mut live(&source, &["--json"])), 3, &[name]);
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
        let told = run(tincy().args(arguments));
        refused(&told, 3, &["--source FILE"]);
        let start = "tincy: no camera: there is no /dev/video*; ";
        assert!(told.stderr.starts_with(start), "{}", told.stderr);
    }
    let told = run(tincy().args(["run", "--camera", "/dev/null"]));
    assert_eq!(told.code, 3);
    assert!(told.stderr.contains("/dev/null: ") && told.stderr.contains("is it a camera?"));
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
    let start = Instant::now();
    let run = run(&mut command);
    let tenths = start.elapsed().as_millis() / 100;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let heard = manager.join().unwrap();
    assert_eq!(heard.first().map(String::as_str), Some("READY=1"));
    assert_eq!(heard.last().map(String::as_str), Some("STOPPING=1"));
    let alive = heard.iter().filter(|text| *text == "WATCHDOG=1").count();
    // Every tenth of a second, of which there is more than one whole.
    assert!((3..=tenths as usize + 1).contains(&alive), "{heard:?}");
    let told = heard.iter().find(|text| text.starts_with("STATUS="));
    assert!(
        told.is_some_and(|text| text.contains("frames")),
        "{heard:?}"
    );
}

/// The cores of each thread of a process, by the thread's name.
fn cores(process: u32) -> BTreeMap<String, String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let task = |task: std::io::Result<std::fs::DirEntry>| {
        let folder = task.ok()?.path();
        let name = std::fs::read_to_string(folder.join("comm")).ok()?;
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        Some((name.trim().to_string(), list.trim().to_string()))
    };
    tasks.filter_map(task).collect()
}

/// The cores of each thread once they are as wanted, or as they are after ten seconds: a thread is named before it
/// first runs, and puts itself on its cores when it does.
fn cores_once(
    process: u32,
    wanted: impl Fn(&BTreeMap<String, String>) -> bool,
) -> BTreeMap<String, String> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let found = cores(process);
        if wanted(&found) || Instant::now() > end {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A run that goes on until it is interrupted.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts it, and waits for its first frame.
    fn start(source: &Path, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tincy"));
        if let Some(model) = support::small_model() {
            command.env("TINCY_MODEL", model);
        }
        command.args(["run", "--json", "--source"]).arg(source);
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.starts_with('{'), "{first}");
        Running { child, lines }
    }

    /// Ctrl-C; the exit code.
    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        assert!(sent.unwrap().success());
        self.lines.for_each(|line| drop(line.unwrap()));
        self.child.wait().unwrap().code()
    }
}

fn read(report: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap()
}

#[test]
fn threads_stay_on_the_cores_that_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 2000, 50);
    let here = tincy_drivers::cores::allowed().unwrap();
    let &[first, second, ..] = &here[..] else {
        eprintln!("skipped: needs two cores");
        return;
    };
    let report = folder.path().join("report.json");
    let pipeline = format!("--pipeline={}", report.display());
    let record = format!("--record={}/", folder.path().display());
    let pin = format!("{second},{first}");
    let arguments = ["--workers", "2", "--pin", &pin, &pipeline, &record];
    // In turn; the thread that puts out is the process's first one.
    let expected = [
        ("capture", "capture", second),
        ("infer-0", "infer-0", first),
        ("infer-1", "infer-1", second),
        ("output", "tincy", first),
        ("record", "record", second),
    ];
    let running = Running::start(&source, &arguments);
    let found = cores_once(running.child.id(), |found| {
        let there = |(_, name, core): &(_, _, usize)| found.get(*name) == Some(&core.to_string());
        expected.iter().all(there)
    });
    assert_eq!(running.interrupt(), Some(130));
    let report = read(&report);
    for (index, (thread, name, core)) in expected.into_iter().enumerate() {
        assert_eq!(found.get(name), Some(&core.to_string()), "{found:?}");
        let pinned = serde_json::json!({"thread": thread, "cores": [core]});
        assert_eq!(report["pinned"][index], pinned);
    }
    let told = run(&mut live(
        &source,
        &["--frames", "2", "--pin", "--pipeline"],
    ));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let line = format!("tincy: cores: capture {first}, infer-0 {second}");
    assert!(told.stderr.contains(&line), "{}", told.stderr);
}

#[test]
fn cores_that_cannot_be_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path(), 2, 50);
    let absent = run(&mut live(&source, &["--pin=1000"]));
    assert_eq!((absent.code, absent.stderr.lines().count()), (2, 1));
    let why = "--pin: core 1000 is not there; this process may use ";
    assert!(absent.stderr.contains(why), "{}", absent.stderr);
    let wrong = run(&mut live(&source, &["--pin=3-1"]));
    assert_eq!(wrong.code, 2);
    let why = "cores from 0 to 1023 are expected";
    assert!(wrong.stderr.contains(why), "{}", wrong.stderr);
}

/// A copy of a board's sensors.
struct Board(tempfile::TempDir);

impl Board {
    /// Whoever reads an attribute meanwhile finds the old text or the new one.
    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join("sys").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path.with_extension("new"), text).unwrap();
        std::fs::rename(path.with_extension("new"), path).unwrap();
    }

    fn new() -> Board {
        let board = Board(tempfile::tempdir().unwrap());
        for (path, text) in [
            ("class/hwmon/hwmon0/name", "ina226_u79\n"),
            ("class/hwmon/hwmon0/power1_input", "5000000\n"),
            ("class/hwmon/hwmon0/in1_input", "11987\n"),
            ("class/hwmon/hwmon1/name", "soc\n"),
            ("class/hwmon/hwmon1/temp1_input", "40000\n"),
            (
                "devices/system/cpu/cpufreq/policy0/scaling_cur_freq",
                "1200000\n",
            ),
            (
                "devices/system/cpu/cpufreq/policy0/affected_cpus",
                "0 1 2 3\n",
            ),
        ] {
            board.put(path, text);
        }
        board
    }
}

#[test]
fn sensors_are_watched_while_it_runs() {
    let board = Board::new();
    let root = board.0.path().display().to_string();
    let source = recording(board.0.path(), 500, 50);
    let report = board.0.path().join("report.json");
    let pipeline = format!("--pipeline={}", report.display());
    let running = Running::start(&source, &["--root", &root, &pipeline]);
    board.put("class/hwmon/hwmon0/power1_input", "7250000\n");
    board.put("class/hwmon/hwmon1/temp1_input", "55500\n");
    std::thread::sleep(Duration::from_millis(2500));
    board.put("class/hwmon/hwmon0/power1_input", "4000000\n");
    assert_eq!(running.interrupt(), Some(130));
    let sensor = |chip: &str, label: &str, unit: &str, values: [f64; 3]| {
        serde_json::json!({
            "chip": chip, "label": label, "unit": unit,
            "least": values[0], "greatest": values[1], "last": values[2],
        })
    };
    let expected = serde_json::json!([
        sensor("ina226_u79", "", "W", [4.0, 7.25, 4.0]),
        sensor("soc", "", "°C", [40.0, 55.5, 55.5]),
        sensor("cpu", "0,1,2,3", "MHz", [1200.0, 1200.0, 1200.0]),
    ]);
    assert_eq!(read(&report)["sensors"], expected);

    let arguments = ["--frames", "2", "--pipeline", "--root", &root];
    let told = run(&mut live(&source, &arguments)).stderr;
    for line in [
        "tincy: sensor        least  greatest    last",
        "tincy: ina226_u79      4.0       4.0     4.0  W",
        "tincy: soc            55.5      55.5    55.5  °C",
        "tincy: cpu 0,1,2,3  1200.0    1200.0  1200.0  MHz",
    ] {
        assert!(told.lines().any(|said| said == line), "{line}\n{told}");
    }
}
