//! The threads that share one frame's work.
//!
//! A [`Team`] belongs to a session. [`Team::run`] calls one function once per member, the caller
//! being member 0, and returns when all are done. Members spin for some microseconds before they
//! sleep, since the next layer's work comes at once.

#![allow(unsafe_code)]

mod signal;

use crate::parts::Parts;
use crate::tensor::TensorMut;
use signal::Signal;
use std::any::Any;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;

/// A fixed group of threads.
#[derive(Debug)]
pub struct Team {
    desk: Arc<Desk>,
    /// Held during a run.
    running: Mutex<()>,
    threads: Vec<JoinHandle<()>>,
}

/// Where the caller lays out the work and the members find it.
#[derive(Debug)]
struct Desk {
    /// Number of the run; it changes when there is work, and stays [`CLOSED`] at the end.
    turn: Signal,
    /// Members that have not finished the run.
    busy: Signal,
    work: UnsafeCell<Option<Work>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The turn that ends all threads.
const CLOSED: usize = usize::MAX;

/// A function of a member's number. It lives until the run ends, whatever the type says.
type Work = &'static (dyn Fn(usize) + Sync);

// SAFETY: `work` is written by the caller of a run alone (`Team::running` is held) while no member
// is busy, and read by members only after the turn has changed, which happens after the write.
unsafe impl Sync for Desk {}

impl Desk {
    /// What a member's thread does.
    fn serve(&self, member: usize) {
        let mut turn = 0;
        loop {
            turn = self.turn.wait(|now| now != turn);
            if turn == CLOSED {
                return;
            }
            // SAFETY: the turn has changed, so the caller has written, and it writes again only
            // when `busy` says that this member is done.
            if let Some(work) = unsafe { *self.work.get() } {
                self.work_on(work, member);
            }
            self.busy.change(|busy| busy - 1);
        }
    }

    /// One member's share of a run; a panic is kept for the caller.
    fn work_on(&self, work: &(dyn Fn(usize) + Sync), member: usize) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(member))) {
            let mut kept = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get_or_insert(panic);
        }
    }
}

impl Team {
    /// A team of `threads` members, the caller among them (so `threads - 1` are started). It is
    /// smaller if the system refuses to start as many.
    pub fn new(threads: usize) -> Team {
        let spins = std::thread::available_parallelism().is_ok_and(|cores| threads <= cores.get());
        let desk = Arc::new(Desk {
            turn: Signal::new(spins),
            busy: Signal::new(spins),
            work: UnsafeCell::new(None),
            panic: Mutex::new(None),
        });
        let start = |member| {
            let desk = desk.clone();
            std::thread::Builder::new()
                .name(format!("tincy-team-{member}"))
                .spawn(move || desk.serve(member))
                .inspect_err(|error| log::warn!("no thread for member {member}: {error}"))
                .ok()
        };
        Team {
            threads: (1..threads).map_while(start).collect(),
            desk,
            running: Mutex::new(()),
        }
    }

    /// Number of members.
    pub fn size(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `work(member)` for every member from 0 to `size() - 1`, each on its own thread, and
    /// returns when all have returned. While the team is at work already, the caller does it alone.
    ///
    /// # Panics
    /// If `work` panics on any member, when all are done.
    pub fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        let running = match self.running.try_lock() {
            Ok(running) => Some(running),
            // A run that panicked was a whole run.
            Err(TryLockError::Poisoned(running)) => Some(running.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if running.is_some() && !self.threads.is_empty() {
            self.run_together(work);
        } else {
            (0..self.size()).for_each(work);
        }
    }

    fn run_together(&self, work: &(dyn Fn(usize) + Sync)) {
        // SAFETY: only the lifetime changes. No member keeps the reference beyond its share of the
        // run, and this function returns only when `busy` says that all have done theirs.
        let work = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Work>(work) };
        self.desk.busy.change(|_| self.threads.len());
        // SAFETY: `running` is held and no member is busy, so nobody reads or writes.
        unsafe { *self.desk.work.get() = Some(work) };
        self.desk.turn.change(|turn| (turn + 1) % CLOSED);
        self.desk.work_on(work, 0);
        self.desk.busy.wait(|busy| busy == 0);
        let panic = self
            .desk
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// The part of `items` that falls to a member: contiguous, as even as can be.
    pub fn share(&self, member: usize, items: usize) -> Range<usize> {
        items * member / self.size()..items * (member + 1) / self.size()
    }

    /// Cuts `output` into items of `unit` elements and calls `work(items, part)` on each member
    /// with its share of the items and the part of `output` that they are.
    ///
    /// # Panics
    /// If `output` is not a whole number of units.
    pub fn split<T: Send>(
        &self,
        output: &mut [T],
        unit: usize,
        work: &(impl Fn(Range<usize>, &mut [T]) + Sync),
    ) {
        let items = items(output.len(), unit);
        let parts = Parts::new(output);
        self.run(&|member| {
            let share = self.share(member, items);
            if !share.is_empty() {
                // SAFETY: shares of different members do not overlap, and lie within the items.
                let part = unsafe { parts.part(share.start * unit..share.end * unit) };
                work(share, part);
            }
        });
    }

    /// As [`split`](Team::split), each member with a part of `scratch` of its own, as long as can
    /// be; every part starts at a multiple of 64 bytes from the start of `scratch`.
    ///
    /// # Panics
    /// If `output` is not a whole number of units.
    pub fn split_with_scratch<T: Send>(
        &self,
        output: &mut [T],
        unit: usize,
        scratch: &mut [u8],
        work: &(impl Fn(Range<usize>, &mut [T], &mut [u8]) + Sync),
    ) {
        let items = items(output.len(), unit);
        let bytes = scratch.len() / self.size() / 64 * 64;
        let (parts, scratch) = (Parts::new(output), Parts::new(scratch));
        self.run(&|member| {
            let share = self.share(member, items);
            if !share.is_empty() {
                // SAFETY: shares of different members do not overlap, and lie within the items.
                let part = unsafe { parts.part(share.start * unit..share.end * unit) };
                // SAFETY: each member takes its own `bytes`, and `size` times `bytes` are there.
                let own = unsafe { scratch.part(member * bytes..(member + 1) * bytes) };
                work(share, part, own);
            }
        });
    }

    /// [`split`](Team::split) for a map of any number type.
    ///
    /// # Panics
    /// If the map is not a whole number of units.
    pub fn split_map(
        &self,
        output: TensorMut<'_>,
        unit: usize,
        work: &(dyn Fn(Range<usize>, TensorMut<'_>) + Sync),
    ) {
        match output {
            TensorMut::F32(values) => self.split(values, unit, &|share, part| {
                work(share, TensorMut::F32(part));
            }),
            TensorMut::U8(codes) => self.split(codes, unit, &|share, part| {
                work(share, TensorMut::U8(part));
            }),
            TensorMut::I8(codes) => self.split(codes, unit, &|share, part| {
                work(share, TensorMut::I8(part));
            }),
        }
    }
}

fn items(len: usize, unit: usize) -> usize {
    assert!(
        len.is_multiple_of(unit),
        "{len} elements in units of {unit}"
    );
    len / unit
}

impl Drop for Team {
    fn drop(&mut self) {
        self.desk.turn.change(|_| CLOSED);
        for thread in self.threads.drain(..) {
            // Its panics were given to the caller of `run`.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_member_works_once_a_run() {
        for size in 1..=5 {
            let team = Team::new(size);
            let counts: Vec<_> = (0..size).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..500 {
                team.run(&|member| {
                    counts[member].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert!(
                counts
                    .iter()
                    .all(|count| count.load(Ordering::Relaxed) == 500)
            );
        }
    }

    #[test]
    fn members_that_sleep_are_woken() {
        let team = Team::new(3);
        let count = AtomicUsize::new(0);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            team.run(&|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(count.into_inner(), 9);
    }

    #[test]
    fn splitting_covers_the_map_once() {
        for size in 1..=4 {
            let team = Team::new(size);
            let mut map = vec![0usize; 7 * 3];
            team.split(&mut map, 3, &|items, part| {
                assert_eq!(part.len(), 3 * items.len());
                for (i, element) in part.iter_mut().enumerate() {
                    *element += 3 * items.start + i + 1;
                }
            });
            assert!(map.iter().enumerate().all(|(i, element)| *element == i + 1));
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::new(3);
        for bad in 0..3 {
            let run = || team.run(&|member| assert_ne!(member, bad, "member {bad}"));
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            assert!(text.contains(&format!("member {bad}")), "{text}");
        }
        let threads = Mutex::new(HashSet::new());
        team.run(&|_| {
            threads.lock().unwrap().insert(std::thread::current().id());
        });
        assert_eq!(threads.into_inner().unwrap().len(), 3);
    }

    #[test]
    fn a_run_within_a_run_is_done_by_the_caller() {
        let team = Team::new(2);
        let count = AtomicUsize::new(0);
        team.run(&|_| {
            team.run(&|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(count.into_inner(), 4);
    }
}
