//! Layers of a network in programmable logic.
//!
//! | module | subject |
//! | --- | --- |
//! | [`qnn_mo`] | the published overlays that run one convolution after another, and their emulation |
//! | [`zdma`] | the chip's own DMA engine, which needs no logic |
//! | [`fallback`] | when the accelerator is used, reset, and given up for the CPU |

pub mod fallback;
pub mod qnn_mo;
pub mod zdma;
