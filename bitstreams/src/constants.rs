//! Every constant of the models, with its source. Nothing else in the crate carries a fitted number.

/// LUTs of a matrix unit beside its products: c0 of FINN-R's equation 1 (TRETS 2018, section 3.2).
pub const FINN_R_LUT_BASE: f64 = 300.0;

/// LUTs a product of one weight bit and one activation bit: c1 of the same equation.
pub const FINN_R_LUT_PER_BIT_PRODUCT: f64 = 1.1;

/// LUTs of a window unit for each pixel that it gives at once (FINN-R, fitted there).
pub const FINN_R_WINDOW_LUT: f64 = 426.0;

/// Words that a LUT holds when it is used as memory (UltraScale+ and 7 series: 64 x 1).
pub const LUT_RAM_DEPTH: u64 = 64;

/// LUTs a bit of a memory that is written at one address and read at another: the eight LUTs of a
/// slice hold seven bits, one of them serves the writing port (UG574).
pub const LUT_RAM_PER_BIT: f64 = 8.0 / 7.0;

/// LUTs of a *whole design* a bit product. Fitted, together with [`DESIGN_LUT_PER_REPLAY_BIT`], by
/// least squares on relative error to the seven published designs whose folding is public (CNV
/// W1A1, W1A2, W2A2; LFC W1A1, W1A2; the multi-layer engine W1A2, W1A3; vendor reports on a Z7020).
///
/// Left out one at a time, the model misses the point it has not seen by 5 % in the median and by
/// 27 % at worst; with the point's whole family left out, by 9 % and 24 %. Two terms out of some
/// dozen candidates were chosen on the same seven points, so a new design may well be further off:
/// plan with 30 %.
pub const DESIGN_LUT_PER_BIT_PRODUCT: f64 = 2.28;

/// LUTs of a whole design a bit of the buffer that holds a window while the output channels take
/// turns (`Q*A` bits wide, `K*K*C/Q` deep, in LUT RAM 64 deep): the memory, its addressing, and
/// what grows with the width of a stream (FIFOs, width converters, DMA).
pub const DESIGN_LUT_PER_REPLAY_BIT: f64 = 82.36;

/// LUT sites of one engine beside what the next three count. Fitted, with them, by least squares on
/// relative error to the 30 units of `rtl/counts.csv` with sums of 16 bits: our own
/// matrix-vector-threshold unit, synthesised by Yosys 0.23 (`scripts/synthesize-grid`).
pub const ENGINE_LUT_BASE: f64 = 127.9;

/// LUT sites of one engine a bit product, of the same fit.
pub const ENGINE_LUT_PER_BIT_PRODUCT: f64 = 1.781;

/// LUT sites of one engine an element, of the same fit: what its accumulator takes beside the adders.
pub const ENGINE_LUT_PER_ELEMENT: f64 = 7.30;

/// LUT sites of one engine a threshold of an element, of the same fit: all are compared at once, in
/// 16 bits.
pub const ENGINE_LUT_PER_THRESHOLD: f64 = 12.15;

/// Bit product from which a multiplier goes to a DSP slice when there are enough: a 4 x 4 product
/// costs 27 LUT sites and more.
pub const DSP_FROM_BIT_PRODUCT: u64 = 16;

/// Products of at most 8 bits a DSP48E2 makes a cycle: two that share a factor, by the vendor's
/// INT8 packing (white paper WP486).
pub const PRODUCTS_PER_DSP: u64 = 2;

/// Products of at most 4 bits a DSP48E2 makes a cycle, by the vendor's INT4 packing (WP521).
pub const SMALL_PRODUCTS_PER_DSP: u64 = 4;

/// Share of the memory's peak rate that long bursts reach.
pub const DDR_EFFICIENCY: f64 = 0.7;
