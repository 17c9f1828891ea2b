//! Temperatures, voltages and power, as the kernel's hwmon and IIO drivers give them, and the CPU's clocks
//! as cpufreq does.
//!
//! Numbers of folders change from boot to boot: sensors are told apart by their names. A board's
//! INA226 measures the whole board, not the logic.

use crate::{Result, Roots, sysfs};
use std::path::Path;

/// A reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Name of the chip.
    pub chip: String,
    /// What it measures there, if it says.
    pub label: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

/// What a reading is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Degrees Celsius.
    Celsius,
    /// Watts.
    Watt,
    /// Volts.
    Volt,
    /// Amperes.
    Ampere,
    /// Millions of cycles a second.
    Megahertz,
}

impl Unit {
    /// Its sign.
    pub fn sign(self) -> &'static str {
        match self {
            Unit::Celsius => "°C",
            Unit::Watt => "W",
            Unit::Volt => "V",
            Unit::Ampere => "A",
            Unit::Megahertz => "MHz",
        }
    }
}

/// An attribute's first letters, what one of it is, and its unit.
const KINDS: [(&str, f64, Unit); 4] = [
    ("temp", 1e-3, Unit::Celsius),
    ("power", 1e-6, Unit::Watt),
    ("curr", 1e-3, Unit::Ampere),
    ("in", 1e-3, Unit::Volt),
];

/// All readings that can be had now; a sensor that does not answer is left out.
///
/// # Errors
/// If a class cannot be listed.
pub fn read(roots: &Roots) -> Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for folder in sysfs::devices(&roots.sys.join("class/hwmon"))? {
        readings.extend(hwmon(&folder)?);
    }
    for folder in sysfs::devices(&roots.sys.join("bus/iio/devices"))? {
        if sysfs::optional(&folder.join("name")).as_deref() == Some("xilinx-ams") {
            readings.extend(iio(&folder)?);
        }
    }
    Ok(readings)
}

/// The CPU's clocks now, one for each group of cores that share one; none where cpufreq is not there.
///
/// # Errors
/// If they cannot be listed.
pub fn clocks(roots: &Roots) -> Result<Vec<Reading>> {
    let policies = sysfs::devices(&roots.sys.join("devices/system/cpu/cpufreq"))?;
    let clock = |policy: &std::path::PathBuf| {
        let kilohertz: f64 = sysfs::optional(&policy.join("scaling_cur_freq"))?
            .parse()
            .ok()?;
        let cores = sysfs::optional(&policy.join("affected_cpus")).unwrap_or_default();
        Some(Reading {
            chip: "cpu".into(),
            label: cores.replace(' ', ","),
            value: kilohertz * 1e-3,
            unit: Unit::Megahertz,
        })
    };
    Ok(policies.iter().filter_map(clock).collect())
}

fn hwmon(folder: &Path) -> Result<Vec<Reading>> {
    let chip = sysfs::optional(&folder.join("name")).unwrap_or_default();
    let reading = |path: &Path| {
        let attribute = sysfs::name(path);
        let channel = attribute.strip_suffix("_input")?;
        let letters = channel.trim_end_matches(|c: char| c.is_ascii_digit());
        let (_, one, unit) = KINDS.iter().find(|(name, _, _)| *name == letters)?;
        let value: f64 = sysfs::optional(path)?.parse().ok()?;
        let label = sysfs::optional(&folder.join(format!("{channel}_label")));
        Some(Reading {
            chip: chip.clone(),
            label: label.unwrap_or_default(),
            value: value * one,
            unit: *unit,
        })
    };
    let attributes = sysfs::devices(folder)?;
    Ok(attributes.iter().filter_map(|path| reading(path)).collect())
}

/// Temperatures of the chip's own monitor: `(raw + offset) * scale` thousandths of a degree.
fn iio(folder: &Path) -> Result<Vec<Reading>> {
    let reading = |path: &Path| {
        let attribute = sysfs::name(path);
        let channel = attribute
            .strip_suffix("_raw")
            .filter(|name| name.starts_with("in_temp"))?;
        let number = |ending: &str| -> Option<f64> {
            sysfs::optional(&folder.join(format!("{channel}_{ending}")))?
                .parse()
                .ok()
        };
        let value = (number("raw")? + number("offset").unwrap_or(0.0)) * number("scale")? / 1e3;
        let label = sysfs::optional(&folder.join(format!("{channel}_label")));
        Some(Reading {
            chip: "xilinx-ams".into(),
            label: label.unwrap_or_else(|| channel.trim_start_matches("in_").to_string()),
            value,
            unit: Unit::Celsius,
        })
    };
    let attributes = sysfs::devices(folder)?;
    Ok(attributes.iter().filter_map(|path| reading(path)).collect())
}
