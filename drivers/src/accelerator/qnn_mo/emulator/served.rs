//! A core for a CPU that another process emulates: registers in memory that both have mapped.
//!
//! Memory has no side effects, so two things differ from the core's own registers: `done` stays until
//! the next start, and a start is seen a moment after it was written. A driver that polls for `done`
//! notices neither.

use super::Emulator;
use crate::Result;
use crate::registers::Registers;

/// Looks at the control register that a start is given: more than the longest of the faults takes.
const MOST_READS: u32 = 25_000;

impl Emulator {
    /// Shows the state of the core in a page of registers, before the first start.
    ///
    /// # Errors
    /// If the page lacks a register.
    pub fn show(&mut self, page: &mut impl Registers) -> Result<()> {
        let control = self.lock().places.control;
        let state = self.read(control)?;
        page.write(control, state)
    }

    /// Looks once for a start in a page of registers, and carries it out; whether there was one. What
    /// a start must find in memory is there when its bit is.
    ///
    /// # Errors
    /// If the page lacks a register.
    pub fn serve(&mut self, page: &mut impl Registers) -> Result<bool> {
        let places = self.lock().places.clone();
        let asked = page.read(places.control)?;
        if asked & !places.known != 0 {
            // It was away, and may be back.
            return self.show(page).map(|()| false);
        }
        let is_new = asked & places.start != 0 && self.lock().is_idle();
        if !is_new {
            return Ok(false);
        }
        for offset in places.data() {
            let value = page.read(offset)?;
            self.write(offset, value)?;
        }
        self.write(places.control, places.start)?;
        for _ in 0..MOST_READS {
            let state = self.read(places.control)?;
            if state & places.start == 0 || state & !places.known != 0 {
                return page.write(places.control, state).map(|()| true);
            }
        }
        Ok(true)
    }
}
