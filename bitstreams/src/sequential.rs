//! One engine for all layers, which run one after another: time from cycles, memory and calls.

use crate::device::Device;
use crate::overlay::{Overlay, Pass};
use crate::work::Work;
use crate::{Error, constants as c};
use serde::Serialize;

/// Time of one layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerTime {
    /// Cycles, or nothing where the layer runs on the CPU.
    pub pass: Pass,
    /// Bytes that go through memory: input, output, weights.
    pub bytes: u64,
    /// Seconds that the engine computes.
    pub compute_s: f64,
    /// Seconds that the memory needs for the bytes.
    pub memory_s: f64,
    /// What decides: `compute`, `memory in`, `memory out`, `weights`, `DDR` or `calls`.
    pub bound: &'static str,
}

/// A frame on an overlay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sequential {
    /// One a layer.
    pub layers: Vec<LayerTime>,
    /// Cycles of a frame.
    pub cycles: u64,
    /// Milliseconds of a frame, calls included.
    pub frame_ms: f64,
    /// Frames a second of the logic alone.
    pub fps: f64,
}

/// Time of a call of the engine by the host: register writes and the interrupt. A guess to be
/// replaced by a measurement on a board.
pub const CALL_S: f64 = 20e-6;

/// Plans the layers of a network on an overlay.
///
/// # Errors
/// If a layer cannot run on it: which, and why.
pub fn plan(
    overlay: &Overlay,
    works: &[Work],
    device: &Device,
    clock_mhz: f64,
) -> Result<Sequential, Error> {
    let mut layers = Vec::new();
    for work in works {
        if let Some(what) = overlay.obstacle(work) {
            let what = format!("{} has no engine for it: {what}", overlay.name);
            return Err(Error::Unsupported {
                layer: work.name.clone(),
                what,
            });
        }
        layers.push(layer(overlay, work, device, clock_mhz));
    }
    let cycles = layers.iter().map(|layer| layer.pass.cycles()).sum();
    let calls: u64 = layers.iter().map(|layer| 2 * layer.pass.passes).sum();
    let seconds: f64 = layers
        .iter()
        .map(|layer| layer.compute_s.max(layer.memory_s))
        .sum();
    let frame_s = seconds + calls as f64 * CALL_S;
    Ok(Sequential {
        layers,
        cycles,
        frame_ms: frame_s * 1e3,
        fps: 1.0 / frame_s,
    })
}

fn layer(overlay: &Overlay, work: &Work, device: &Device, clock_mhz: f64) -> LayerTime {
    let pass = overlay.pass(work);
    // The engine's loops count words of one bus; weights come over all of them at once.
    let words = pass.read + pass.write + pass.init * overlay.weight_channels;
    let bytes = words * overlay.word_bytes;
    let compute_s = pass.cycles() as f64 / (clock_mhz * 1e6);
    let memory_s = bytes as f64 / (device.ddr_gb_s * 1e9 * c::DDR_EFFICIENCY);
    let calls_s = (2 * pass.passes) as f64 * CALL_S;
    let bound = match pass {
        _ if calls_s > compute_s.max(memory_s) => "calls",
        _ if memory_s > compute_s => "DDR",
        pass if pass.init > pass.slowest() => "weights",
        pass => pass.bound(),
    };
    LayerTime {
        pass,
        bytes,
        compute_s,
        memory_s,
        bound,
    }
}
