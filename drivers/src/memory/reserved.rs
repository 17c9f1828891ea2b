//! Memory that the device tree reserves (`no-map`), as a further region of a UIO device.
//!
//! It needs no module beside UIO's own and is never cached, so nothing has to be synchronised; the
//! CPU reads it slowly for the same reason.

use super::mapping::{Kind, Mapping};
use super::{Direction, DmaMemory, Need, barrier, whole_lines};
use crate::registers::uio::Device;
use crate::{Error, Result, Roots};
use std::ops::Range;

/// A mapped region of reserved memory.
#[derive(Debug)]
pub struct Reserved {
    mapping: Mapping,
    physical: u64,
}

impl Reserved {
    /// Maps region `index` of the UIO device of a name.
    ///
    /// # Errors
    /// If there is none, it does not serve the need, or the system refuses.
    pub fn open(roots: &Roots, name: &str, index: usize, need: Need) -> Result<Reserved> {
        let device = Device::find(roots, name)?;
        let region = device.region(index)?;
        let name = format!("map{index} of {name}");
        let remedy = format!(
            "give the node a `reg` entry of {:#x} bytes in reserved no-map memory below {:#x}",
            need.bytes, need.below
        );
        need.check(&name, region.physical, region.size, remedy)?;
        let file = device.open()?;
        let extent = (region.offset, region.size);
        let mapping = Mapping::map(&name, &file, region.file_offset(), extent, Kind::Device);
        let remedy = "does another driver hold the region?";
        Ok(Reserved {
            mapping: mapping.map_err(Error::io(device.node(), remedy))?,
            physical: region.physical,
        })
    }
}

impl DmaMemory for Reserved {
    fn name(&self) -> &str {
        self.mapping.device()
    }

    fn size(&self) -> usize {
        self.mapping.size()
    }

    fn physical(&self) -> u64 {
        self.physical
    }

    fn read(&self, start: usize, bytes: &mut [u8]) -> Result<()> {
        self.mapping.read(start, bytes)
    }

    fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        self.mapping.write(start, bytes)
    }

    fn sync_for_device(&mut self, range: Range<usize>, _direction: Direction) -> Result<()> {
        whole_lines(self.name(), &range, self.size())?;
        barrier::full();
        Ok(())
    }

    fn sync_for_cpu(&mut self, range: Range<usize>, _direction: Direction) -> Result<()> {
        whole_lines(self.name(), &range, self.size())?;
        barrier::full();
        Ok(())
    }
}
