//! Cameras of Video4Linux: what there is, what to ask of it, and frames that keep coming.
//!
//! | module | subject |
//! | --- | --- |
//! | [`fourcc`] | pixel formats by their four letters |
//! | [`format`](mod@format) | what a camera gives: size, rows, colours, frame intervals |
//! | [`kernel`] | the kernel's calls, behind traits that a fake device implements as well |
//! | [`video4linux`] | those calls on device nodes, by either of the kernel's interfaces |
//! | [`listing`] | which cameras there are and what each offers |
//! | [`choice`] | the mode that suits a wish best |
//! | `setup` | setting a camera's mode, and starting it |
//! | [`stream`] | the queue of buffers: the newest frame wins |
//! | [`counts`] | what happened to frames |
//! | `live` | a camera that survives time-outs, damage and being unplugged |
//! | `absence` | what to do where there is none |
//!
//! ```no_run
//! use std::sync::atomic::{AtomicBool, Ordering};
//! use tincy_drivers::camera::{Camera, Request};
//!
//! let stop = AtomicBool::new(false);
//! let mut camera = Camera::open(&Request::default())?;
//! while let Some(frame) = camera.next(&|| stop.load(Ordering::Relaxed))? {
//!     let format = frame.format();
//!     println!("{} {:?}: {} bytes", frame.sequence(), format.fourcc, frame.bytes().len());
//! } // each frame's buffer goes back to the driver when it is dropped
//! println!("{:?}", camera.counts());
//! # Ok::<(), tincy_drivers::Error>(())
//! ```
//!
//! A frame's bytes lie in the driver's memory, which may be uncached: read them once, from first to
//! last. With [`Memory::Heap`] they lie in memory that the CPU reads through its caches. JPEGs are looked
//! at, not decoded: their first bytes and what the driver says about them. Whoever decodes them finds the
//! damage that only decoding shows.

mod absence;
pub mod choice;
pub mod counts;
pub mod format;
pub mod fourcc;
pub mod kernel;
pub mod listing;
mod live;
mod setup;
pub mod stream;
pub mod video4linux;

pub use absence::Surroundings;
pub use choice::{Memory, Mode, Request};
pub use counts::Counts;
pub use format::{Format, Interval};
pub use fourcc::FourCc;
pub use listing::{Listing, list};
pub use live::{Camera, Captured};
pub use video4linux::Video4Linux;
