//! A slice of which each member of a team writes another part.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice that threads share by taking parts that do not overlap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: the only access is `part`, whose callers promise that parts never overlap; a part is a
// plain exclusive slice, which may go to another thread where `T` may.
unsafe impl<T: Send> Send for Parts<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Parts<'a, T> {
        Parts {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// The elements of a range.
    ///
    /// # Safety
    /// While the part lives, no other part may be taken that has one of its elements.
    ///
    /// # Panics
    /// If the range is not inside the slice.
    #[inline(always)]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "a part outside of its slice"
        );
        // SAFETY: the range lies inside the slice that this was made from, which is borrowed for
        // `'a`; that no other part has its elements is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
