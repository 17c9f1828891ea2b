//! The numbers by which a device's configuration logic is known.
//!
//! A Zynq UltraScale+ has two of them: a bitstream names the logic's own, JTAG and the processing
//! system tell the chip's. Public tools and streams agree on the first, one table gives the second
//! for it. The top four bits are the silicon's revision.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// All bits but the revision.
const DEVICE: u32 = 0x0fff_ffff;

/// An IDCODE. Two are equal if they differ in the revision only.
#[derive(Clone, Copy, Debug)]
pub struct Idcode(pub u32);

/// Both numbers of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idcodes {
    /// What its bitstreams name.
    pub bitstream: Idcode,
    /// What JTAG tells.
    pub silicon: Idcode,
}

impl PartialEq for Idcode {
    fn eq(&self, other: &Idcode) -> bool {
        self.0 & DEVICE == other.0 & DEVICE
    }
}

impl Eq for Idcode {}

impl fmt::Display for Idcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl Serialize for Idcode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Idcode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Idcode, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x");
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let wrong = || D::Error::custom(format!("IDCODE {text:?}: 0x and 8 digits expected"));
        number.map(Idcode).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_does_not_count() {
        assert_eq!(Idcode(0x1471_0093), Idcode(0x0471_0093));
        assert_ne!(Idcode(0x0471_0093), Idcode(0x0473_0093));
        assert_eq!(Idcode(0x0471_0093).to_string(), "0x04710093");
    }

    #[test]
    fn text_and_back() {
        let code: Idcode = serde_json::from_str("\"0x04a42093\"").unwrap();
        assert_eq!(code.0, 0x04a4_2093);
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"0x04a42093\"");
        let error = serde_json::from_str::<Idcode>("\"4a42093\"").unwrap_err();
        assert!(error.to_string().contains("0x and 8 digits expected"));
    }
}
