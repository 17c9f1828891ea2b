//! The kernels, by method. Each module makes boxed [`Kernel`](crate::kernel::Kernel)s; the plan
//! picks.

mod activate;
pub mod elementwise;
pub mod first8;
pub mod float;
pub mod integer;
pub mod lowbit;
pub mod movement;
pub mod pool;
pub mod reference;
pub mod resize;
pub mod sparse;
#[cfg(test)]
pub(crate) mod tester;
