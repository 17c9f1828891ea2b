//! Everything that opens a device node, and the devices' emulation.
//!
//! A driver here is made of layers, each behind a trait that the real device and an emulated one
//! implement, so that all above it is tested on any machine:
//!
//! | module | subject |
//! | --- | --- |
//! | [`registers`] | 32-bit registers and interrupts: UIO, `/dev/mem`; maps of registers by name |
//! | [`memory`] | memory that a device reads and writes: u-dma-buf, reserved memory, dma-heap, plain memory |
//! | [`display`] | screens without a desktop, by the kernel's mode setting |
//! | [`board`] | which board this is |
//! | [`fpga`] | the logic: bitstreams, loading, clocks, widths of ports |
//! | [`camera`] | cameras of Video4Linux: what there is, and frames that keep coming |
//! | [`connector`] | where displays can be plugged in |
//! | [`accelerator`] | the drivers of the overlays, their emulation, and when the CPU takes over |
//! | [`sensor`] | temperatures, voltages, power |
//! | [`cores`] | which CPU cores a thread runs on |
//! | [`node`] | cameras and displays that the kernel has |
//! | `sysfs` | attributes of the kernel's devices |
//! | `error` | what can be missing or fail, and what to do then |
//!
//! `unsafe` stands in `registers::window`, `memory::mapping`, `memory::barrier`, `memory::heap` and
//! `camera::video4linux` only.

#![deny(unsafe_code)]

pub mod accelerator;
pub mod board;
pub mod camera;
pub mod connector;
pub mod cores;
pub mod display;
mod error;
pub mod fpga;
pub mod memory;
pub mod node;
pub mod registers;
pub mod sensor;
mod sysfs;

pub use error::Error;
pub use sysfs::Roots;

/// What a driver's calls give.
pub type Result<T, E = Error> = std::result::Result<T, E>;
