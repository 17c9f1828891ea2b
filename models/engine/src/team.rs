//! The threads that share one frame's work.
//!
//! A [`Team`] belongs to a session. [`Team::run`] calls one function once per member, the caller
//! being member 0, and returns when all are done. Members spin for some microseconds before they
//! sleep, since the next layer's work comes at once.

#![allow(unsafe_code)]

use crate::tensor::TensorMut;
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
                let part = unsafe { parts.get(share.start * unit..share.end * unit) };
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
        let bytes = scratch.len() / self.size / 64 * 64;
        let (parts, scratch) = (Parts::new(output), Parts::new(scratch));
        self.run(&|member| {
            let share = self.share(member, items);
            if !share.is_empty() {
                // SAFETY: shares of different members do not overlap, and lie within the items.
                let part = unsafe { parts.get(share.start * unit..share.end * unit) };
                // SAFETY: each member takes its own `bytes`, and `size` times `bytes` are there.
                let own = unsafe { scratch.get(member * bytes..(member + 1) * bytes) };
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

/// A slice that several threads take different parts of.
struct Parts<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: what crosses threads is exclusive access to elements, by `get`'s contract: `T: Send`.
unsafe impl<T: Send> Sync for Parts<T> {}

impl<T> Parts<T> {
    fn new(slice: &mut [T]) -> Parts<T> {
        Parts {
            start: slice.as_mut_ptr(),
            len: slice.len(),
        }
    }

    /// A part.
    ///
    /// # Safety
    /// The slice is borrowed for as long as the part is used, and no other part that is in use
    /// overlaps this one.
    #[allow(clippy::mut_from_ref)]
    unsafe fn get(&self, range: Range<usize>) -> &mut [T] {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "part outside of its slice"
        );
        // SAFETY: the range lies within the slice that `start` and `len` came from; the rest is
        // the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
