//! Networks that have a name of their own.
//!
//! | module | subject |
//! | --- | --- |
//! | [`tincy_yolo`] | the low-bit detector for programmable logic and look-up kernels |

pub mod tincy_yolo;
