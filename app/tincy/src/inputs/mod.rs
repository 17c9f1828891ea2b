//! Which inputs a command works on: files, folders, patterns, lists, the standard input.
//!
//! | module | subject |
//! | --- | --- |
//! | [`expand`] | arguments to files |
//! | [`pattern`] | `*`, `?`, `[a-z]` and `**` in names |
//! | [`shard`] | every N-th input, to spread work over machines |

pub mod expand;
pub mod pattern;
pub mod shard;

pub use expand::{Input, InputArgs};
pub use shard::Shard;
pub use tincy_dataset::picture::{Kind, kind};
