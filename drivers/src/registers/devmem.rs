//! Registers at any physical address, by `/dev/mem`: to look into a device that has no UIO node
//! yet. Most kernels forbid it for addresses that a driver holds (`IO_STRICT_DEVMEM`).

use super::Registers;
use super::window::Window;
use crate::{Error, Result};
use std::fs::OpenOptions;
use std::path::Path;

/// Mapped registers without an interrupt.
#[derive(Debug)]
pub struct DevMem {
    window: Window,
}

impl DevMem {
    /// Maps `size` bytes of registers at a physical address; `dev` is where device nodes are.
    ///
    /// Reading logic that is not configured or has no clock stops the whole board: make sure that
    /// the address is that of a design that runs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn open(dev: &Path, physical: u64, size: usize) -> Result<DevMem> {
        let path = dev.join("mem");
        let remedy =
            "run as root, on a kernel without strict /dev/mem, or give the device a UIO node";
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(Error::io(&path, remedy))?;
        let name = format!("{} at {physical:#x}", path.display());
        let window = Window::map(&name, &file, physical, 0, size);
        let window = window.map_err(Error::io(&path, remedy))?;
        Ok(DevMem { window })
    }
}

impl Registers for DevMem {
    fn name(&self) -> &str {
        self.window.device()
    }

    fn read(&mut self, offset: u32) -> Result<u32> {
        self.window.read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<()> {
        self.window.write(offset, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_page_of_a_stand_in_for_dev_mem() {
        let dev = tempfile::tempdir().unwrap();
        let mut bytes = vec![0u8; 3 * 4096];
        bytes[2 * 4096 + 4] = 42;
        std::fs::write(dev.path().join("mem"), bytes).unwrap();
        let mut registers = DevMem::open(dev.path(), 2 * 4096, 256).unwrap();
        assert_eq!(registers.read(4).unwrap(), 42);
        registers.write(8, 7).unwrap();
        assert_eq!(registers.read(8).unwrap(), 7);
        assert!(registers.read(256).is_err());
        let error = registers.wait(Duration::ZERO).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "it has no interrupt; give its device-tree node `interrupts`, or poll it"
            )
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let dev = tempfile::tempdir().unwrap();
        let error = DevMem::open(dev.path(), 0, 256).unwrap_err().to_string();
        assert!(
            error.contains("/mem: No such file") && error.contains("run as root"),
            "{error}"
        );
    }
}
