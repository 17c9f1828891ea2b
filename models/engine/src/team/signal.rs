//! A number that threads wait on: first spinning, then asleep.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread spins before it sleeps: longer than the gap between two layers.
const SPIN: Duration = Duration::from_micros(50);

#[derive(Debug)]
pub(super) struct Signal {
    value: AtomicUsize,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
    spins: bool,
}

impl Signal {
    /// A signal of 0; `spins` where there is a core for every thread.
    pub(super) fn new(spins: bool) -> Signal {
        Signal {
            value: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            spins,
        }
    }

    /// Changes the number, and wakes those who sleep. What was written before is seen by those who
    /// then return from [`wait`](Signal::wait).
    pub(super) fn change(&self, change: impl Fn(usize) -> usize) {
        let _ = self
            .value
            .fetch_update(SeqCst, SeqCst, |value| Some(change(value)));
        // A sleeper counts itself before it looks at the number. So either it is seen here, or it
        // sees the new number.
        if self.sleepers.load(SeqCst) > 0 {
            let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.wake.notify_all();
        }
    }

    /// Waits until the number is as wished, and returns it.
    pub(super) fn wait(&self, wished: impl Fn(usize) -> bool) -> usize {
        if self.spins
            && let Some(value) = self.spin(&wished)
        {
            return value;
        }
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, SeqCst);
        let mut value = self.value.load(SeqCst);
        while !wished(value) {
            held = self.wake.wait(held).unwrap_or_else(PoisonError::into_inner);
            value = self.value.load(SeqCst);
        }
        self.sleepers.fetch_sub(1, SeqCst);
        value
    }

    fn spin(&self, wished: &impl Fn(usize) -> bool) -> Option<usize> {
        let start = Instant::now();
        while start.elapsed() < SPIN {
            for _ in 0..64 {
                let value = self.value.load(SeqCst);
                if wished(value) {
                    return Some(value);
                }
                std::hint::spin_loop();
            }
        }
        None
    }
}
