//! A core of the published overlays: the board's, or an emulated one.

use anyhow::Result;
use tincy_bitstreams::overlay::{Overlay, QNN_MO_REGISTERS};
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::board::{ACCELERATOR, BUFFER};
use tincy_drivers::memory::plain::Plain;
use tincy_drivers::memory::reserved::Reserved;
use tincy_drivers::memory::udmabuf::Udmabuf;
use tincy_drivers::memory::{DmaMemory, Need};
use tincy_drivers::registers::uio::{Device, Uio};
use tincy_drivers::registers::{RegisterMap, Registers};
use tincy_drivers::{Error, Roots, fpga};

/// Where the published overlay's memory ports end: the lower 2 GiB.
pub(crate) const BELOW: u64 = 0x8000_0000;

/// Where the emulated memory is: anywhere but at zero.
const PHYSICAL: u64 = 0x6000_0000;

/// A core of an overlay.
pub(crate) struct Core {
    pub(crate) overlay: Overlay,
    pub(crate) map: RegisterMap,
    kind: Kind,
}

enum Kind {
    Emulated {
        /// Why it is.
        why: String,
    },
    Board(Roots),
}

/// A core's registers and memory, for a step.
pub(crate) struct Opened {
    pub(crate) registers: Box<dyn Registers>,
    pub(crate) memory: Box<dyn DmaMemory>,
    /// The emulated core, to provoke faults and to reset it.
    pub(crate) emulator: Option<Emulator>,
}

impl Core {
    pub(crate) fn emulated(overlay: Overlay, why: String) -> Result<Core> {
        Ok(Core {
            overlay,
            map: RegisterMap::parse(QNN_MO_REGISTERS)?,
            kind: Kind::Emulated { why },
        })
    }

    /// The board's core if it has one. One that is there and does not work is not emulated: its
    /// steps fail.
    pub(crate) fn find(overlay: Overlay, roots: &Roots) -> Result<Core> {
        match Device::find(roots, ACCELERATOR) {
            Ok(_) => Ok(Core {
                overlay,
                map: RegisterMap::parse(QNN_MO_REGISTERS)?,
                kind: Kind::Board(roots.clone()),
            }),
            Err(Error::Absent { found, .. }) => {
                let why = format!("no UIO device named {ACCELERATOR}: {found}");
                Core::emulated(overlay, why)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn is_emulated(&self) -> bool {
        self.why_emulated().is_some()
    }

    /// Why it is emulated, if it is.
    pub(crate) fn why_emulated(&self) -> Option<&str> {
        match &self.kind {
            Kind::Emulated { why } => Some(why),
            Kind::Board(_) => None,
        }
    }

    /// One word for it.
    pub(crate) fn word(&self) -> &'static str {
        if self.is_emulated() {
            "emulated"
        } else {
            "hardware"
        }
    }

    pub(crate) fn heading(&self) -> String {
        let name = &self.overlay.name;
        match &self.kind {
            Kind::Emulated { why } => format!(
                "{name}, emulated ({why}). Nothing of this says anything about a board, or of speed."
            ),
            Kind::Board(_) => format!("{name} on this board, UIO device {ACCELERATOR}"),
        }
    }

    /// Whether the logic may be touched, and what it runs by. Asked before anything is.
    pub(crate) fn check_running(&self) -> Result<String, Error> {
        let Kind::Board(roots) = &self.kind else {
            return Ok("emulated: there is no logic to be loaded".into());
        };
        let running = fpga::running(roots)?;
        let clocks = running.clocks.iter().map(|(index, clock)| {
            let rate = crate::commands::board::load::rate(clock);
            format!("PL{index} {rate}")
        });
        let clocks: Vec<_> = clocks.collect();
        Ok(format!("{}; {}", running.state, clocks.join(", ")))
    }

    /// Registers, and at least so many bytes of memory.
    pub(crate) fn open(&self, bytes: usize) -> Result<Opened, Error> {
        match &self.kind {
            Kind::Emulated { .. } => {
                let memory = Plain::new(PHYSICAL, bytes);
                let emulator = Emulator::new(&self.overlay, &self.map, memory.bus())?;
                Ok(Opened {
                    registers: Box::new(emulator.clone()),
                    memory: Box::new(memory),
                    emulator: Some(emulator),
                })
            }
            Kind::Board(roots) => {
                let window = self.map.window_bytes as usize;
                let registers = Uio::open(roots, ACCELERATOR, 0, window)?;
                Ok(Opened {
                    registers: Box::new(registers),
                    memory: memory(
                        roots,
                        Need {
                            bytes,
                            below: BELOW,
                        },
                    )?,
                    emulator: None,
                })
            }
        }
    }
}

/// The buffer, or the second region of the accelerator's own node where there is no buffer.
fn memory(roots: &Roots, need: Need) -> Result<Box<dyn DmaMemory>, Error> {
    match Udmabuf::open(roots, BUFFER, need) {
        Ok(buffer) => Ok(Box::new(buffer)),
        Err(error @ Error::Absent { .. }) => match Reserved::open(roots, ACCELERATOR, 1, need) {
            Ok(region) => Ok(Box::new(region)),
            // A region that is there and does not serve is the nearer reason.
            Err(nearer @ Error::Memory { .. }) => Err(nearer),
            Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}
