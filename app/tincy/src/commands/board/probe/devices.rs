//! What drivers made available: the accelerator, cameras, displays, sensors.

use super::finding::Finding;
use super::memory;
use tincy_drivers::Roots;
use tincy_drivers::board::ACCELERATOR;
use tincy_drivers::node::{self, Connector, Video};
use tincy_drivers::registers::uio::Device;
use tincy_drivers::sensor::{self, Reading, Unit};

/// What lets others than root open a UIO device.
const RULE: &str =
    "run as root, or give udev the rule SUBSYSTEM==\"uio\", GROUP=\"tincy\", MODE=\"0660\"";

pub(super) fn findings(roots: &Roots) -> Vec<Finding> {
    let mut findings = accelerator(roots);
    findings.push(cameras(roots));
    findings.push(displays(roots));
    findings.push(sensors(roots));
    findings
}

fn accelerator(roots: &Roots) -> Vec<Finding> {
    let devices = match Device::all(roots) {
        Ok(devices) => devices,
        Err(error) => return vec![Finding::error("accelerator", &error)],
    };
    let ours = Device::find(roots, ACCELERATOR);
    let found = match &ours {
        Ok(device) => opened(device),
        Err(error) => Finding::error("accelerator", error),
    };
    let others = devices.iter().filter(|device| match &ours {
        Ok(ours) => ours.node() != device.node(),
        Err(_) => true,
    });
    let others = others.map(|device| Finding::ok("uio", described(device)));
    [found].into_iter().chain(others).collect()
}

/// Opening a node touches no register.
fn opened(device: &Device) -> Finding {
    match memory::opens(device.node()) {
        Ok(_) => Finding::ok("accelerator", described(device)),
        Err(error) => Finding::missing(
            "accelerator",
            format!("{}: {error}", described(device)),
            RULE,
        ),
    }
}

fn described(device: &Device) -> String {
    let regions = (0..).map_while(|index| device.region(index).ok());
    let regions: Vec<_> = regions
        .map(|region| format!("{:#x} bytes at {:#x}", region.size, region.physical))
        .collect();
    let interrupt = match device.has_interrupt() {
        Some(true) => "interrupt",
        Some(false) => "no interrupt, polled",
        None => "interrupt unknown",
    };
    let node = device
        .node()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    format!(
        "{} ({node}): {}; {interrupt}",
        device.name(),
        regions.join(", ")
    )
}

fn cameras(roots: &Roots) -> Finding {
    match node::videos(roots) {
        Ok(videos) if videos.is_empty() => Finding::missing(
            "camera",
            "no /dev/video*",
            "plug in a USB camera; `modprobe uvcvideo` (CONFIG_USB_VIDEO_CLASS) if it does not appear",
        ),
        Ok(videos) => {
            let shown = videos
                .iter()
                .map(|Video { node, name }| format!("{node} ({name})"));
            Finding::ok("camera", shown.collect::<Vec<_>>().join(", "))
        }
        Err(error) => Finding::error("camera", &error),
    }
}

fn displays(roots: &Roots) -> Finding {
    match node::connectors(roots) {
        Ok(connectors) if connectors.is_empty() => Finding::missing(
            "display",
            "no connector in /sys/class/drm",
            "a kernel with CONFIG_DRM_ZYNQMP_DPSUB, for the board's DisplayPort; not needed for files",
        ),
        Ok(connectors) => {
            let shown = connectors
                .iter()
                .map(|Connector { name, status }| format!("{name} {status}"));
            Finding::ok("display", shown.collect::<Vec<_>>().join(", "))
        }
        Err(error) => Finding::error("display", &error),
    }
}

/// Power and temperatures; voltages and currents are left to `sensors`.
fn sensors(roots: &Roots) -> Finding {
    let readings = match sensor::read(roots) {
        Ok(readings) => readings,
        Err(error) => return Finding::error("sensors", &error),
    };
    let told = readings
        .iter()
        .filter(|one| matches!(one.unit, Unit::Watt | Unit::Celsius));
    let shown: Vec<_> = told.map(reading).collect();
    match shown.is_empty() {
        true => Finding::missing(
            "sensors",
            "neither power nor temperature in /sys/class/hwmon",
            "a kernel with CONFIG_SENSORS_INA2XX and CONFIG_XILINX_AMS; nothing needs it",
        ),
        false => Finding::ok("sensors", shown.join(", ")),
    }
}

fn reading(reading: &Reading) -> String {
    let Reading {
        chip,
        label,
        value,
        unit,
    } = reading;
    let gap = if label.is_empty() { "" } else { " " };
    format!("{chip}{gap}{label} {value:.1} {}", unit.sign())
}
