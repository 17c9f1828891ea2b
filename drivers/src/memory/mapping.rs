//! Memory of a device that is mapped into this process.
//!
//! Two kinds must not be mixed up. Cached or write-combined memory takes any copy. Device memory
//! (what UIO maps) faults at an unaligned access, so that it is copied in aligned words, each access
//! volatile: a plain copy may be turned into unaligned ones, or into cache-line zeroing.
#![allow(unsafe_code)]

use super::inside;
use crate::Result;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;

/// How mapped memory may be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any copy.
    Normal,
    /// Aligned volatile words.
    Device,
}

/// A mapping.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: MmapRaw,
    start: usize,
    size: usize,
    kind: Kind,
    device: String,
}

impl Mapping {
    /// Maps `size` bytes that begin `start` bytes behind `offset` of a file.
    pub(crate) fn map(
        device: &str,
        file: &File,
        offset: u64,
        (start, size): (usize, usize),
        kind: Kind,
    ) -> io::Result<Mapping> {
        let len = start.checked_add(size).ok_or(io::ErrorKind::InvalidInput)?;
        let map = MmapOptions::new().offset(offset).len(len).map_raw(file)?;
        let device = device.to_string();
        Ok(Mapping {
            map,
            start,
            size,
            kind,
            device,
        })
    }

    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Copies bytes out.
    pub(crate) fn read(&self, start: usize, bytes: &mut [u8]) -> Result<()> {
        inside(&self.device, start, bytes.len(), self.size)?;
        let from = self
            .map
            .as_mut_ptr()
            .wrapping_add(self.start + start)
            .cast_const();
        match self.kind {
            // SAFETY: `inside` holds the range within the mapping, which lives as long as `self`;
            // `bytes` is another allocation, since the mapping is never lent out as a reference. A
            // device that writes meanwhile gives stale bytes, never a reference to changing ones.
            Kind::Normal => unsafe {
                from.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len());
            },
            Kind::Device => read_words(from, bytes),
        }
        Ok(())
    }

    /// Copies bytes in.
    pub(crate) fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        inside(&self.device, start, bytes.len(), self.size)?;
        let to = self.map.as_mut_ptr().wrapping_add(self.start + start);
        match self.kind {
            // SAFETY: as in `read`; the mapping is writable, and `&mut self` has it alone.
            Kind::Normal => unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) },
            Kind::Device => write_words(to, bytes),
        }
        Ok(())
    }
}

/// The lengths of what lies before, in and after a range's aligned words.
fn parts(address: *const u8, len: usize) -> (usize, usize) {
    let head = address.align_offset(align_of::<u64>()).min(len);
    (head, (len - head) / 8 * 8)
}

/// Copies a range that lies inside of a mapping out of it, by aligned words.
fn read_words(from: *const u8, bytes: &mut [u8]) {
    let (head, body) = parts(from, bytes.len());
    for at in (0..head).chain(head + body..bytes.len()) {
        // SAFETY: the caller's range is inside of a mapping that lives; a byte is always aligned.
        bytes[at] = unsafe { from.wrapping_add(at).read_volatile() };
    }
    for at in (head..head + body).step_by(8) {
        let word = from.wrapping_add(at).cast::<u64>();
        // SAFETY: as above; `parts` lets the words begin at a multiple of 8.
        let word = unsafe { word.read_volatile() };
        bytes[at..at + 8].copy_from_slice(&word.to_ne_bytes());
    }
}

/// Copies into a range that lies inside of a mapping, by aligned words.
fn write_words(to: *mut u8, bytes: &[u8]) {
    let (head, body) = parts(to, bytes.len());
    for at in (0..head).chain(head + body..bytes.len()) {
        // SAFETY: the caller has the mapping alone, the range is inside of it and writable.
        unsafe { to.wrapping_add(at).write_volatile(bytes[at]) };
    }
    for at in (head..head + body).step_by(8) {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        let place = to.wrapping_add(at).cast::<u64>();
        // SAFETY: as above; `parts` lets the words begin at a multiple of 8.
        unsafe { place.write_volatile(u64::from_ne_bytes(word)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn both_kinds_copy_any_range_alike() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 256]).unwrap();
        for kind in [Kind::Normal, Kind::Device] {
            let mut mapping = Mapping::map("fake", &file, 0, (8, 128), kind).unwrap();
            for (start, len) in [(0, 0), (0, 1), (3, 2), (1, 7), (5, 40), (8, 64), (7, 121)] {
                let bytes: Vec<u8> = (0..len).map(|i| (i + start) as u8 ^ 0x5a).collect();
                let mut before = [0; 128];
                mapping.read(0, &mut before).unwrap();
                mapping.write(start, &bytes).unwrap();
                let mut after = [0; 128];
                mapping.read(0, &mut after).unwrap();
                before[start..start + len].copy_from_slice(&bytes);
                assert_eq!(before, after, "{start} {len} {kind:?}");
                let mut back = vec![0; len];
                mapping.read(start, &mut back).unwrap();
                assert_eq!(back, bytes);
            }
            let error = mapping.write(100, &[0; 29]).unwrap_err().to_string();
            assert_eq!(
                error,
                "fake: bytes 100 to 129 of 128: a range inside expected"
            );
        }
    }
}
