//! The widths of the AXI ports between the logic and the rest.
//!
//! A design is built for certain widths. Where these registers say others there are wrong or repeated
//! data and no error; the vendor's kernel sets them from an overlay, mainline leaves them as the boot
//! loader left them. A master port is one by which the CPUs reach the logic, a slave port one by
//! which the logic reaches memory.

use super::system::Block;
use crate::board::Board;
use crate::{Error, Result, Roots};
use std::fmt;

/// A port: its name, and where its width is.
struct Place {
    name: &'static str,
    block: &'static str,
    instance: usize,
    /// Registers and fields: one, or one each for reading and writing.
    fields: &'static [(&'static str, &'static str)],
    /// Bits by code.
    codes: [u32; 3],
}

/// Codes of the ports by which the CPUs reach the logic.
const MASTER: [u32; 3] = [32, 64, 128];

/// Codes of the ports by which the logic reaches memory: the other way round.
const SLAVE: [u32; 3] = [128, 64, 32];

const fn slave(name: &'static str, instance: usize) -> Place {
    Place {
        name,
        block: "AFIFM",
        instance,
        fields: &[("RDCTRL", "width"), ("WRCTRL", "width")],
        codes: SLAVE,
    }
}

const PLACES: [Place; 10] = [
    Place {
        name: "HPM0",
        block: "FPD_SLCR",
        instance: 0,
        fields: &[("AFI_FS", "hpm0")],
        codes: MASTER,
    },
    Place {
        name: "HPM1",
        block: "FPD_SLCR",
        instance: 0,
        fields: &[("AFI_FS", "hpm1")],
        codes: MASTER,
    },
    Place {
        name: "HPM0_LPD",
        block: "LPD_SLCR",
        instance: 0,
        fields: &[("AFI_FS", "hpm0")],
        codes: MASTER,
    },
    slave("HPC0", 0),
    slave("HPC1", 1),
    slave("HP0", 2),
    slave("HP1", 3),
    slave("HP2", 4),
    slave("HP3", 5),
    slave("LPD", 6),
];

/// The names of the ports.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLACES.iter().map(|place| place.name)
}

/// A port's width in bits; none for a code without a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// For reading, or both.
    pub read: Option<u32>,
    /// For writing.
    pub write: Option<u32>,
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = |width: Option<u32>| width.map_or("?".to_string(), |bits| bits.to_string());
        match self.read == self.write {
            true => f.write_str(&bits(self.read)),
            false => write!(f, "{}/{}", bits(self.read), bits(self.write)),
        }
    }
}

/// A port's registers.
pub struct Port {
    place: &'static Place,
    block: Block,
}

impl Port {
    /// The port of a name, in any case.
    ///
    /// # Errors
    /// If there is no such port, the board is of another kind, or the system refuses.
    pub fn open(roots: &Roots, board: &Board, name: &str) -> Result<Port> {
        let place = place(name)?;
        let block = Block::open(roots, board, place.block, place.instance)?;
        Ok(Port { place, block })
    }

    /// Its width.
    ///
    /// # Errors
    /// If the register map lacks it.
    pub fn width(&mut self) -> Result<Width> {
        let mut widths = [None; 2];
        for (index, (register, field)) in self.place.fields.iter().enumerate() {
            let code = self.block.get(register, field)? as usize;
            widths[index] = self.place.codes.get(code).copied();
        }
        let [read, write] = widths;
        let single = self.place.fields.len() == 1;
        Ok(Width {
            read,
            write: if single { read } else { write },
        })
    }

    /// Sets its width.
    ///
    /// # Errors
    /// If it cannot have it, or does not keep it.
    pub fn set(&mut self, bits: u32) -> Result<()> {
        let code = self.place.codes.iter().position(|width| *width == bits);
        let code = code.ok_or_else(|| Error::Logic {
            what: format!("port {} cannot be {bits} bits wide", self.place.name),
            remedy: "choose 32, 64 or 128, as the design was built".into(),
        })?;
        for (register, field) in self.place.fields {
            self.block.set(register, &[(field, code as u32)])?;
        }
        Ok(())
    }
}

fn place(name: &str) -> Result<&'static Place> {
    let found = PLACES
        .iter()
        .find(|place| place.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| Error::Logic {
        what: format!("there is no port {name}"),
        remedy: format!("choose one of {}", names().collect::<Vec<_>>().join(", ")),
    })
}
