//! The foldings that a layer can have, and the best of them for a given time.

use crate::budget::Budget;
use crate::cycles::{self, Folding};
use crate::resources::{self, Resources};
use crate::work::Work;
use crate::{constants as c, device::Device};
use serde::Serialize;

/// Where the products are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Multiplier {
    /// In look-up tables.
    Lut,
    /// In DSP slices.
    Dsp,
}

/// Where weights or windows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Memory {
    /// Block RAM.
    Bram,
    /// UltraRAM.
    Uram,
    /// Look-up tables; for windows alone.
    Lut,
}

/// One way to build a layer's engine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The unrolling.
    pub folding: Folding,
    /// Where products are made.
    pub multiplier: Multiplier,
    /// Where weights lie.
    pub memory: Memory,
    /// Where the window unit keeps its rows.
    pub window: Memory,
    /// Cycles a frame.
    pub cycles: u64,
    /// What it takes.
    pub resources: Resources,
}

/// Most output pixels at once; beyond it the window memory is what is bought.
const MAX_PIXELS: u64 = 64;

/// Every way to build a layer on one die of a device that is not worse in all respects than another,
/// slowest first. Exhaustive over the divisors that the generators allow: P of C', Q of C (beyond C, whole
/// kernel columns are not unrolled), M of the output width once P and Q are full.
pub fn choices(work: &Work, device: &Device) -> Vec<Choice> {
    let budget = Budget::of(device);
    let mut all = Vec::new();
    for folding in foldings(work) {
        for multiplier in multipliers(work, device) {
            for memory in memories(device) {
                for window in windows(work) {
                    all.push(choice(work, folding, multiplier, [*memory, *window]));
                }
            }
        }
    }
    all.retain(|choice| budget.fits_die(&choice.resources));
    undominated(all)
}

fn foldings(work: &Work) -> Vec<Folding> {
    let mut list = Vec::new();
    for pe in divisors(work.outputs) {
        for simd in divisors(work.inputs) {
            list.push(Folding {
                pe,
                simd,
                pixels: 1,
            });
        }
    }
    let full = Folding {
        pe: work.outputs,
        simd: work.inputs,
        pixels: 1,
    };
    let widths = divisors(work.out_size[1])
        .into_iter()
        .filter(|m| (2..=MAX_PIXELS).contains(m));
    list.extend(widths.map(|pixels| Folding { pixels, ..full }));
    list
}

fn multipliers(work: &Work, device: &Device) -> Vec<Multiplier> {
    let large = work.weight_bits * work.input_bits >= c::DSP_FROM_BIT_PRODUCT;
    if large && device.dsp > 0 {
        vec![Multiplier::Lut, Multiplier::Dsp]
    } else {
        vec![Multiplier::Lut]
    }
}

fn memories(device: &Device) -> &'static [Memory] {
    match device.uram {
        0 => &[Memory::Bram],
        _ => &[Memory::Bram, Memory::Uram],
    }
}

fn windows(work: &Work) -> &'static [Memory] {
    match work.has_window_unit() {
        true => &[Memory::Bram, Memory::Lut],
        false => &[Memory::Bram],
    }
}

/// The divisors of `n`, rising.
pub fn divisors(n: u64) -> Vec<u64> {
    (1..=n).filter(|d| n.is_multiple_of(*d)).collect()
}

/// A layer's engine with its cycles and resources, by the whole-design model; `memory` and `window`
/// are where its weights and its window lie.
pub fn choice(
    work: &Work,
    folding: Folding,
    multiplier: Multiplier,
    [memory, window]: [Memory; 2],
) -> Choice {
    let mut resources = Resources {
        lut: resources::lut_design(work, folding),
        ..Resources::default()
    };
    match window {
        Memory::Lut => resources.lut += resources::window_lut(work, folding),
        _ => resources.bram36 += resources::window_bram18(work, folding) as f64 / 2.0,
    }
    if multiplier == Multiplier::Dsp {
        let products = (folding.products() * work.groups) as f64;
        let bits = products * (work.weight_bits * work.input_bits) as f64;
        resources.lut -= c::DESIGN_LUT_PER_BIT_PRODUCT * bits;
        resources.dsp = (products / products_per_dsp(work) as f64).ceil();
    }
    match memory {
        Memory::Uram => resources.uram += resources::weight_uram(work, folding) as f64,
        _ => resources.bram36 += resources::weight_bram18(work, folding) as f64 / 2.0,
    }
    Choice {
        folding,
        multiplier,
        memory,
        window,
        cycles: cycles::layer(work, folding),
        resources,
    }
}

fn products_per_dsp(work: &Work) -> u64 {
    if work.weight_bits.max(work.input_bits) <= 4 {
        c::SMALL_PRODUCTS_PER_DSP
    } else {
        c::PRODUCTS_PER_DSP
    }
}

fn undominated(mut all: Vec<Choice>) -> Vec<Choice> {
    all.sort_by(|a, b| {
        b.cycles
            .cmp(&a.cycles)
            .then(a.resources.lut.total_cmp(&b.resources.lut))
    });
    let no_worse = |a: &Choice, b: &Choice| {
        let (x, y) = (&a.resources, &b.resources);
        a.cycles <= b.cycles
            && x.lut <= y.lut
            && x.bram36 <= y.bram36
            && x.uram <= y.uram
            && x.dsp <= y.dsp
    };
    let mut kept: Vec<Choice> = Vec::new();
    for choice in all {
        if !kept.iter().any(|other| no_worse(other, &choice)) {
            kept.retain(|other| !no_worse(&choice, other));
            kept.push(choice);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_rise() {
        assert_eq!(divisors(12), [1, 2, 3, 4, 6, 12]);
        assert_eq!(divisors(13), [1, 13]);
    }
}
