//! Memory that a device reads and writes by physical address.
//!
//! | module | subject |
//! | --- | --- |
//! | [`udmabuf`] | buffers of the u-dma-buf module: cached, with explicit synchronisation |
//! | [`reserved`] | memory that the device tree reserves, as a region of a UIO device |
//! | [`heap`] | memory that devices share and the CPU reads cached, from the kernel's dma-heap |
//! | [`plain`] | memory of this process, for emulated devices |
//! | [`bus`] | memory as an emulated device sees it |
//! | [`contiguous`] | what of it there is on a board |
//! | `mapping` | mapped memory itself |
//! | `barrier` | order between memory and registers |

pub mod barrier;
pub mod bus;
pub mod contiguous;
pub mod heap;
pub(crate) mod mapping;
pub mod plain;
pub mod reserved;
pub mod udmabuf;

use crate::{Error, Result};
use std::ops::Range;

/// Bytes of a cache line of the boards' CPUs: synchronised ranges begin and end on one.
pub const LINE: usize = 64;

/// Who writes a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The CPU writes, the device reads.
    ToDevice,
    /// The device writes, the CPU reads.
    FromDevice,
}

/// One contiguous piece of memory, allocated once.
///
/// The CPU's copy and the device's may differ: before a start, hand over what the device reads
/// *and* what it writes (a line that is dirty in the cache could overwrite the result); after it,
/// take back what it wrote.
pub trait DmaMemory: Send {
    /// Name, for messages.
    fn name(&self) -> &str;

    /// Bytes that there are.
    fn size(&self) -> usize;

    /// Physical address of the first byte.
    fn physical(&self) -> u64;

    /// Copies bytes out of the CPU's copy.
    ///
    /// # Errors
    /// If the range lies outside.
    fn read(&self, start: usize, bytes: &mut [u8]) -> Result<()>;

    /// Copies bytes into the CPU's copy.
    ///
    /// # Errors
    /// If the range lies outside.
    fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()>;

    /// Hands a range of whole lines over to the device.
    ///
    /// # Errors
    /// If the range lies outside or not on lines, or the system refuses.
    fn sync_for_device(&mut self, range: Range<usize>, direction: Direction) -> Result<()>;

    /// Takes a range of whole lines back from the device.
    ///
    /// # Errors
    /// As [`sync_for_device`](DmaMemory::sync_for_device).
    fn sync_for_cpu(&mut self, range: Range<usize>, direction: Direction) -> Result<()>;
}

impl<M: DmaMemory + ?Sized> DmaMemory for Box<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn size(&self) -> usize {
        (**self).size()
    }

    fn physical(&self) -> u64 {
        (**self).physical()
    }

    fn read(&self, start: usize, bytes: &mut [u8]) -> Result<()> {
        (**self).read(start, bytes)
    }

    fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        (**self).write(start, bytes)
    }

    fn sync_for_device(&mut self, range: Range<usize>, direction: Direction) -> Result<()> {
        (**self).sync_for_device(range, direction)
    }

    fn sync_for_cpu(&mut self, range: Range<usize>, direction: Direction) -> Result<()> {
        (**self).sync_for_cpu(range, direction)
    }
}

/// What a device needs of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Bytes.
    pub bytes: usize,
    /// The device reaches physical addresses below this one.
    pub below: u64,
}

impl Need {
    /// Whether memory at an address serves; `remedy` tells how to get other memory.
    pub(crate) fn check(
        self,
        device: &str,
        physical: u64,
        size: usize,
        remedy: String,
    ) -> Result<()> {
        let end = physical.saturating_add(self.bytes as u64);
        let what = if size < self.bytes {
            format!("{size} bytes, {} needed", self.bytes)
        } else if end > self.below {
            let last = self.below;
            format!("it ends at {end:#x}, the device reaches addresses below {last:#x}")
        } else if !physical.is_multiple_of(LINE as u64) {
            format!("it begins at {physical:#x}, not on a cache line")
        } else {
            return Ok(());
        };
        Err(Error::Memory {
            device: device.to_string(),
            what,
            remedy,
        })
    }
}

/// Refuses a range that lies outside of `size` bytes.
fn inside(device: &str, start: usize, len: usize, size: usize) -> Result<()> {
    let end = start.saturating_add(len);
    if end <= size {
        return Ok(());
    }
    Err(Error::Range {
        device: device.to_string(),
        start,
        end,
        size,
        expected: "a range inside expected",
    })
}

/// Refuses a range that does not consist of whole lines of `size` bytes.
fn whole_lines(device: &str, range: &Range<usize>, size: usize) -> Result<()> {
    inside(device, range.start, range.len(), size)?;
    if range.start.is_multiple_of(LINE) && range.end.is_multiple_of(LINE) {
        return Ok(());
    }
    Err(Error::Range {
        device: device.to_string(),
        start: range.start,
        end: range.end,
        size,
        expected: "whole cache lines of 64 bytes expected",
    })
}
