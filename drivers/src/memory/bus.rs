//! Memory as an emulated device sees it: by physical address.

use super::inside;
use super::mapping::{Kind, Mapping};
use crate::Result;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A contiguous piece of memory from a physical address on. Clones are the same memory.
#[derive(Clone, Debug)]
pub struct Bus {
    physical: u64,
    bytes: Arc<Mutex<Bytes>>,
}

#[derive(Debug)]
enum Bytes {
    /// This process has them.
    Own(Vec<u8>),
    /// Another process, which emulates a whole board, has mapped them too.
    Shared(Mapping),
}

impl Bus {
    pub(super) fn new(physical: u64, bytes: Vec<u8>) -> Bus {
        Bus {
            physical,
            bytes: Arc::new(Mutex::new(Bytes::Own(bytes))),
        }
    }

    /// `size` bytes of a file, from `offset` on, that stand for memory from a physical address on.
    /// Whoever else has mapped the file is the CPU.
    ///
    /// # Errors
    /// If the file cannot be mapped.
    pub fn shared(physical: u64, file: &File, offset: u64, size: usize) -> io::Result<Bus> {
        let mapping = Mapping::map("shared memory", file, offset, (0, size), Kind::Normal)?;
        Ok(Bus {
            physical,
            bytes: Arc::new(Mutex::new(Bytes::Shared(mapping))),
        })
    }

    /// Physical address of the first byte.
    pub fn physical(&self) -> u64 {
        self.physical
    }

    /// Copies out what is at a physical address; `None` where there is no memory.
    pub fn read(&self, physical: u64, len: usize) -> Option<Vec<u8>> {
        let start = self.start(physical)?;
        let end = start.checked_add(len)?;
        // Before the room is made: what a device asks for may be any number.
        (end <= self.lock().size()).then_some(())?;
        let mut bytes = vec![0; len];
        self.copy_out(start, &mut bytes).ok()?;
        Some(bytes)
    }

    /// Copies bytes to a physical address; `None` where there is no memory.
    pub fn write(&self, physical: u64, bytes: &[u8]) -> Option<()> {
        self.copy_in(self.start(physical)?, bytes).ok()
    }

    pub(super) fn copy_out(&self, start: usize, bytes: &mut [u8]) -> Result<()> {
        match &*self.lock() {
            Bytes::Own(own) => {
                inside("plain memory", start, bytes.len(), own.len())?;
                bytes.copy_from_slice(&own[start..][..bytes.len()]);
                Ok(())
            }
            Bytes::Shared(mapping) => mapping.read(start, bytes),
        }
    }

    pub(super) fn copy_in(&self, start: usize, bytes: &[u8]) -> Result<()> {
        match &mut *self.lock() {
            Bytes::Own(own) => {
                inside("plain memory", start, bytes.len(), own.len())?;
                own[start..][..bytes.len()].copy_from_slice(bytes);
                Ok(())
            }
            Bytes::Shared(mapping) => mapping.write(start, bytes),
        }
    }

    fn start(&self, physical: u64) -> Option<usize> {
        usize::try_from(physical.checked_sub(self.physical)?).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Bytes> {
        // Bytes have no state that a panic elsewhere could leave half done.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bytes {
    fn size(&self) -> usize {
        match self {
            Bytes::Own(own) => own.len(),
            Bytes::Shared(mapping) => mapping.size(),
        }
    }
}
