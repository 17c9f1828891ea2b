//! Runs a network on the CPU.
//!
//! [`Plan::new`] chooses a kernel for each layer, re-packs the weights for it and lays out the
//! memory; a [`Session`] runs the plan. A plan is shared, a session belongs to a thread.
//!
//! | module | subject |
//! | --- | --- |
//! | [`options`] | threads, backend and what else a plan is made by |
//! | [`plan`] | kernels in order, and where maps lie |
//! | [`session`] | a plan with memory and threads of its own |
//! | [`offload`] | layers that something else computes |
//! | [`tensor`] | views of maps, and the aligned memory they lie in |
//! | [`kernel`] | what a kernel is |
//! | [`kernels`] | the kernels, by method |
//! | [`team`] | the threads that share one frame's work |
//! | [`isa`] | proofs that the CPU has an instruction set |

#![deny(unsafe_code)]

mod error;
pub mod isa;
pub mod kernel;
pub mod kernels;
pub mod offload;
pub mod options;
mod parts;
pub mod plan;
pub mod session;
pub mod team;
pub mod tensor;

pub use error::Error;
pub use offload::Offload;
pub use options::{Backend, Options};
pub use plan::Plan;
pub use session::Session;
