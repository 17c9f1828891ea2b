//! What a service manager hears: that `tincy run` is ready, alive, and how it goes (sd_notify(3)).
//!
//! Without a manager, which `NOTIFY_SOCKET` tells, nothing is said. A watchdog (`WATCHDOG_USEC`) is told
//! of frames that were put out, not of threads that turn: whatever stands still, it notices. A camera
//! that stays away is such a standstill too.

use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// Between two words about how it goes.
const STATUS: Duration = Duration::from_secs(5);

/// A run as a service manager sees it.
#[derive(Debug)]
pub struct Service {
    /// Time between two signs of life, if they are wanted.
    interval: Option<Duration>,
    alive: Option<Instant>,
    told: Option<Instant>,
    start: Instant,
}

impl Service {
    /// Says that it is ready.
    pub fn ready() -> Service {
        say(&[NotifyState::Ready]);
        Service {
            // Less than half of what it waits.
            interval: sd_notify::watchdog_enabled().map(|wait| wait / 3),
            alive: None,
            told: None,
            start: Instant::now(),
        }
    }

    /// Says that so many frames have been put out.
    pub fn frames(&mut self, frames: u64) {
        if due(&mut self.alive, self.interval) {
            say(&[NotifyState::Watchdog]);
        }
        if due(&mut self.told, Some(STATUS)) {
            let rate = frames as f64 / self.start.elapsed().as_secs_f64().max(1e-3);
            say(&[NotifyState::Status(&format!(
                "{frames} frames, {rate:.1} a second"
            ))]);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        say(&[NotifyState::Stopping]);
    }
}

/// Whether a time has passed since the last time that it had.
fn due(last: &mut Option<Instant>, interval: Option<Duration>) -> bool {
    let is_due =
        interval.is_some_and(|interval| last.is_none_or(|last| last.elapsed() >= interval));
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        // A manager that does not listen is no reason not to find objects.
        log::debug!("NOTIFY_SOCKET: {error}");
    }
}
