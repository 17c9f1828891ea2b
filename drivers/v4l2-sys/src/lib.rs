//! Structures of the Linux kernel's Video4Linux interface, as far as the crate `v4l` 0.14 names
//! them: written by hand from the kernel's documentation (Userspace API, Media, Part I: Video for
//! Linux API, sections "Function Reference" and "Data Formats").
//!
//! The published crate of this name makes its structures with bindgen, which needs libclang. Names
//! that bindgen gives to unions without a name are kept, because `v4l` uses them.
//!
//! | module | subject |
//! | --- | --- |
//! | `device` | what a device is: capabilities, formats, frame sizes, frame intervals |
//! | `stream` | what is streamed: pixel formats, buffers, rates |
//! | `control` | controls: brightness, exposure and the like |
//! | `sizes` | structures of which only the size matters, as part of a request's number |
//!
//! Sizes and places are those of 64-bit Linux, equal on x86-64 and aarch64, and checked when this
//! is compiled.

#![no_std]
#![forbid(unsafe_code)]
#![allow(non_camel_case_types, non_upper_case_globals, reason = "as in C")]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the structures are those of 64-bit Linux");

mod control;
mod device;
mod sizes;
mod stream;

pub use control::*;
pub use device::*;
pub use sizes::*;
pub use stream::*;

/// Holds a structure to its size and the places of its fields, in bytes.
macro_rules! layout {
    ($name:ident: $size:literal $(, $field:ident at $place:literal)*) => {
        const _: () = assert!(size_of::<$name>() == $size, stringify!($name));
        $(const _: () = assert!(core::mem::offset_of!($name, $field) == $place, stringify!($field));)*
    };
}
use layout;
