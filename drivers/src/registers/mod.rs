//! Registers of 32 bits, and the interrupt that belongs to them.
//!
//! | module | subject |
//! | --- | --- |
//! | [`map`] | where an overlay's registers and their fields are, from one file |
//! | [`uio`] | the kernel's user-space I/O devices |
//! | [`devmem`] | any physical address by `/dev/mem`, to look into a device that has no driver |
//! | `interrupt` | the count of interrupts that a UIO node gives |
//! | `window` | the mapped registers themselves |

pub mod devmem;
mod interrupt;
pub mod map;
pub mod uio;
mod window;

pub use map::{Field, Register, RegisterMap};

use crate::{Error, Result};
use std::time::Duration;

/// A device's registers, without an interrupt unless it says otherwise.
///
/// Reading may change a device (a `done` bit that is cleared by it), so that even a read needs the
/// device for itself: two readers would take each other's events.
pub trait Registers: Send {
    /// Name of the device, for messages.
    fn name(&self) -> &str;

    /// The register at a byte offset.
    ///
    /// # Errors
    /// If there is none.
    fn read(&mut self, offset: u32) -> Result<u32>;

    /// Writes the register at a byte offset.
    ///
    /// # Errors
    /// If there is none.
    fn write(&mut self, offset: u32, value: u32) -> Result<()>;

    /// Enables the interrupt. To be called before the start that will raise it, and after its cause
    /// was cleared in the device: a level that is still high fires at once again.
    ///
    /// # Errors
    /// If the device has no interrupt, or the system refuses.
    fn arm(&mut self) -> Result<()> {
        Err(no_interrupt(self.name()))
    }

    /// Waits for an interrupt; whether one came in time. A false answer says nothing of the device:
    /// ask its status.
    ///
    /// # Errors
    /// If the device has no interrupt, or the system refuses.
    fn wait(&mut self, _timeout: Duration) -> Result<bool> {
        Err(no_interrupt(self.name()))
    }
}

fn no_interrupt(device: &str) -> Error {
    Error::NoInterrupt {
        device: device.to_string(),
    }
}

impl<R: Registers + ?Sized> Registers for Box<R> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn read(&mut self, offset: u32) -> Result<u32> {
        (**self).read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<()> {
        (**self).write(offset, value)
    }

    fn arm(&mut self) -> Result<()> {
        (**self).arm()
    }

    fn wait(&mut self, timeout: Duration) -> Result<bool> {
        (**self).wait(timeout)
    }
}
