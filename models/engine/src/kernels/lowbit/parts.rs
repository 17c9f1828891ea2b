//! One slice written by several threads, each its own parts.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice that threads share by taking parts that do not overlap.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a, T> {
    first: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: the parts are `&mut [T]`, which may go to another thread where T may; that no two
// overlap is what `Parts::part` asks of its caller.
unsafe impl<T: Send> Send for Parts<'_, T> {}
// SAFETY: as above; the only method that hands out memory is `part`.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    /// The whole slice, to be parted.
    pub(super) fn new(slice: &'a mut [T]) -> Parts<'a, T> {
        Parts {
            first: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// One part.
    ///
    /// # Safety
    /// While it lives, no other part may be taken that overlaps it.
    ///
    /// # Panics
    /// If it is not inside the slice.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: inside the slice by the assertion, and exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(range.start), range.len()) }
    }
}
