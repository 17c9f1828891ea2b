//! The state of the core: what its registers say, what it works on, what went wrong.

use super::chip::Chip;
use super::convolution;
use super::fault::{Fault, Faults};
use super::request::Request;
use crate::accelerator::qnn_mo::control::Places;
use crate::memory::bus::Bus;
use crate::registers::RegisterMap;
use crate::{Error, Result};
use std::collections::BTreeMap;
use tincy_bitstreams::overlay::Overlay;

/// Reads of the control register that a start takes.
const READS_A_START: u32 = 3;

/// The most complaints that are kept.
const MOST_COMPLAINTS: usize = 64;

/// What the core does.
#[derive(Debug)]
enum State {
    Idle,
    Working {
        reads: u32,
        write: Option<Write>,
    },
    /// For good: a stream is starved.
    Hung,
}

/// A map that is to be written when the work is done.
#[derive(Debug)]
struct Write {
    physical: u64,
    bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) places: Places,
    window_bytes: usize,
    registers: BTreeMap<u32, u32>,
    bus: Bus,
    chip: Chip,
    state: State,
    done: bool,
    /// Whether the next `done` is lost.
    loses_done: bool,
    /// Accesses for which the device is not there.
    gone: u32,
    pub(super) faults: Faults,
    pub(super) starts: u64,
    pub(super) complaints: Vec<String>,
}

impl Core {
    /// A core after power-up.
    pub(super) fn new(overlay: &Overlay, map: &RegisterMap, bus: Bus) -> Result<Core> {
        Ok(Core {
            places: Places::new(map)?,
            window_bytes: map.window_bytes as usize,
            registers: BTreeMap::new(),
            bus,
            chip: Chip::new(overlay),
            state: State::Idle,
            done: false,
            loses_done: false,
            gone: 0,
            faults: Faults::none(),
            starts: 0,
            complaints: Vec::new(),
        })
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    pub(super) fn reset(&mut self) {
        self.registers.clear();
        self.chip.clear();
        self.state = State::Idle;
        (self.done, self.loses_done, self.gone) = (false, false, 0);
    }

    /// Whether the device is away at this access.
    fn is_gone(&mut self) -> bool {
        let gone = self.gone > 0;
        self.gone = self.gone.saturating_sub(1);
        gone
    }

    pub(super) fn read(&mut self, offset: u32) -> u32 {
        if self.is_gone() {
            return u32::MAX;
        }
        if offset != self.places.control {
            // The data registers are write-only.
            return 0;
        }
        self.work();
        let idle = self.is_idle();
        let bit = |set: bool, mask: u32| if set { mask } else { 0 };
        let p = &self.places;
        let control = bit(!idle, p.start) | bit(self.done, p.done) | bit(idle, p.idle);
        let control = control | bit(self.done, p.ready);
        self.done = false;
        control
    }

    /// One read's worth of work.
    fn work(&mut self) {
        let State::Working { reads, write } = &mut self.state else {
            return;
        };
        *reads = reads.saturating_sub(1);
        if *reads > 0 {
            return;
        }
        let write = write.take();
        self.state = State::Idle;
        self.done = !std::mem::take(&mut self.loses_done);
        if let Some(Write { physical, bytes }) = write
            && self.bus.write(physical, &bytes).is_none()
        {
            self.hang(format!("no memory to write to at {physical:#x}"));
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32) {
        if self.is_gone() {
            return;
        }
        if offset != self.places.control {
            self.registers.insert(offset, value);
        } else if value & self.places.start != 0 && self.is_idle() {
            // A start of a core that works is ignored.
            self.start();
        }
    }

    fn start(&mut self) {
        self.starts += 1;
        self.done = false;
        let fault = self.faults.next();
        match fault {
            Some(Fault::LostStart) => return,
            Some(Fault::Gone { accesses }) => {
                self.gone = accesses;
                return;
            }
            Some(Fault::Hang) => return self.hang("a hang that was put in".into()),
            Some(Fault::LostDone) => self.loses_done = true,
            _ => {}
        }
        let request = Request::new(&self.registers, &self.places);
        let answer = match request.loads {
            true => self.chip.load(&request, &self.bus).map(|()| None),
            false => self.compute(&request).map(Some),
        };
        match answer {
            Err(why) => self.hang(why),
            Ok(write) => self.begin(write, fault),
        }
    }

    fn compute(&mut self, request: &Request) -> Result<Write, String> {
        request.check(self.chip.limits())?;
        if let Some(why) = self.chip.mismatch(request) {
            self.complain(why);
        }
        if request.stride > 0 {
            self.complain("a stride register that is not 0: the numbers are wrong".into());
        }
        let bytes = convolution::run(request, &self.chip, &self.bus)?;
        let physical = request.out;
        if self.bus.read(physical, bytes.len()).is_none() {
            return Err(format!(
                "no memory to write {} bytes to at {physical:#x}",
                bytes.len()
            ));
        }
        Ok(Write { physical, bytes })
    }

    /// Begins the work, as a fault changes it.
    fn begin(&mut self, write: Option<Write>, fault: Option<Fault>) {
        let reads = match fault {
            Some(Fault::LateDone { reads }) => reads,
            _ => READS_A_START,
        };
        let write = write.map(|mut write| {
            match fault {
                Some(Fault::WrongAddress { bytes }) => write.physical += bytes,
                Some(Fault::WrongLength { missing }) => {
                    let left = write.bytes.len().saturating_sub(missing);
                    write.bytes.truncate(left);
                }
                _ => {}
            }
            write
        });
        self.state = State::Working { reads, write };
    }

    fn hang(&mut self, why: String) {
        self.state = State::Hung;
        self.complain(why);
    }

    fn complain(&mut self, why: String) {
        if self.complaints.len() == MOST_COMPLAINTS {
            self.complaints.remove(0);
        }
        self.complaints.push(why);
    }

    pub(super) fn check(&self, offset: u32) -> Result<()> {
        if offset.is_multiple_of(4) && (offset as usize) < self.window_bytes {
            return Ok(());
        }
        Err(Error::Offset {
            device: "emulated core".into(),
            offset,
            size: self.window_bytes,
        })
    }
}
