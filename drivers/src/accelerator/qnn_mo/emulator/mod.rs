//! A core without logic: the same registers and the same memory as the published one's, exact
//! integers between, and the ways in which it fails.
//!
//! It knows nothing of the driver: it reads weights and maps from memory by physical address and in
//! the order of the core. Time is counted in reads of the control register. Where the core would wait
//! for good, or would do what nobody knows, so does this one; [`Emulator::complaints`] tells why,
//! which the core never would.
//!
//! | module | subject |
//! | --- | --- |
//! | `core` | registers, state, and what went wrong |
//! | `chip` | what lies on the chip, and how it is loaded |
//! | `convolution` | sums, thresholds, pool |
//! | `request` | the dimensions of a start, and what is wrong with them |
//! | [`fault`] | faults that are put in, by a seeded generator |
//! | `served` | a core for a CPU that another process emulates |

mod chip;
mod convolution;
mod core;
pub mod fault;
mod request;
mod served;

use self::core::Core;
use crate::Result;
use crate::memory::bus::Bus;
use crate::registers::{RegisterMap, Registers};
use fault::Faults;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tincy_bitstreams::overlay::Overlay;

/// A handle of an emulated core. Clones are the same core.
#[derive(Clone, Debug)]
pub struct Emulator {
    core: Arc<Mutex<Core>>,
}

impl Emulator {
    /// A core of an overlay, with the memory that it reaches.
    ///
    /// # Errors
    /// If the map lacks a register of the core.
    pub fn new(overlay: &Overlay, map: &RegisterMap, bus: Bus) -> Result<Emulator> {
        let core = Core::new(overlay, map, bus)?;
        Ok(Emulator {
            core: Arc::new(Mutex::new(core)),
        })
    }

    /// From now on these faults happen.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Starts so far, those that were lost included.
    pub fn starts(&self) -> u64 {
        self.lock().starts
    }

    /// What the core was told that it cannot do, the latest last.
    pub fn complaints(&self) -> Vec<String> {
        self.lock().complaints.clone()
    }

    /// Resets the logic, as a reset line would: registers, state and what lies on the chip.
    pub fn reset(&self) {
        self.lock().reset();
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registers for Emulator {
    fn name(&self) -> &str {
        "emulated core"
    }

    fn read(&mut self, offset: u32) -> Result<u32> {
        let mut core = self.lock();
        core.check(offset)?;
        Ok(core.read(offset))
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<()> {
        let mut core = self.lock();
        core.check(offset)?;
        core.write(offset, value);
        Ok(())
    }
}
