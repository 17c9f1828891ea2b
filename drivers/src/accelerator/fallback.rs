//! When the accelerator is used, reset, and given up for the CPU.
//!
//! A frame on which it fails is computed on the CPU. Before the next frame it is reset and tried
//! again; failures in a row end the trying, since each costs a time-out. Both give the same codes, so
//! that nothing but the time tells the roads apart, which is why it is said aloud.

use crate::Error;

/// Failures in a row after which the CPU is used for good.
pub const MOST_FAILURES: u32 = 3;

/// How a frame is to be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// By the accelerator.
    Accelerator,
    /// By the accelerator, after a reset.
    Reset,
    /// By the CPU, from now on.
    Cpu,
}

/// The state of the trying.
#[derive(Clone, Debug, Default)]
pub struct Fallback {
    in_a_row: u32,
    failures: u64,
}

impl Fallback {
    /// Nothing failed yet.
    pub fn new() -> Fallback {
        Fallback::default()
    }

    /// How to compute the next frame.
    pub fn road(&self) -> Road {
        match self.in_a_row {
            0 => Road::Accelerator,
            MOST_FAILURES.. => Road::Cpu,
            _ => Road::Reset,
        }
    }

    /// The accelerator computed a frame.
    pub fn succeeded(&mut self) {
        if self.road() != Road::Cpu {
            self.in_a_row = 0;
        }
    }

    /// The accelerator, or its reset, failed: this frame is the CPU's.
    pub fn failed(&mut self, error: &Error) {
        self.failures += 1;
        self.in_a_row = self.in_a_row.saturating_add(1);
        match self.in_a_row {
            MOST_FAILURES => log::error!(
                "{error}; {MOST_FAILURES} failures in a row: the accelerator is given up, the CPU \
                 computes from now on, slower"
            ),
            _ => log::warn!(
                "{error}; the CPU computes this frame, then the accelerator is reset (failure \
                 {} of {MOST_FAILURES})",
                self.in_a_row
            ),
        }
    }

    /// Failures so far, for reports.
    pub fn failures(&self) -> u64 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> Error {
        Error::NoInterrupt {
            device: "accel".into(),
        }
    }

    #[test]
    fn a_failure_asks_for_a_reset_and_success_forgets_it() {
        let mut fallback = Fallback::new();
        assert_eq!(fallback.road(), Road::Accelerator);
        for _ in 0..10 {
            fallback.failed(&error());
            assert_eq!(fallback.road(), Road::Reset);
            fallback.failed(&error());
            assert_eq!(fallback.road(), Road::Reset);
            fallback.succeeded();
            assert_eq!(fallback.road(), Road::Accelerator);
        }
        assert_eq!(fallback.failures(), 20);
    }

    #[test]
    fn three_failures_in_a_row_are_for_good() {
        let mut fallback = Fallback::new();
        for _ in 0..3 {
            assert_ne!(fallback.road(), Road::Cpu);
            fallback.failed(&error());
        }
        assert_eq!(fallback.road(), Road::Cpu);
        fallback.succeeded();
        assert_eq!(fallback.road(), Road::Cpu);
        fallback.failed(&error());
        assert_eq!(fallback.road(), Road::Cpu);
    }
}
