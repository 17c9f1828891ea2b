//! Charts of plans: the roofline, and rates over devices and precisions.

mod roofline;
mod scaling;

pub(super) use roofline::roofline;
pub(super) use scaling::scaling;
