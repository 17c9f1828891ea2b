//! The blocks of registers of a Zynq UltraScale+ that concern the logic, by `/dev/mem`.
//!
//! They lie in the processing system and answer whatever the logic does. Which there are and where
//! stands in one file, `bitstreams/ps/zynqmp.json`.

use crate::board::Board;
use crate::registers::devmem::DevMem;
use crate::registers::{RegisterMap, Registers};
use crate::{Error, Result, Roots};
use tincy_bitstreams::board::ZYNQMP_REGISTERS;

/// One instance of a block.
#[derive(Debug)]
pub struct Block {
    map: RegisterMap,
    registers: DevMem,
}

impl Block {
    /// Maps an instance of a block.
    ///
    /// # Errors
    /// If the board is of another kind, or the system refuses.
    pub fn open(roots: &Roots, board: &Board, name: &str, instance: usize) -> Result<Block> {
        if !board.is_zynqmp() {
            return Err(Error::Logic {
                what: "this is no Zynq UltraScale+: its clocks and ports are not known".into(),
                remedy: "let the boot loader set them".into(),
            });
        }
        let maps = RegisterMap::parse_all(ZYNQMP_REGISTERS)?;
        let wrong = |what: String| Error::RegisterMap {
            overlay: "zynqmp".into(),
            what,
        };
        let map = maps.into_iter().find(|map| map.overlay == name);
        let map = map.ok_or_else(|| wrong(format!("no block {name}")))?;
        let base = map
            .bases
            .get(instance)
            .ok_or_else(|| wrong(format!("no {name} {instance}")))?;
        let registers = DevMem::open(&roots.dev, base.0, map.window_bytes as usize)?;
        Ok(Block { map, registers })
    }

    /// Reads a field.
    ///
    /// # Errors
    /// If the map does not have it.
    pub fn get(&mut self, register: &str, field: &str) -> Result<u32> {
        let mask = self.map.mask(register, field)?;
        let value = self.registers.read(self.map.register(register)?.offset)?;
        Ok((value & mask) >> mask.trailing_zeros())
    }

    /// Writes fields of a register at once, the others staying as they are, and reads them back.
    ///
    /// # Errors
    /// If the map does not have one of them, or it does not keep what was written.
    pub fn set(&mut self, register: &str, fields: &[(&str, u32)]) -> Result<()> {
        let offset = self.map.register(register)?.offset;
        let (mut all, mut wanted) = (0, 0);
        for (field, value) in fields {
            let mask = self.map.mask(register, field)?;
            all |= mask;
            wanted |= (value << mask.trailing_zeros()) & mask;
        }
        let before = self.registers.read(offset)?;
        self.registers.write(offset, before & !all | wanted)?;
        let after = self.registers.read(offset)?;
        if after & all == wanted {
            return Ok(());
        }
        Err(Error::Logic {
            what: format!(
                "{} {register}: {:#x} was written, {:#x} is read back",
                self.map.overlay,
                before & !all | wanted,
                after
            ),
            remedy: "the firmware keeps this register to itself: set it in the boot loader".into(),
        })
    }
}
