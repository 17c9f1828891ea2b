//! Memory of this process with made-up physical addresses, for emulated devices.
//!
//! It is as incoherent as the boards' memory ports: what the CPU writes reaches the device only by
//! [`sync_for_device`](DmaMemory::sync_for_device), what the device writes reaches the CPU only by
//! [`sync_for_cpu`](DmaMemory::sync_for_cpu). A driver that forgets one computes rubbish here too.

use super::bus::Bus;
use super::{Direction, DmaMemory, inside, whole_lines};
use crate::{Error, Result};
use std::ops::Range;

/// What memory that the device sees holds at first: no zeros that could pass for results.
const RUBBISH: u8 = 0xa5;

/// The CPU's side.
#[derive(Debug)]
pub struct Plain {
    cpu: Vec<u8>,
    bus: Bus,
}

impl Plain {
    /// `size` bytes from a physical address on.
    pub fn new(physical: u64, size: usize) -> Plain {
        Plain {
            cpu: vec![RUBBISH; size],
            bus: Bus::new(physical, vec![RUBBISH; size]),
        }
    }

    /// The device's side of this memory.
    pub fn bus(&self) -> Bus {
        self.bus.clone()
    }
}

impl Plain {
    fn inside(&self, start: usize, len: usize) -> Result<(), Error> {
        inside(self.name(), start, len, self.cpu.len())
    }
}

impl DmaMemory for Plain {
    fn name(&self) -> &str {
        "plain memory"
    }

    fn size(&self) -> usize {
        self.cpu.len()
    }

    fn physical(&self) -> u64 {
        self.bus.physical()
    }

    fn read(&self, start: usize, bytes: &mut [u8]) -> Result<()> {
        self.inside(start, bytes.len())?;
        bytes.copy_from_slice(&self.cpu[start..][..bytes.len()]);
        Ok(())
    }

    fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        self.inside(start, bytes.len())?;
        self.cpu[start..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync_for_device(&mut self, range: Range<usize>, _direction: Direction) -> Result<()> {
        whole_lines(self.name(), &range, self.cpu.len())?;
        self.bus.copy_in(range.start, &self.cpu[range])
    }

    fn sync_for_cpu(&mut self, range: Range<usize>, _direction: Direction) -> Result<()> {
        whole_lines(self.name(), &range, self.cpu.len())?;
        self.bus.copy_out(range.start, &mut self.cpu[range])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_sees_only_what_was_handed_over() {
        let mut memory = Plain::new(0x1000, 256);
        let bus = memory.bus();
        memory.write(64, &[7]).unwrap();
        assert_eq!(bus.read(0x1040, 1).unwrap(), [RUBBISH]);
        memory
            .sync_for_device(64..128, Direction::ToDevice)
            .unwrap();
        assert_eq!(bus.read(0x1040, 1).unwrap(), [7]);
        bus.write(0x1040, &[9]).unwrap();
        let mut byte = [0];
        memory.read(64, &mut byte).unwrap();
        assert_eq!(byte, [7]);
        memory.sync_for_cpu(64..128, Direction::FromDevice).unwrap();
        memory.read(64, &mut byte).unwrap();
        assert_eq!(byte, [9]);
    }

    #[test]
    fn what_is_outside_or_not_on_lines_is_refused() {
        let mut memory = Plain::new(0x1000, 256);
        let bus = memory.bus();
        assert!(bus.read(0xfff, 1).is_none() && bus.read(0x1100, 1).is_none());
        assert!(bus.write(0x10ff, &[0; 2]).is_none() && bus.read(u64::MAX, 8).is_none());
        assert!(memory.write(256, &[0]).is_err() && memory.read(usize::MAX, &mut [0]).is_err());
        let error = memory
            .sync_for_cpu(0..65, Direction::FromDevice)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "plain memory: bytes 0 to 65 of 256: whole cache lines of 64 bytes expected"
        );
        assert!(
            memory
                .sync_for_device(192..320, Direction::ToDevice)
                .is_err()
        );
    }
}
