//! Runs a network on the CPU.
//!
//! [`Plan::new`](plan) chooses a kernel for each layer, re-packs the weights for it and lays out
//! the memory; a session runs the plan. A plan is shared, a session belongs to a thread.
//!
//! | module | subject |
//! | --- | --- |
//! | [`tensor`] | views of maps, and the aligned memory they lie in |
//! | [`kernel`] | what a kernel is |
//! | [`kernels`] | the kernels, by method |
//! | [`team`] | the threads that share one frame's work |
//! | [`isa`] | proofs that the CPU has an instruction set |

#![deny(unsafe_code)]

pub mod isa;
pub mod kernel;
pub mod kernels;
pub mod team;
pub mod tensor;
