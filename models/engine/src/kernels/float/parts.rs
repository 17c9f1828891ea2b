//! Memory of which each thread of a team writes another part.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

/// A slice that may be written from several threads, as long as no two write the same element.
#[derive(Debug)]
pub(super) struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    marker: PhantomData<&'a mut [T]>,
}

// SAFETY: the only access is `part`, whose callers promise that parts never overlap; a part is a
// plain exclusive slice, which may be sent for `T: Send`.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Parts<'a, T> {
        Parts {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            marker: PhantomData,
        }
    }

    /// The elements of a range.
    ///
    /// # Safety
    /// No element may lie in another part that is alive.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    pub(super) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range lies inside the slice that this was made from, which is borrowed for
        // as long as this lives; that no other part has its elements is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
