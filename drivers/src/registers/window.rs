//! Registers that are mapped into this process.
//!
//! The kernel maps them as device memory: only aligned accesses of the register's own width are
//! safe there, each exactly once and in order. So they are volatile, 32 bits wide, and nothing ever
//! makes a slice of the window.
#![allow(unsafe_code)]

use crate::{Error, Result};
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;

/// A mapping of some registers.
#[derive(Debug)]
pub(crate) struct Window {
    map: MmapRaw,
    /// Bytes from the start of the mapping to the first register, a multiple of 4.
    start: usize,
    /// Bytes of registers.
    size: usize,
    device: String,
}

impl Window {
    /// Maps `size` bytes that begin `start` bytes behind `offset` of a file.
    pub(crate) fn map(
        device: &str,
        file: &File,
        offset: u64,
        start: usize,
        size: usize,
    ) -> io::Result<Window> {
        let len = start.checked_add(size).filter(|_| start.is_multiple_of(4));
        let len = len.ok_or(io::ErrorKind::InvalidInput)?;
        let map = MmapOptions::new().offset(offset).len(len).map_raw(file)?;
        let device = device.to_string();
        Ok(Window {
            map,
            start,
            size,
            device,
        })
    }

    /// Name of the device.
    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// Reads the register at a byte offset.
    pub(crate) fn read(&self, offset: u32) -> Result<u32> {
        let register = self.register(offset)?;
        // SAFETY: `register` gives an aligned address within the mapping, which lives as long as
        // `self`; any bit pattern is a u32, and a volatile read asks nothing else of device memory.
        Ok(unsafe { register.read_volatile() })
    }

    /// Writes the register at a byte offset.
    pub(crate) fn write(&mut self, offset: u32, value: u32) -> Result<()> {
        let register = self.register(offset)?;
        // SAFETY: `register` gives an aligned address within the mapping, which is writable, lives
        // as long as `self`, and is never lent out as a reference that the write could change.
        unsafe { register.write_volatile(value) };
        Ok(())
    }

    /// The address of a register, aligned and inside the mapping.
    fn register(&self, offset: u32) -> Result<*mut u32> {
        let at = offset as usize;
        if !at.is_multiple_of(4) || at.checked_add(4).is_none_or(|end| end > self.size) {
            return Err(Error::Offset {
                device: self.device.clone(),
                offset,
                size: self.size,
            });
        }
        // Mappings begin at a page, `start` and `at` are multiples of 4.
        Ok(self.map.as_mut_ptr().wrapping_add(self.start + at).cast())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_register_is_where_the_file_has_it() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 64]).unwrap();
        let mut window = Window::map("fake", &file, 0, 16, 32).unwrap();
        window.write(8, 0x0403_0201).unwrap();
        assert_eq!(window.read(8).unwrap(), 0x0403_0201);
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes[24..28], [1, 2, 3, 4]);
    }

    #[test]
    fn what_lies_outside_is_refused() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 64]).unwrap();
        let mut window = Window::map("fake", &file, 0, 0, 32).unwrap();
        for offset in [2, 30, 32, u32::MAX, u32::MAX - 3] {
            let error = window.write(offset, 1).unwrap_err().to_string();
            assert!(error.starts_with("fake: no register at 0x"), "{error}");
            assert!(window.read(offset).is_err());
        }
        assert!(Window::map("fake", &file, 0, 2, 32).is_err());
        assert!(Window::map("fake", &file, 0, usize::MAX - 3, 32).is_err());
    }
}
