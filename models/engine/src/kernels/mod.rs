//! The kernels, by method. Each module makes boxed [`Kernel`](crate::kernel::Kernel)s; the plan
//! picks.

pub mod float;
pub mod reference;
#[cfg(test)]
pub(crate) mod tester;
