//! The published files, which lie beside the project, and an emulated core to run them on.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use tincy_bitstreams::overlay::{Overlay, QNN_MO_REGISTERS};
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::{Polling, Program, QnnMo};
use tincy_drivers::memory::plain::Plain;
use tincy_drivers::registers::RegisterMap;

/// Where the emulated memory is: anywhere but at zero.
pub(crate) const PHYSICAL: u64 = 0x6000_0000;

/// What the core reaches on an Ultra96.
pub(crate) const BELOW: u64 = 0x8000_0000;

/// A folder of the shared data, or `None`, said aloud, where it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: needs ../shared/{name}");
    None
}

pub(crate) fn registers() -> RegisterMap {
    RegisterMap::parse(QNN_MO_REGISTERS).expect("a sound map")
}

/// A driver of an emulated core, and a handle of the core.
pub(crate) fn emulated(
    overlay: &Overlay,
    program: Program,
    polling: Polling,
) -> (QnnMo<Emulator, Plain>, Emulator) {
    let memory = Plain::new(PHYSICAL, program.bytes());
    let core = Emulator::new(overlay, &registers(), memory.bus()).expect("a sound map");
    let line = core.clone();
    let driver = QnnMo::new(core.clone(), &registers(), memory, BELOW, program, polling)
        .expect("memory that serves")
        .with_reset(Box::new(move || {
            line.reset();
            Ok(())
        }));
    (driver, core)
}

/// Codes of `bits` bits, `channels` a pixel, each pixel in `pixel_bytes` whole bytes.
pub(crate) fn unpack(bytes: &[u8], bits: usize, channels: usize, pixel_bytes: usize) -> Vec<u8> {
    let code = |pixel: &[u8], channel: usize| -> u8 {
        let bit = |i: usize| pixel[i / 8] >> (i % 8) & 1;
        (0..bits).map(|b| bit(channel * bits + b) << b).sum()
    };
    let pixels = bytes.chunks_exact(pixel_bytes);
    pixels
        .flat_map(|pixel| (0..channels).map(|c| code(pixel, c)).collect::<Vec<_>>())
        .collect()
}

/// A square map whose x and y are exchanged.
pub(crate) fn transpose(map: &[u8], channels: usize) -> Vec<u8> {
    let side = (map.len() / channels).isqrt();
    let pixels = (0..side * side).map(|pixel| pixel % side * side + pixel / side);
    pixels
        .flat_map(|pixel| map[pixel * channels..][..channels].to_vec())
        .collect()
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
