//! How far a run has come, on stderr: a bar at a terminal, a plain line every few seconds
//! elsewhere, nothing with `-q`.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between plain lines.
const PERIOD: Duration = Duration::from_secs(5);

/// The bar at the terminal, if there is one; all that is printed meanwhile must go around it.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn bar() -> Option<ProgressBar> {
    BAR.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn set_bar(bar: Option<ProgressBar>) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Prints while the bar is out of the way.
pub fn aside<T>(print: impl FnOnce() -> T) -> T {
    match bar() {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// The progress of one run of many items.
pub struct Progress {
    what: String,
    unit: &'static str,
    total: Option<u64>,
    done: u64,
    start: Instant,
    said: Instant,
}

impl Progress {
    /// Starts at 0 of `total` (if known); `unit` is what is counted, in the plural.
    pub fn start(what: &str, unit: &'static str, total: Option<u64>) -> Progress {
        let wanted = log::log_enabled!(log::Level::Info) && total != Some(1);
        if wanted && std::io::stderr().is_terminal() {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let template = match total {
                Some(_) => "{msg} {wide_bar} {pos}/{len} {per_sec:.1} {eta} left",
                None => "{msg} {spinner} {pos} {per_sec:.1}",
            };
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(what.to_owned());
            set_bar(Some(bar));
        }
        let now = Instant::now();
        Progress {
            what: what.into(),
            unit,
            total,
            done: 0,
            start: now,
            said: now,
        }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.done += 1;
        if let Some(bar) = bar() {
            bar.inc(1);
        } else if self.said.elapsed() >= PERIOD && self.total != Some(1) {
            self.said = Instant::now();
            let of = self
                .total
                .map_or(String::new(), |total| format!(" of {total}"));
            let rate = self.rate();
            log::info!(
                "{}: {}{of} {}, {rate:.1} a second",
                self.what,
                self.done,
                self.unit
            );
        }
    }

    /// Items a second so far.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = bar() {
            bar.finish_and_clear();
            set_bar(None);
        }
    }
}

/// Stderr, with the bar out of the way.
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        aside(|| std::io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
