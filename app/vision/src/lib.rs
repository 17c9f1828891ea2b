//! Pixels to network input, network output to boxes, boxes to pixels. No files, no devices.
//!
//! | module | subject |
//! | --- | --- |
//! | [`frame`] | a picture in memory |
//! | [`raw`] | a picture as a camera gives it |
//! | [`letterbox`] | where a picture lies in the network's input |
//! | [`fitting`] | a picture made into the network's input |
//! | [`axis`] | the resampling rules |
//! | [`levels`] | the numbers that the network reads |
//! | [`decode`] | maps of numbers to boxes |
//! | [`nms`] | the best of overlapping boxes |
//! | [`filter`] | which boxes are wanted; all steps after the network in one call |
//! | [`detection`] | what was found |
//! | [`draw`] | boxes and labels on a picture |
//! | [`font`] | the letters of labels |
//! | [`colour`] | one colour a class |
//! | [`pixel`] | planar YUV to RGB |

#![deny(unsafe_code)]

pub mod axis;
mod canvas;
pub mod colour;
pub mod decode;
pub mod detection;
pub mod draw;
mod error;
mod fetch;
pub mod filter;
pub mod fitting;
pub mod font;
pub mod frame;
mod lanes;
pub mod letterbox;
pub mod levels;
pub mod nms;
pub mod pixel;
#[cfg(target_arch = "aarch64")]
mod pixel_neon;
pub mod raw;
mod resample;

pub use decode::{Candidate, Map};
pub use detection::{Detection, Rect};
pub use draw::{annotate, caption};
pub use error::Error;
pub use filter::{Filter, detections};
pub use fitting::Fitting;
pub use frame::Frame;
pub use raw::RawFrame;
