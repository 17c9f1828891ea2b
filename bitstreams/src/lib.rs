//! Devices, overlays, and the cost models that say what fits and how fast it will run.
//!
//! A prediction here is only that. Each formula below says what it means, where it comes from and
//! when it fails; the constants stand in [`constants`] with their sources.
//!
//! # Two architectures
//!
//! *Dataflow* ([`dataflow`]): every layer has an engine of its own, all weights on chip, small
//! FIFOs between. The slowest engine sets the rate. *Layer by layer* ([`sequential`]): one engine
//! runs the layers in turn, maps and weights go through memory; what counts is the sum.
//!
//! # Symbols
//!
//! K kernel, S stride, N a map's width, C and C' input and output channels, W and A weight and
//! activation bits; P processing elements (output channels at once), Q inputs at once, M output
//! pixels at once.
//!
//! # Cycles
//!
//! The matrix unit takes `(K*K*C/Q) * (C'/P) * (N*N/M)` cycles a frame, each fold rounded up: exact
//! for engines without stalls (a simulated unit took that and 4 more). The window unit before it
//! takes `N_in*K + N*max(N*K*K/M, S*N_in)`: it cannot accept more than a pixel a cycle, so wide
//! maps with few channels are bound by it whatever P and Q are. `fps = clock / max(layers)`. Public
//! CNV bitstreams came within 0.6 % of it; the LFC network, which is bound by its input over DMA,
//! missed by 40 %: the formula knows nothing of the host.
//!
//! # LUTs
//!
//! FINN-R (TRETS 2018, equation 1): `300 + 1.1*M*P*Q*W*A` a matrix unit, `426*M` a window unit. It
//! counts *engines*: whole designs had 3.2 to 4.6 times as much, since thresholds, FIFOs, width
//! converters, DMA and the replay of a window are not in it. Ours for a whole design:
//! `2.28*M*P*Q*W*A + 82.4*M*Q*A*ceil(K*K*C/Q/64)`, fitted to seven published designs (error when left
//! out: 5 % median, 27 % worst). Ours for one engine: `1.70*P*Q*W*A + 25.6*P + 11.7*P*(2^A-1)`, fitted
//! to 73 synthesised units (rms 8 %). It fails for engines that were not built that way: products
//! in DSP slices, serial thresholds, or a vendor's three-input adders (which take fewer).
//!
//! # Memories
//!
//! Window (equation 4): `M*(ceil(K/S)+1) * ceil(S*N/512) * ceil(C*A/36)` blocks of 18 kbit. Weights
//! (equation 5) `P * ceil(omega/512) * ceil(Q*W/36)` with `omega = K*K*C*C'/(Q*P)`; it counts deep narrow
//! memories up to four times, so plans use the blocks' aspect ratios on one memory of `P*Q*W` bits.
//! UltraRAM: `ceil(P*Q*W/72) * ceil(omega/4096)`. Small memories may go to LUTs instead; then both
//! counts are off.
//!
//! # DSPs
//!
//! Products of at least 16 bit products may be made in DSP slices, two a slice (four if both factors
//! have at most 4 bits): the vendor's packings, not measured here.
//!
//! # Layer by layer
//!
//! The published overlay ([`overlay`]) reads and writes pixels of a fixed size and loads all its
//! weight memory before each pass: its cycles are the maximum of three loops plus the loading, and
//! 2,074,048 a frame of Tinier-YOLO. Memory time is bytes over 0.7 of the peak rate; each call
//! of the engine costs a fixed time that no document states ([`sequential::CALL_S`]). Published host
//! programs took 106 ms for what this predicts at 8 to 21: they cleared 8 MB byte by byte.

#![forbid(unsafe_code)]

pub mod constants;
pub mod cycles;
pub mod dataflow;
pub mod device;
mod error;
pub mod options;
pub mod overlay;
pub mod resources;
pub mod sequential;
pub mod work;

pub use error::Error;
