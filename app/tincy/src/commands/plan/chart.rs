//! Charts of plans: the roofline, and rates over devices and precisions.

mod axis;
mod field;
mod roofline;
mod scaling;

pub(super) use roofline::roofline;
pub(super) use scaling::scaling;
