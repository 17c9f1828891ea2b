//! Faults that were found, each so that its whole kind stays away.

mod shared;
mod small;

use shared::{PHYSICAL, registers};
use std::time::Duration;
use tincy_drivers::Result;
use tincy_drivers::accelerator::qnn_mo::Polling;
use tincy_drivers::accelerator::qnn_mo::control::Control;
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::{Fault, Faults};
use tincy_drivers::memory::plain::Plain;
use tincy_drivers::registers::Registers;

/// A core whose driver loses its own processor for a while after each look at it.
struct Descheduled(Emulator);

impl Registers for Descheduled {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn read(&mut self, offset: u32) -> Result<u32> {
        let value = self.0.read(offset);
        std::thread::sleep(Duration::from_millis(5));
        value
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<()> {
        self.0.write(offset, value)
    }
}

/// The time was over before the second look, at which the core had long finished: that was an error.
#[test]
fn a_core_that_finished_while_its_driver_was_descheduled_has_finished() {
    let bus = Plain::new(PHYSICAL, 0x10_0000).bus();
    bus.write(PHYSICAL, &vec![0; 0x10_0000]).unwrap();
    let core = Emulator::new(&small::overlay(), &registers(), bus).unwrap();
    let polling = Polling {
        timeout: Duration::from_millis(2),
        ..Polling::default()
    };
    let mut control = Control::new(Descheduled(core.clone()), &registers(), polling).unwrap();
    core.set_faults(Faults::script(&[Fault::LateDone { reads: 2 }]));
    let loaded = control.load("test", [PHYSICAL, PHYSICAL + 0x2_0000], 3);
    loaded.expect("the second look sees that it is done");
    // One that does not finish is still given up.
    core.set_faults(Faults::script(&[Fault::LateDone { reads: 9 }]));
    let loaded = control.load("test", [PHYSICAL, PHYSICAL + 0x2_0000], 3);
    assert!(loaded.is_err());
}
