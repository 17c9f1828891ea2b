//! The program `ffmpeg` as a child process: started, listened to, never left behind.

use crate::recording::{Error, Rational};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one read from or write to ffmpeg may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running ffmpeg. It is killed when this is dropped.
pub struct Ffmpeg {
    child: Arc<Mutex<Child>>,
    log: Arc<(Mutex<Log>, Condvar)>,
    listener: Option<JoinHandle<()>>,
    watch: Watch,
}

/// What ffmpeg said.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// How many errors.
    pub errors: u64,
    /// The first of them.
    pub first: String,
    /// How long the input is.
    pub duration: Option<Duration>,
    /// Frames a second of the input.
    pub rate: Option<Rational>,
    /// Codec of the input's sound.
    pub sound: Option<String>,
    /// The input has been described, or there is nothing more to come.
    described: bool,
}

impl Ffmpeg {
    /// Starts ffmpeg with these arguments. Signals of the terminal do not reach it: it ends when
    /// we say so.
    ///
    /// # Errors
    /// [`Error::NoFfmpeg`] if it is not installed.
    pub fn start<A: AsRef<OsStr>>(
        arguments: &[A],
        input: Stdio,
        output: Stdio,
    ) -> Result<Ffmpeg, Error> {
        let mut command = Command::new("ffmpeg");
        command.args([
            "-nostdin",
            "-hide_banner",
            "-nostats",
            "-loglevel",
            "level+info",
        ]);
        command
            .args(arguments)
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::piped());
        let mut child = command
            .process_group(0)
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => Error::NoFfmpeg,
                _ => Error::Io(error),
            })?;
        let log = Arc::new((Mutex::default(), Condvar::new()));
        let listener = child.stderr.take().map(|stderr| {
            let log = Arc::clone(&log);
            let listen = move || listen(BufReader::new(stderr), &log);
            std::thread::Builder::new()
                .name("ffmpeg-log".into())
                .spawn(listen)
        });
        let child = Arc::new(Mutex::new(child));
        let watch = Watch::start(Arc::clone(&child))?;
        Ok(Ffmpeg {
            child,
            log,
            listener: listener.transpose()?,
            watch,
        })
    }

    /// Its standard input, if it is a pipe and not taken yet.
    pub fn take_input(&self) -> Option<ChildStdin> {
        lock(&self.child).stdin.take()
    }

    /// Its standard output, if it is a pipe and not taken yet.
    pub fn take_output(&self) -> Option<ChildStdout> {
        lock(&self.child).stdout.take()
    }

    /// Does what waits for ffmpeg; if it takes longer than [`PATIENCE`], ffmpeg is killed, which
    /// ends the wait.
    pub fn patiently<T>(&self, work: impl FnOnce() -> T) -> T {
        self.watch.set(Some(Instant::now() + PATIENCE));
        let result = work();
        self.watch.set(None);
        result
    }

    /// What it said so far.
    pub fn log(&self) -> Log {
        lock(&self.log.0).clone()
    }

    /// What it said about its input, as soon as it did, or after two seconds.
    pub fn description(&self) -> Log {
        let log = lock(&self.log.0);
        let wait = self
            .log
            .1
            .wait_timeout_while(log, Duration::from_secs(2), |log| !log.described);
        wait.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Waits for its end, and says how it ended and what it said.
    ///
    /// # Errors
    /// If it does not end.
    pub fn finish(&mut self) -> Result<(ExitStatus, Log), Error> {
        let patience = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = lock(&self.child).try_wait()? {
                break status;
            }
            if Instant::now() > patience {
                return Err(Error::Damaged("ffmpeg does not end".into()));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        Ok((status, self.log()))
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path as ffmpeg takes it: never an option nor a protocol, whatever the name.
pub fn file_argument(path: &std::path::Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from("file:");
    argument.push(path);
    argument
}

/// A thread that kills a child that lets us wait too long.
struct Watch {
    deadline: Arc<Mutex<Option<Instant>>>,
    _stop: crossbeam_channel::Sender<()>,
}

impl Watch {
    fn start(child: Arc<Mutex<Child>>) -> std::io::Result<Watch> {
        let deadline: Arc<Mutex<Option<Instant>>> = Arc::default();
        let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
        let shared = Arc::clone(&deadline);
        let watch = move || {
            let second = Duration::from_secs(1);
            while stopped.recv_timeout(second) == Err(crossbeam_channel::RecvTimeoutError::Timeout)
            {
                if lock(&shared).is_some_and(|deadline| Instant::now() > deadline) {
                    let _ = lock(&child).kill();
                }
            }
        };
        std::thread::Builder::new()
            .name("ffmpeg-watch".into())
            .spawn(watch)?;
        Ok(Watch {
            deadline,
            _stop: stop,
        })
    }

    fn set(&self, deadline: Option<Instant>) {
        *lock(&self.deadline) = deadline;
    }
}

fn listen(mut stderr: impl BufRead, log: &(Mutex<Log>, Condvar)) {
    let mut line = Vec::new();
    while let Ok(1..) = stderr.read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line);
        log::trace!("ffmpeg: {}", text.trim_end());
        lock(&log.0).take(text.trim_end());
        log.1.notify_all();
        line.clear();
    }
    lock(&log.0).described = true;
    log.1.notify_all();
}

impl Log {
    fn take(&mut self, line: &str) {
        if line.contains("[error] ") || line.contains("[fatal] ") {
            if self.errors == 0 {
                self.first = message(line).into();
            }
            self.errors += 1;
            return;
        }
        let line = line.strip_prefix("[info] ").unwrap_or(line).trim_start();
        if line.starts_with("Stream mapping") || line.starts_with("Output #0") {
            self.described = true;
        } else if self.described {
            // What follows is about the output.
        } else if let Some(rest) = line.strip_prefix("Duration: ") {
            self.duration = duration(rest);
        } else if line.starts_with("Stream #") {
            self.stream(line);
        }
    }

    fn stream(&mut self, line: &str) {
        let after = |kind: &str| line.split_once(kind).map(|(_, rest)| rest);
        if let Some(rest) = after(": Video: ").filter(|_| self.rate.is_none()) {
            self.rate = rest
                .split(", ")
                .find_map(|part| rate(part.strip_suffix(" fps")?));
        } else if let Some(rest) = after(": Audio: ").filter(|_| self.sound.is_none()) {
            let name = rest.split([' ', ',']).next().unwrap_or_default();
            self.sound = Some(name.into());
        }
    }
}

/// What an error line says, without who says it and without the file's name, which we know.
fn message(line: &str) -> &str {
    let start = ["[error] ", "[fatal] "]
        .iter()
        .find_map(|tag| Some(line.find(tag)? + tag.len()));
    let text = &line[start.unwrap_or(0)..];
    match text.starts_with("file:") {
        true => text.rsplit_once(": ").map_or(text, |(_, what)| what),
        false => text,
    }
}

/// `00:01:02.50, start...`
fn duration(text: &str) -> Option<Duration> {
    let clock = text.split(',').next()?;
    let mut seconds = 0.0;
    for part in clock.split(':') {
        seconds = 60.0 * seconds + part.parse::<f64>().ok()?;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// `12.50`, `29.97`, `1k`: rounded by ffmpeg, good enough to show.
fn rate(text: &str) -> Option<Rational> {
    let (number, factor) = match text.strip_suffix('k') {
        Some(number) => (number, 1000.0),
        None => (text, 1.0),
    };
    let value = number.parse::<f64>().ok()? * factor;
    Rational::new((value * 1000.0).round() as u32, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_says_is_understood() {
        let mut log = Log::default();
        for line in [
            "[info]   Duration: 00:01:11.04, start: 0.000000, bitrate: 160 kb/s",
            "[info]   Stream #0:0[0x1](und): Video: h264 (High), yuv420p(tv), 768x432, 12.50 fps, 12.50 tbr",
            "[info]   Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz",
            "[mov,mp4 @ 0x5581] [error] moov atom not found",
            "[error] file:a: b.mp4: Invalid data found when processing input",
            "[info] Stream mapping:",
            "[info]   Stream #0:0: Video: rawvideo, 3 fps",
        ] {
            log.take(line);
        }
        assert_eq!(log.duration, Some(Duration::from_millis(71_040)));
        assert_eq!(log.rate, Rational::new(12_500, 1000));
        assert_eq!(log.sound.as_deref(), Some("aac"));
        assert_eq!((log.errors, log.first.as_str()), (2, "moov atom not found"));
        assert!(log.described);
        let text = message("[error] file:a: b.mp4: Invalid data found");
        assert_eq!(text, "Invalid data found");
    }
}
