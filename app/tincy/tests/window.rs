//! `tincy run --display window`, on an X server that has no screen: Xvfb, where it is installed.

mod support;
mod x_client;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{refused, run, tincy};
use x_client::Client;

/// An X server of our own, whose screen is a file.
struct Server {
    child: Child,
    display: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// None, and a word about it, where there is no Xvfb.
    fn start() -> Option<Server> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "320x240x24", "-fbdir"]);
        command
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            eprintln!("skipped: needs Xvfb");
            return None;
        };
        let mut number = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut number).unwrap();
        Some(Server {
            child,
            display: format!(":{}", number.trim()),
            folder,
        })
    }

    /// Red, green and blue of a pixel: the file is an XWD, numbers big-endian, then pixels of 32 bits.
    fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let dump = std::fs::read(self.folder.path().join("Xvfb_screen0")).unwrap();
        let number = |at: usize| u32::from_be_bytes(dump[at..at + 4].try_into().unwrap()) as usize;
        let (header, line, colours) = (number(0), number(48), number(76));
        let at = header + 12 * colours + y * line + 4 * x;
        // Byte order of the pixels: 0 is little-endian.
        match number(28) {
            0 => [dump[at + 2], dump[at + 1], dump[at]],
            _ => [dump[at + 1], dump[at + 2], dump[at + 3]],
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Y4M of red frames.
fn red(folder: &Path, frames: usize) -> PathBuf {
    let path = folder.join("red.y4m");
    let mut file = std::fs::File::create(&path).unwrap();
    writeln!(file, "YUV4MPEG2 W160 H120 F20:1 Ip A1:1 C420jpeg").unwrap();
    for _ in 0..frames {
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&[81; 160 * 120]).unwrap();
        file.write_all(&[90; 160 * 120 / 4]).unwrap();
        file.write_all(&[240; 160 * 120 / 4]).unwrap();
    }
    path
}

fn start(server: &Server, source: &Path, more: &[&str]) -> Child {
    let tincy = tincy();
    let mut command = Command::new(tincy.get_program());
    command.envs(
        tincy
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.env("DISPLAY", &server.display);
    command
        .args(["run", "--threshold", "1", "--display", "window", "--source"])
        .arg(source);
    command
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for the middle of the screen to be red, or not.
fn wait_for_red(server: &Server, expected: bool) {
    let start = Instant::now();
    loop {
        let [red, green, blue] = server.pixel(160, 120);
        if (red > 240 && green < 20 && blue < 20) == expected {
            return;
        }
        let late = start.elapsed() > Duration::from_secs(60);
        assert!(!late, "{red} {green} {blue}, red is {expected}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn frames_are_shown_and_the_window_ends_with_the_run() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let source = red(folder.path(), 60);
    let video = folder.path().join("too.y4m");
    let output = format!("--output={}", video.display());
    let child = start(&server, &source, &[&output]);
    wait_for_red(&server, true);
    let beside = server.pixel(2, 2);
    assert_eq!(beside, [0; 3], "the window has the frame's size");
    let (code, said) = end(child);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("window: ") && said.contains(" frames shown"),
        "{said}"
    );
    wait_for_red(&server, false);
    // Another sink at the same time.
    let frame = 6 + 160 * 120 * 3 / 2;
    assert!(std::fs::metadata(&video).unwrap().len() > 10 * frame);
}

#[test]
fn closing_it_or_a_key_ends_the_run_as_done() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // Longer than anyone waits.
    let source = red(folder.path(), 4000);
    let wishes: [fn(&mut Client, u32); 3] = [
        |client, window| client.press(window, x_client::Q),
        |client, window| client.press(window, x_client::ESCAPE),
        Client::close,
    ];
    for (number, wish) in wishes.into_iter().enumerate() {
        let recording = folder.path().join("a.nut");
        let record = format!("--record={}", recording.display());
        let child = start(&server, &source, &[&record]);
        wait_for_red(&server, true);
        let mut client = Client::connect(&server.display[1..]);
        let window = client.window();
        let start = Instant::now();
        wish(&mut client, window);
        let (code, said) = end(child);
        assert_eq!(code, Some(0), "{number}: {said}");
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{number}: {said}"
        );
        assert!(said.contains("frames recorded"), "{said}");
        wait_for_red(&server, false);
        let mut checked = tincy();
        checked.args(["replay", "--threshold", "1", "--check"]);
        let checked = run(checked.arg(&recording));
        assert_eq!(checked.code, 0, "{}", checked.stderr);
    }
}

#[test]
fn without_a_desktop_one_line_says_what_would_work() {
    let folder = tempfile::tempdir().unwrap();
    let source = red(folder.path(), 2);
    let open = |display: Option<&str>, wayland: Option<&str>| {
        let mut command = tincy();
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.envs(display.map(|display| ("DISPLAY", display)));
        command.envs(wayland.map(|display| ("WAYLAND_DISPLAY", display)));
        let told = run(command
            .args(["run", "--display", "window", "--source"])
            .arg(&source));
        refused(&told, 3, &[]);
        assert!(
            told.stderr.starts_with("tincy: --display window: "),
            "{}",
            told.stderr
        );
        told.stderr
    };
    let none = open(None, None);
    assert!(
        none.contains("DISPLAY is not set") && none.contains("--display kms"),
        "{none}"
    );
    let wayland = open(None, Some("wayland-0"));
    assert!(wayland.contains("install Xwayland"), "{wayland}");
    let absent = open(Some(":987"), None);
    assert!(
        absent.contains(":987") || absent.contains("libX11"),
        "{absent}"
    );
}
