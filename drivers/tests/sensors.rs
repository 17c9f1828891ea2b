//! Sensors, memory, cameras and displays in fake trees.

use std::fs;
use tempfile::TempDir;
use tincy_drivers::Roots;
use tincy_drivers::memory::contiguous::{self, Buffer, Pool};
use tincy_drivers::node::{self, Connector, Video};
use tincy_drivers::sensor::{self, Reading, Unit};

fn tree(files: &[(&str, &str)]) -> (TempDir, Roots) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let roots = Roots::under(root.path());
    (root, roots)
}

#[test]
fn readings_have_their_units() {
    let (_root, roots) = tree(&[
        ("sys/class/hwmon/hwmon0/name", "ina226_u79\n"),
        ("sys/class/hwmon/hwmon0/power1_input", "5437500\n"),
        ("sys/class/hwmon/hwmon0/in1_input", "11987\n"),
        ("sys/class/hwmon/hwmon0/in1_label", "vbus\n"),
        ("sys/class/hwmon/hwmon0/curr1_input", "453\n"),
        ("sys/class/hwmon/hwmon0/power1_average", "1\n"),
        ("sys/class/hwmon/hwmon1/name", "broken\n"),
        ("sys/class/hwmon/hwmon1/temp1_input", "hot\n"),
        ("sys/bus/iio/devices/iio:device0/name", "xilinx-ams\n"),
        (
            "sys/bus/iio/devices/iio:device0/in_temp0_ps_temp_raw",
            "30000\n",
        ),
        (
            "sys/bus/iio/devices/iio:device0/in_temp0_ps_temp_offset",
            "-36058\n",
        ),
        (
            "sys/bus/iio/devices/iio:device0/in_temp0_ps_temp_scale",
            "-7.771514892\n",
        ),
        ("sys/bus/iio/devices/iio:device1/name", "other\n"),
        ("sys/bus/iio/devices/iio:device1/in_temp0_raw", "1\n"),
    ]);
    let readings = sensor::read(&roots).unwrap();
    let found = |unit: Unit| -> Vec<&Reading> {
        readings
            .iter()
            .filter(|reading| reading.unit == unit)
            .collect()
    };
    assert_eq!(readings.len(), 4, "{readings:?}");
    assert!((found(Unit::Watt)[0].value - 5.4375).abs() < 1e-9);
    assert!((found(Unit::Ampere)[0].value - 0.453).abs() < 1e-9);
    assert!((found(Unit::Volt)[0].value - 11.987).abs() < 1e-9);
    assert_eq!(found(Unit::Volt)[0].label, "vbus");
    // (30000 - 36058) * -7.7715 thousandths.
    assert!((found(Unit::Celsius)[0].value - 47.079837).abs() < 1e-5);
    assert_eq!(found(Unit::Celsius)[0].label, "temp0_ps_temp");
}

#[test]
fn clocks_are_those_of_groups_of_cores() {
    let (_root, roots) = tree(&[
        (
            "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq",
            "1199999\n",
        ),
        (
            "sys/devices/system/cpu/cpufreq/policy0/affected_cpus",
            "0 1 2 3\n",
        ),
        (
            "sys/devices/system/cpu/cpufreq/policy4/affected_cpus",
            "4\n",
        ),
    ]);
    let clock = Reading {
        chip: "cpu".into(),
        label: "0,1,2,3".into(),
        value: 1199.999,
        unit: Unit::Megahertz,
    };
    assert_eq!(sensor::clocks(&roots).unwrap(), [clock]);
    let (_root, bare) = tree(&[("proc/meminfo", "\n")]);
    assert!(sensor::clocks(&bare).unwrap().is_empty());
}

#[test]
fn contiguous_memory_is_counted_in_bytes() {
    let meminfo =
        "MemTotal: 2039800 kB\nCmaTotal:         262144 kB\nCmaFree:          250000 kB\n";
    let (_root, roots) = tree(&[
        ("proc/meminfo", meminfo),
        (
            "sys/firmware/devicetree/base/reserved-memory/accel@60000000/reg",
            "x",
        ),
        (
            "sys/firmware/devicetree/base/reserved-memory/name",
            "reserved-memory",
        ),
        ("sys/class/u-dma-buf/tincy-buf0/size", "8388608\n"),
        (
            "sys/class/u-dma-buf/tincy-buf0/phys_addr",
            "0x0000000060000000\n",
        ),
    ]);
    let pool = Pool {
        total: 262_144 << 10,
        free: 250_000 << 10,
    };
    assert_eq!(contiguous::pool(&roots), Some(pool));
    assert_eq!(contiguous::reserved(&roots).unwrap(), ["accel@60000000"]);
    let buffer = Buffer {
        name: "tincy-buf0".into(),
        size: 8 << 20,
        physical: 0x6000_0000,
    };
    assert_eq!(contiguous::buffers(&roots).unwrap(), [buffer]);
    let (_root, bare) = tree(&[("proc/meminfo", "MemTotal: 1 kB\n")]);
    assert_eq!(contiguous::pool(&bare), None);
    assert!(contiguous::buffers(&bare).unwrap().is_empty());
}

#[test]
fn cameras_and_displays_are_named() {
    let (_root, roots) = tree(&[
        ("sys/class/video4linux/video0/name", "UVC Camera\n"),
        ("sys/class/video4linux/v4l-subdev0/name", "sensor\n"),
        ("sys/class/drm/card0/dev", "226:0\n"),
        ("sys/class/drm/card0-DP-1/status", "connected\n"),
    ]);
    let video = Video {
        node: "video0".into(),
        name: "UVC Camera".into(),
    };
    assert_eq!(node::videos(&roots).unwrap(), [video]);
    let connector = Connector {
        name: "card0-DP-1".into(),
        status: "connected".into(),
    };
    assert_eq!(node::connectors(&roots).unwrap(), [connector]);
}
