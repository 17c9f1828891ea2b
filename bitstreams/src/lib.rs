//! Devices, overlays, and the cost models that say what fits and how fast it will run.
//!
//! A prediction here is only that. Each formula below says what it means, where it comes from, how
//! far it was off, and when it fails; the constants stand in [`constants`] with their sources.
//! `cargo run -p tincy-bitstreams --example published` prints every published point beside the
//! prediction ([`comparison`]); `scripts/synthesize-grid` counts LUTs again. A test holds both to the
//! figures that are given here.
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
//! The matrix unit takes `(K*K*C/Q) * (C'/P) * (N*N/M)` cycles a frame, each fold rounded up: one
//! product of each lane a cycle, without stalls. Our own unit (`rtl/`) takes that and 4 more in
//! simulation. The window unit before it takes `N_in*K + N*max(N*K*K/M, S*N_in)`: it cannot accept more
//! than a pixel a cycle, so wide maps with few channels are bound by it whatever P and Q are. A pool
//! takes `N*N/M`, never more than the matrix unit before it.
//! `fps = clock / max(layers)` (FINN-R, TRETS 2018; the public generators).
//!
//! An independent implementation gives the same cycles for every layer. Public CNV bitstreams ran
//! within 0.6 % of the rate; their clock is not stated and was inferred from one of them, so the
//! ratio of the other two is the test (0.9 % off). It fails where the host is the bottleneck: LFC
//! over DMA had 39 % fewer frames than predicted. The time of one frame is taken as the sum of all
//! layers' cycles: 37 to 42 % too long for CNV, since layers overlap.
//!
//! # LUTs
//!
//! FINN-R's equation 1: `300 + 1.1*M*P*Q*W*A` a matrix unit, `426*M` a window unit. It counts *engines*.
//! Whole designs have thresholds, FIFOs, width converters, DMA and the buffers that replay a window
//! besides: of eight vendor reports it is 74 % short in the median and 88 % at worst.
//!
//! Ours for a *whole design*: `2.28*M*P*Q*W*A + 82.4*M*Q*A*ceil(K*K*C/Q/64)`, fitted to seven published
//! designs on a Z7020 ([`published`]). Each left out of the fit in turn, the error is 5 % in the
//! median and 27 % at worst; with its whole family left out 9 % and 24 %. On six designs of 2017 on
//! another device, whose folding is not public and which the search folded for their published rate,
//! it is off by 22 % in the median and 59 % at worst: too low nearly always, and worst for the
//! smallest, since no term stands for what every design has. It fails for long windows in narrow
//! engines too: 4608 inputs of 3 bits get 17,800 LUTs to replay them, where block RAM would serve.
//!
//! Ours for *one engine* with its thresholds: `128 + 1.78*P*Q*W*A + 7.3*P + 12.2*P*(2^A-1)` LUT sites,
//! fitted to 30 units that Yosys synthesised (`rtl/counts.csv`, W1A1 to W4A4, 16-bit sums): 2.9 % off
//! in the median, 10.3 % at worst; left out in turn 3.3 % and 19.9 %. FINN-R's formula is 47 % short
//! there in the median, 88 % at worst, because thresholds grow with `2^A`. It fails for wider sums: 24
//! bits at W8A8 took a third more sites than it says (26 % short), thresholds being compared in full
//! width. And it knows nothing of engines built otherwise: products in DSP slices, thresholds
//! searched one after another, a vendor's three-input adders (which take fewer LUTs than Yosys').
//!
//! # Memories
//!
//! Window (equation 4): `M*(ceil(K/S)+1) * ceil(S*N/512) * ceil(C*A/36)` blocks of 18 kbit. Weights
//! (equation 5) `P * ceil(omega/512) * ceil(Q*W/36)` with `omega = K*K*C*C'/(Q*P)`; it counts deep narrow
//! memories up to four times, so plans use the blocks' aspect ratios on one memory of `P*Q*W` bits.
//! Eight reports are met within 20 % in the median, 36 % at worst. UltraRAM:
//! `ceil(P*Q*W/72) * ceil(omega/4096)`. It fails for memories that a tool puts into LUTs: SFC-max had 4.5
//! blocks where wide shallow memories make 291 here. Narrow maps of many channels (13 x 13 x 512)
//! waste most of each block in equation 4, so that a plan may keep a window in LUTs instead:
//! `8/7 * M*C*A * ceil((ceil(K/S)+1)*S*N/64)`, which no published design was compared with.
//!
//! # DSPs
//!
//! Products of at least 16 bit products may be made in DSP slices, two a slice (four if both factors
//! have at most 4 bits): the vendor's packings, not measured here.
//!
//! # Layer by layer
//!
//! The published overlay ([`overlay`]) reads and writes pixels of a fixed size and loads all its
//! weight memory before each pass: its cycles are the maximum of three loops plus the loading, for
//! Tinier-YOLO 1,654,848 of the matrix unit and 2,074,048 a frame. Memory time is bytes over 0.7 of
//! the peak rate; each call of the engine costs a fixed time that no document states
//! ([`sequential::CALL_S`]). Published host programs took 106 ms for what this predicts at 8.7: they
//! cleared 8 MB byte by byte.
//!
//! # The search
//!
//! For an interval every layer takes one of its foldings within it, so that the sum of the shares of
//! LUTs, block RAMs, UltraRAMs and DSPs is least and the engines find room on the dies in the order of
//! the stream. Branch and bound tries every combination or rules it out; a plan says so
//! ([`Dataflow::exhaustive`](dataflow::Dataflow::exhaustive)). Where that takes too long it is cut off,
//! with the published greedy search's best candidate in hand: a plan is never slower than that, nor
//! dearer at its rate.

#![forbid(unsafe_code)]

pub mod board;
pub mod budget;
mod cheapest;
pub mod comparison;
pub mod constants;
pub mod cycles;
pub mod dataflow;
pub mod device;
mod error;
pub mod fit;
pub mod greedy;
pub mod idcode;
pub mod options;
pub mod overlay;
pub mod points;
pub mod published;
pub mod resources;
pub mod sequential;
pub mod work;

pub use error::Error;

/// The registers of a channel of the chip's own DMA engine, by name.
pub const ZDMA_REGISTERS: &str = include_str!("../ps/zdma.json");
