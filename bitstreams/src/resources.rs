//! LUTs, memories and DSPs of the units, by the published formulae and by ours.

use crate::constants as c;
use crate::cycles::Folding;
use crate::work::Work;
use serde::Serialize;

/// What a design takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Resources {
    /// Six-input look-up tables.
    pub lut: f64,
    /// 36-kbit block RAMs.
    pub bram36: f64,
    /// UltraRAMs.
    pub uram: f64,
    /// DSP slices.
    pub dsp: f64,
}

impl std::ops::Add for Resources {
    type Output = Resources;

    fn add(self, other: Resources) -> Resources {
        Resources {
            lut: self.lut + other.lut,
            bram36: self.bram36 + other.bram36,
            uram: self.uram + other.uram,
            dsp: self.dsp + other.dsp,
        }
    }
}

/// FINN-R's LUTs of one layer (section 3.2, equation 1): `300 + 1.1*M*P*Q*W*A` for the matrix unit,
/// `426*M` for the window unit. Engines only.
pub fn lut_finn_r(work: &Work, folding: Folding) -> f64 {
    let window = if work.has_window_unit() {
        c::FINN_R_WINDOW_LUT * folding.pixels as f64
    } else {
        0.0
    };
    let matrix = c::FINN_R_LUT_BASE
        + c::FINN_R_LUT_PER_BIT_PRODUCT
            * folding.pixels as f64
            * folding.pe as f64
            * folding.simd as f64
            * work.weight_bits as f64
            * work.input_bits as f64;
    (matrix + window) * work.groups as f64
}

/// The estimator of the open-source FINN of 2018: `2*P*Q*M*W*A`, an accumulator and counters.
pub fn lut_finn_2018(work: &Work, folding: Folding) -> f64 {
    let log2 = |n: u64| (n as f64).log2();
    let (w, a) = (work.weight_bits as f64, work.input_bits as f64);
    let products = 2.0 * folding.products() as f64;
    let lut = products * a * w
        + w
        + a
        + log2(work.inputs)
        + 2.0 * log2(work.kernel)
        + 2.0 * log2(work.inputs)
        + log2(work.outputs);
    lut * work.groups as f64
}

/// Today's FINN: multipliers, adder tree, accumulator and thresholds in LUTs, times 1.1, plus 300;
/// `426` for a window unit. `output_bits` of 0 leaves thresholds out.
pub fn lut_finn_now(work: &Work, folding: Folding, output_bits: u64, accumulator_bits: u64) -> u64 {
    let (w, a, q) = (work.weight_bits, work.input_bits, folding.simd);
    let multipliers = q * (2 * (w + a).div_ceil(6) - 1) * (w + a);
    let tree = (w + a) * (2 * q - 1);
    let depth = work.outputs.div_ceil(folding.pe);
    let thresholds = ((1 << output_bits) - 1) * accumulator_bits * (depth.div_ceil(64) + 1);
    let element = multipliers + tree + accumulator_bits + thresholds;
    let matrix = 300.0 + 1.1 * folding.pe as f64 * element as f64;
    matrix as u64 + if work.has_window_unit() { 426 } else { 0 }
}

/// What the two constants of [`lut_design`] are multiplied with: bit products, and bits of LUT RAM
/// (64 deep) of the buffer that replays a window.
pub fn design_terms(work: &Work, folding: Folding) -> [f64; 2] {
    let folds = work.window().div_ceil(folding.simd);
    let columns = folding.simd * folding.pixels * work.input_bits * work.groups;
    [
        bit_products(work, folding),
        columns * folds.div_ceil(c::LUT_RAM_DEPTH),
    ]
    .map(|term| term as f64)
}

/// Products of one weight bit and one activation bit that a layer's engine makes a cycle.
fn bit_products(work: &Work, folding: Folding) -> u64 {
    folding.products() * work.weight_bits * work.input_bits * work.groups
}

/// Our LUTs of a whole design around one layer's engine: products and the buffer that replays a
/// window, with everything that a design has beside its engines in the two constants. See
/// [`constants`](crate::constants) for the fit and its error.
pub fn lut_design(work: &Work, folding: Folding) -> f64 {
    let [products, replay] = design_terms(work, folding);
    c::DESIGN_LUT_PER_BIT_PRODUCT * products + c::DESIGN_LUT_PER_REPLAY_BIT * replay
}

/// What the four constants of [`lut_engine`] are multiplied with: engines, bit products, elements,
/// and thresholds that are compared in parallel.
pub fn engine_terms(work: &Work, folding: Folding) -> [f64; 4] {
    let elements = folding.pe * folding.pixels * work.groups;
    let steps = if work.thresholds { work.steps() } else { 0 };
    let products = bit_products(work, folding);
    [work.groups, products, elements, elements * steps].map(|term| term as f64)
}

/// Our LUTs of one engine: products, one accumulator an element, parallel thresholds; fitted to
/// synthesised units.
pub fn lut_engine(work: &Work, folding: Folding) -> f64 {
    let [engines, products, elements, steps] = engine_terms(work, folding);
    c::ENGINE_LUT_BASE * engines
        + c::ENGINE_LUT_PER_BIT_PRODUCT * products
        + c::ENGINE_LUT_PER_ELEMENT * elements
        + c::ENGINE_LUT_PER_THRESHOLD * steps
}

/// FINN-R's 18-kbit block RAMs of the window unit (equation 4):
/// `M * (ceil(K/S) + 1) * ceil(S*N/512) * ceil(C*A/36)`.
pub fn window_bram18(work: &Work, folding: Folding) -> u64 {
    if !work.has_window_unit() {
        return 0;
    }
    folding.pixels
        * (work.kernel.div_ceil(work.stride) + 1)
        * (work.stride * work.in_size[1]).div_ceil(512)
        * (work.inputs * work.input_bits).div_ceil(36)
        * work.groups
}

/// LUTs of the same rows as memories of LUTs, 64 words deep and 7 bits in 8 LUTs (one port writes,
/// another reads): `M * 8/7 * C*A * ceil((ceil(K/S) + 1) * S*N / 64)`. Our own count, not measured.
pub fn window_lut(work: &Work, folding: Folding) -> f64 {
    if !work.has_window_unit() {
        return 0.0;
    }
    let words = (work.kernel.div_ceil(work.stride) + 1) * work.stride * work.in_size[1];
    let columns = folding.pixels * work.inputs * work.input_bits * work.groups;
    (columns * words.div_ceil(c::LUT_RAM_DEPTH)) as f64 * c::LUT_RAM_PER_BIT
}

/// FINN-R's 18-kbit block RAMs of the weights (equation 5): `P * ceil(omega/512) * ceil(Q*W/36)`,
/// `omega = K*K*C*C' / (Q*P)`. Counts too many for deep, narrow memories.
pub fn weight_bram18_finn_r(work: &Work, folding: Folding) -> u64 {
    let words = (work.window() * work.outputs).div_ceil(folding.simd * folding.pe);
    folding.pe * words.div_ceil(512) * (folding.simd * work.weight_bits).div_ceil(36) * work.groups
}

/// 18-kbit block RAMs of the weights as one memory `P*Q*W` bits wide, by the aspect ratios that a
/// block has: what today's FINN counts.
pub fn weight_bram18(work: &Work, folding: Folding) -> u64 {
    let width = folding.simd * work.weight_bits * folding.pe;
    let depth = (work.window() * work.outputs).div_ceil(folding.simd * folding.pe);
    bram18(width, depth) * work.groups
}

/// 18-kbit block RAMs of a `width` x `depth` memory.
pub fn bram18(width: u64, depth: u64) -> u64 {
    let blocks = |bits: u64, words: u64| depth.div_ceil(words) * width.div_ceil(bits);
    match (width, depth) {
        (1, _) => depth.div_ceil(16_384),
        (2, _) => depth.div_ceil(8_192),
        (..=4, _) => blocks(4, 4_096),
        (..=9, _) => blocks(9, 2_048),
        (..=18, _) | (_, 513..) => blocks(18, 1_024),
        _ => blocks(36, 512),
    }
}

/// UltraRAMs of the weights: `ceil(P*Q*W / 72) * ceil(omega / 4096)`.
pub fn weight_uram(work: &Work, folding: Folding) -> u64 {
    let width = folding.pe * folding.simd * work.weight_bits;
    let depth = (work.window() * work.outputs).div_ceil(folding.simd * folding.pe);
    width.div_ceil(72) * depth.div_ceil(4_096) * work.groups
}
