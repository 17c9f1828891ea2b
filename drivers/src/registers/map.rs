//! Where an overlay's registers and their fields are: one JSON file an overlay, checked as it is
//! read, so that no offset stands in a driver.

use crate::{Error, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The registers of an overlay, by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMap {
    /// Name of the overlay.
    pub overlay: String,
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

fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x");
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number
        .ok_or_else(|| D::Error::custom(format!("offset {text:?}: hexadecimal like 0x10 expected")))
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

    fn refusal(registers: &str) -> String {
        let text = format!(
            r#"{{"overlay": "x", "window_bytes": 16, "interrupt": false, "registers": [{registers}]}}"#
        );
        RegisterMap::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn the_published_map_has_the_documented_offsets() {
        let map = RegisterMap::parse(tincy_bitstreams::overlay::QNN_MO_REGISTERS).unwrap();
        let expected = [
            ("CTRL", 0x00),
            ("IN1_LOW", 0x10),
            ("IN2_LOW", 0x1c),
            ("OUT_HIGH", 0x2c),
            ("DO_INIT", 0x34),
            ("POOL_STRIDE", 0x8c),
        ];
        for (name, offset) in expected {
            assert_eq!(map.register(name).unwrap().offset, offset, "{name}");
        }
        assert_eq!(map.register("CTRL").unwrap().known_bits(), 0x8f);
        assert_eq!(map.mask("CTRL", "done").unwrap(), 2);
        assert_eq!(
            map.mask("CTRL", "error").unwrap_err().to_string(),
            "register map of qnn-mo: CTRL has no field error"
        );
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let a = r#"{"name": "A", "offset": "0x4", "access": "rw"}"#;
        let cases = [
            (
                format!(r#"{a}, {{"name": "B", "offset": "0x4", "access": "r"}}"#),
                "B and A overlap at 0x4",
            ),
            (
                format!(r#"{a}, {{"name": "A", "offset": "0x8", "access": "r"}}"#),
                "A: the name is taken",
            ),
            (
                r#"{"name": "A", "offset": "0x6", "access": "r"}"#.into(),
                "A at 0x6: a multiple of 4 expected",
            ),
            (
                r#"{"name": "A", "offset": "0x10", "access": "r"}"#.into(),
                "A at 0x10: outside of 0x10 bytes",
            ),
            (
                r#"{"name": "A", "offset": "0xfffffffc", "access": "r"}"#.into(),
                "outside of 0x10 bytes",
            ),
            (
                r#"{"name": "A", "offset": "12", "access": "r"}"#.into(),
                "hexadecimal like 0x10 expected",
            ),
            (
                r#"{"name": "A", "offset": "0x0", "access": "x"}"#.into(),
                "unknown variant `x`",
            ),
            (
                r#"{"name": "A", "offset": "0x0", "access": "r", "ofset": 1}"#.into(),
                "unknown field `ofset`",
            ),
            (
                r#"{"name": "A", "access": "r"}"#.into(),
                "missing field `offset`",
            ),
        ];
        for (text, expected) in cases {
            let found = refusal(&text);
            assert!(found.contains(expected), "{found}");
            assert_eq!(found.lines().count(), 1);
        }
    }

    #[test]
    fn fields_that_cannot_be_are_refused_by_name() {
        let cases = [
            (
                r#"{"name": "f", "bits": [0, 3]}, {"name": "g", "bits": [3, 4]}"#,
                "A.g: overlaps another field",
            ),
            (
                r#"{"name": "f", "bits": [0, 3]}, {"name": "f", "bits": [5, 5]}"#,
                "A.f: the name is taken",
            ),
            (r#"{"name": "f", "bits": [4, 3]}"#, "A.f: bits 4 to 3"),
            (r#"{"name": "f", "bits": [0, 32]}"#, "A.f: bits 0 to 32"),
        ];
        for (fields, expected) in cases {
            let text = format!(
                r#"{{"name": "A", "offset": "0x0", "access": "rw", "fields": [{fields}]}}"#
            );
            let found = refusal(&text);
            assert!(found.contains(expected), "{found}");
        }
    }

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
