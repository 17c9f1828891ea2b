//! The sub-commands: each file has the arguments and what is done with them.

pub mod bench;
pub mod board;
pub mod compare;
pub mod detect;
pub mod devices;
pub mod eval;
pub mod import;
pub mod inspect;
pub mod models;
pub mod plan;
pub mod quantize;
pub mod replay;
pub mod run;
