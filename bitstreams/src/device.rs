//! Devices: what a chip has, and how much of it a design can use.

use crate::Error;
use crate::idcode::Idcodes;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A chip on a board.
///
/// Resources are AMD's product tables; the clock is what published designs reached on it, and the
/// memory's rate is its peak. Both can be given otherwise on the command line or in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Part name, upper case.
    pub name: String,
    /// Family and boards, for people.
    pub board: String,
    /// Six-input look-up tables.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// 36-kbit block RAMs.
    pub bram36: u64,
    /// 288-kbit UltraRAMs.
    pub uram: u64,
    /// DSP slices.
    pub dsp: u64,
    /// Dies; a layer must lie on one.
    pub dies: u64,
    /// Clock of the logic, in MHz.
    pub clock_mhz: f64,
    /// Peak rate of the memory, in 10^9 bytes a second.
    pub ddr_gb_s: f64,
    /// Share of the LUTs that a design can use before routing fails.
    #[serde(default = "usable_lut")]
    pub usable_lut: f64,
    /// By what its configuration logic is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idcodes: Option<Idcodes>,
}

/// The limit of the public FINN tools (papers.md 2.6: "70 % LUT as the routing limit").
fn usable_lut() -> f64 {
    0.7
}

const TABLE: &str = include_str!("../devices.json");

/// The devices that are known without a file.
pub fn known() -> Vec<Device> {
    serde_json::from_str(TABLE).expect("the built-in table is read by a test")
}

/// The devices of a JSON file: a list of objects with the fields of [`Device`].
///
/// # Errors
/// If the file cannot be read or says something that no device can be.
pub fn from_file(path: &Path) -> Result<Vec<Device>, Error> {
    let fail = |what: String| Error::File {
        path: path.to_path_buf(),
        what,
    };
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let devices: Vec<Device> = serde_json::from_str(&text).map_err(|e| fail(e.to_string()))?;
    match devices.iter().find(|device| !device.is_possible()) {
        None => Ok(devices),
        Some(device) => Err(fail(format!(
            "{}: LUTs, dies, clock and memory rate must be positive, usable_lut at most 1",
            device.name
        ))),
    }
}

/// The device of this name, in any case and with or without package and speed grade.
///
/// # Errors
/// If there is none: the names that there are.
pub fn find<'a>(devices: &'a [Device], name: &str) -> Result<&'a Device, Error> {
    let wanted = name.to_uppercase();
    let exact = devices.iter().find(|device| device.name == wanted);
    let device = exact.or_else(|| {
        devices
            .iter()
            .find(|d| wanted.starts_with(&format!("{}-", d.name)))
    });
    device.ok_or_else(|| Error::UnknownDevice {
        name: name.to_string(),
        known: devices
            .iter()
            .map(|d| d.name.to_lowercase())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

impl Device {
    fn is_possible(&self) -> bool {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        self.lut > 0
            && self.dies > 0
            && positive(self.clock_mhz)
            && positive(self.ddr_gb_s)
            && positive(self.usable_lut)
            && self.usable_lut <= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_sound() {
        let devices = known();
        assert!(devices.iter().all(Device::is_possible));
        let zu3eg = find(&devices, "xczu3eg-sbva484-1-i").unwrap();
        assert_eq!((zu3eg.lut, zu3eg.bram36, zu3eg.dsp), (70_560, 216, 360));
    }

    #[test]
    fn an_unknown_device_names_the_known_ones() {
        let text = find(&known(), "xc7z030").unwrap_err().to_string();
        assert!(
            text.contains("xc7z030") && text.contains("xczu3eg"),
            "{text}"
        );
    }
}
