//! Where an overlay's registers and their fields are: one JSON file an overlay, checked as it is
//! read, so that no offset stands in a driver.

use crate::{Error, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The registers of an overlay, or of a block of the chip, by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMap {
    /// Name of the overlay or the block.
    #[serde(alias = "block")]
    pub overlay: String,
    /// Physical addresses of the windows, one an instance, where the chip fixes them.
    #[serde(default)]
    pub bases: Vec<Address>,
    /// For people.
    #[serde(default)]
    pub about: String,
    /// Bytes of the address space that the registers lie in.
    pub window_bytes: u32,
    /// Whether an interrupt is connected.
    pub interrupt: bool,
    /// The registers.
    pub registers: Vec<Register>,
}

/// One register.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Name, unique in its map.
    pub name: String,
    /// Bytes from the start of the window; in the file as text, `"0x10"`.
    #[serde(deserialize_with = "offset")]
    pub offset: u32,
    /// What may be done with it.
    pub access: Access,
    /// For people.
    #[serde(default)]
    pub about: String,
    /// Its parts; a register without fields is one number.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// What may be done with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Access {
    /// Read only.
    #[serde(rename = "r")]
    Read,
    /// Write only: what is read is not what was written.
    #[serde(rename = "w")]
    Write,
    /// Both.
    #[serde(rename = "rw")]
    ReadWrite,
}

/// Some bits of a register.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Name, unique in its register.
    pub name: String,
    /// Lowest and highest bit.
    pub bits: [u32; 2],
    /// For people.
    #[serde(default)]
    pub about: String,
}

/// A physical address; in the file as text, `"0xff5e0000"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub u64);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        hexadecimal(deserializer, "base").map(Address)
    }
}

fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    hexadecimal(deserializer, "offset")
}

fn hexadecimal<'de, D, N>(deserializer: D, what: &str) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<u64>,
{
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x");
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let number = number.and_then(|number| N::try_from(number).ok());
    let wrong = || D::Error::custom(format!("{what} {text:?}: hexadecimal like 0x10 expected"));
    number.ok_or_else(wrong)
}

impl Field {
    /// The bits, as they stand in the register.
    pub fn mask(&self) -> u32 {
        let [low, high] = self.bits;
        (u32::MAX >> (31 - high)) & (u32::MAX << low)
    }

    fn is_possible(&self) -> bool {
        let [low, high] = self.bits;
        low <= high && high < 32
    }
}

impl Register {
    /// The bits that have a meaning.
    pub fn known_bits(&self) -> u32 {
        match self.fields.is_empty() {
            true => u32::MAX,
            false => self
                .fields
                .iter()
                .fold(0, |mask, field| mask | field.mask()),
        }
    }

    fn check(&self, window_bytes: u32) -> Result<(), String> {
        let Register { name, offset, .. } = self;
        if !offset.is_multiple_of(4) {
            return Err(format!("{name} at {offset:#x}: a multiple of 4 expected"));
        }
        if offset.checked_add(4).is_none_or(|end| end > window_bytes) {
            return Err(format!(
                "{name} at {offset:#x}: outside of {window_bytes:#x} bytes"
            ));
        }
        let mut taken = 0;
        for (index, field) in self.fields.iter().enumerate() {
            let path = format!("{name}.{}", field.name);
            if !field.is_possible() {
                let [low, high] = field.bits;
                return Err(format!(
                    "{path}: bits {low} to {high}, expected [low, high] below 32"
                ));
            }
            if self.fields[..index]
                .iter()
                .any(|other| other.name == field.name)
            {
                return Err(format!("{path}: the name is taken"));
            }
            if taken & field.mask() != 0 {
                return Err(format!("{path}: overlaps another field"));
            }
            taken |= field.mask();
        }
        Ok(())
    }
}

impl RegisterMap {
    /// Reads a map and checks it.
    ///
    /// # Errors
    /// If a key is unknown or missing, or registers or fields overlap, are misaligned or outside.
    pub fn parse(text: &str) -> Result<RegisterMap> {
        let map: RegisterMap = serde_json::from_str(text).map_err(|error| Error::RegisterMap {
            overlay: "an overlay".into(),
            what: error.to_string(),
        })?;
        map.check().map_err(|what| map.wrong(what))?;
        Ok(map)
    }

    /// Reads the maps of several blocks and checks them.
    ///
    /// # Errors
    /// As [`parse`](RegisterMap::parse).
    pub fn parse_all(text: &str) -> Result<Vec<RegisterMap>> {
        let maps: Vec<RegisterMap> =
            serde_json::from_str(text).map_err(|error| Error::RegisterMap {
                overlay: "a chip".into(),
                what: error.to_string(),
            })?;
        for map in &maps {
            map.check().map_err(|what| map.wrong(what))?;
        }
        Ok(maps)
    }

    /// The register of a name.
    ///
    /// # Errors
    /// If there is none.
    pub fn register(&self, name: &str) -> Result<&Register> {
        let found = self.registers.iter().find(|register| register.name == name);
        found.ok_or_else(|| self.wrong(format!("there is no register {name}")))
    }

    /// The mask of a field of a register.
    ///
    /// # Errors
    /// If there is none.
    pub fn mask(&self, register: &str, field: &str) -> Result<u32> {
        let fields = &self.register(register)?.fields;
        let found = fields.iter().find(|candidate| candidate.name == field);
        let found = found.ok_or_else(|| self.wrong(format!("{register} has no field {field}")))?;
        Ok(found.mask())
    }

    fn wrong(&self, what: String) -> Error {
        Error::RegisterMap {
            overlay: self.overlay.clone(),
            what,
        }
    }

    fn check(&self) -> Result<(), String> {
        for (index, register) in self.registers.iter().enumerate() {
            register.check(self.window_bytes)?;
            let before = &self.registers[..index];
            if let Some(other) = before.iter().find(|other| other.offset == register.offset) {
                let Register { name, offset, .. } = register;
                return Err(format!("{name} and {} overlap at {offset:#x}", other.name));
            }
            if before.iter().any(|other| other.name == register.name) {
                return Err(format!("{}: the name is taken", register.name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let mask = |low, high| {
            let (name, about) = (String::new(), String::new());
            Field {
                name,
                about,
                bits: [low, high],
            }
            .mask()
        };
        assert_eq!(mask(0, 0), 1);
        assert_eq!(mask(8, 9), 0x300);
        assert_eq!(mask(0, 31), u32::MAX);
    }
}
