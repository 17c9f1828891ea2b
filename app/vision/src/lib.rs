//! Pixels to network input, network output to boxes, boxes to pixels. No files, no devices.

#![deny(unsafe_code)]

pub mod detection;
pub mod frame;

pub use detection::{Detection, Rect};
pub use frame::Frame;
