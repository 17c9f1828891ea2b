//! Immutable tensors that are shared, not copied: owned, or mapped from a model file.

use bytemuck::Pod;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// Alignment of tensors in a model file, in bytes: a cache line, and any vector register.
pub const ALIGNMENT: usize = 64;

/// A shared, immutable array of `T`. Clones share the same memory.
pub struct Values<T: Pod> {
    storage: Storage,
    marker: PhantomData<T>,
}

#[derive(Clone)]
enum Storage {
    Empty,
    /// Bytes of a `Vec<T>`, kept as the vector so that the alignment is T's.
    Owned(Arc<dyn Bytes>),
    Mapped {
        file: Arc<memmap2::Mmap>,
        start: usize,
        len: usize,
    },
}

trait Bytes: Send + Sync {
    fn bytes(&self) -> &[u8];
}

impl<T: Pod + Send + Sync> Bytes for Vec<T> {
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl<T: Pod> Values<T> {
    /// A view of `len` bytes of a mapped file from byte `start` on, or `None` if they lie outside
    /// or are not aligned for `T`.
    pub(crate) fn mapped(file: &Arc<memmap2::Mmap>, start: usize, len: usize) -> Option<Self> {
        let bytes = file.get(start..start.checked_add(len)?)?;
        bytemuck::try_cast_slice::<u8, T>(bytes).ok()?;
        let storage = Storage::Mapped {
            file: file.clone(),
            start,
            len,
        };
        Some(Values {
            storage,
            marker: PhantomData,
        })
    }

    /// The raw bytes, as they lie in a model file.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.storage {
            Storage::Empty => &[],
            Storage::Owned(vector) => vector.bytes(),
            Storage::Mapped { file, start, len } => &file[*start..*start + *len],
        }
    }
}

impl<T: Pod> Default for Values<T> {
    fn default() -> Self {
        Values {
            storage: Storage::Empty,
            marker: PhantomData,
        }
    }
}

impl<T: Pod> Clone for Values<T> {
    fn clone(&self) -> Self {
        Values {
            storage: self.storage.clone(),
            marker: PhantomData,
        }
    }
}

impl<T: Pod> Deref for Values<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.storage {
            // No bytes at all need not lie where a `T` may.
            Storage::Empty => &[],
            _ => bytemuck::cast_slice(self.as_bytes()),
        }
    }
}

impl<T: Pod + Send + Sync> From<Vec<T>> for Values<T> {
    fn from(vector: Vec<T>) -> Self {
        Values {
            storage: Storage::Owned(Arc::new(vector)),
            marker: PhantomData,
        }
    }
}

impl<T: Pod + PartialEq> PartialEq for Values<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod> fmt::Debug for Values<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} values]", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_values_are_an_empty_slice_of_any_type() {
        assert!(Values::<f32>::default().is_empty());
        assert!(Values::<f32>::from(Vec::new()).is_empty());
        assert_eq!(*Values::from(vec![1i32, -2]).clone(), [1, -2]);
    }
}
