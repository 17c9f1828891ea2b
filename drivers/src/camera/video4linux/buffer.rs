//! The memory of buffers: mapped from the driver, or given to it from a heap.

use super::exchange::Exchange;
use crate::memory::heap;
use memmap2::MmapRaw;
use std::io;
use std::os::fd::AsFd;

/// A buffer's memory.
pub(super) struct Buffer {
    planes: Vec<Plane>,
    /// Whether it is the program's: not queued.
    ours: bool,
}

/// The memory of a plane.
pub(super) enum Plane {
    Driver(MmapRaw),
    Heap {
        memory: heap::Buffer,
        /// Whether the CPU's caches have been brought in line for reading.
        open: bool,
    },
}

impl Buffer {
    /// One that has not been queued yet.
    pub(super) fn new(planes: Vec<Plane>) -> Buffer {
        Buffer { planes, ours: true }
    }

    /// Before it is queued: what of it the kernel must be told, and that the CPU reads no more.
    pub(super) fn close(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let Plane::Heap { memory, open } = plane else {
                continue;
            };
            exchange.import(index, memory.as_fd(), memory.mapping().len());
            if std::mem::take(open) {
                memory.end()?;
            }
        }
        Ok(())
    }

    /// When the kernel has taken it.
    pub(super) fn give(&mut self) {
        self.ours = false;
    }

    /// When the kernel has filled it: the CPU may read.
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.ours = true;
        for plane in &mut self.planes {
            if let Plane::Heap { memory, open } = plane {
                memory.begin()?;
                *open = true;
            }
        }
        Ok(())
    }

    /// When the kernel has let all buffers go, as they are.
    pub(super) fn take_back(&mut self) {
        self.ours = true;
    }

    /// A plane's bytes; none if the buffer is queued, or there is no such plane.
    pub(super) fn bytes(&self, plane: usize) -> &[u8] {
        let map = match self.planes.get(plane).filter(|_| self.ours) {
            Some(Plane::Driver(map)) => map,
            Some(Plane::Heap { memory, open: true }) => memory.mapping(),
            _ => return &[],
        };
        // SAFETY: the mapping lives as long as `self`. The driver writes to a buffer only between QBUF
        // and DQBUF or STREAMOFF, that is while `ours` is false; and queueing needs `&mut self`, which
        // it cannot have while this slice lives.
        unsafe { std::slice::from_raw_parts(map.as_ptr(), map.len()) }
    }
}
