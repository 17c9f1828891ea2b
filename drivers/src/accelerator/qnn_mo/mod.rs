//! The published W1A2 and W1A3 overlays (Xilinx/QNN-MO-PYNQ), driven without the vendor's library.
//!
//! The logic is one core that computes one convolution with thresholds, and a max pool if one
//! follows, a start. Its weights and thresholds lie on the chip and are loaded before, by another
//! start. Layers, passes of at most `max_outputs` channels, and joining their results are the
//! driver's business; so is every check, because the core has none: dimensions that do not fit
//! together leave it waiting for good.
//!
//! | module | subject |
//! | --- | --- |
//! | [`geometry`] | a layer in the core's registers, and which layers it can run |
//! | [`weights`] | weights and thresholds as the core loads them |
//! | [`pixel`] | codes in the bytes of a pixel |
//! | [`program`] | the layers of a network as passes, and where everything lies in memory |
//! | [`control`] | the sequence of registers of a start, polled with a time-out |
//! | [`driver`] | a program on a core |
//! | [`emulator`] | a core without logic, and its faults |

pub mod control;
pub mod driver;
pub mod emulator;
pub mod geometry;
pub mod pixel;
pub mod program;
pub mod weights;

pub use control::Polling;
pub use driver::QnnMo;
pub use program::Program;
