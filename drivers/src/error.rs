//! Everything that can be missing or fail: what, where, what to do, one line each.

use std::path::{Path, PathBuf};

/// What is wrong with a device, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused a file or a device node.
    #[error("{path}: {source}; {remedy}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
        /// What to do.
        remedy: String,
    },
    /// A device that is not there.
    #[error("no {kind} named {name}: {found}; {remedy}")]
    Absent {
        /// Kind of device.
        kind: &'static str,
        /// The name that was looked for.
        name: String,
        /// What there is instead.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// A camera that cannot be used, or none.
    #[error("{device}: {what}; {remedy}")]
    Camera {
        /// Its device node.
        device: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// An attribute of the kernel that makes no sense.
    #[error("{path}: found {found:?}, expected {expected}")]
    Attribute {
        /// The attribute's file.
        path: PathBuf,
        /// Its text.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A register map that cannot be used.
    #[error("register map of {overlay}: {what}")]
    RegisterMap {
        /// Name of the overlay, as far as it is known.
        overlay: String,
        /// What is wrong, and where.
        what: String,
    },
    /// An access outside of the registers.
    #[error("{device}: no register at {offset:#x}: expected a multiple of 4 below {size:#x}")]
    Offset {
        /// The device.
        device: String,
        /// What was asked for.
        offset: u32,
        /// Bytes of registers that there are.
        size: usize,
    },
    /// A wait for an interrupt on a device that has none.
    #[error("{device}: it has no interrupt; give its device-tree node `interrupts`, or poll it")]
    NoInterrupt {
        /// The device.
        device: String,
    },
    /// Memory that cannot serve a device.
    #[error("{device}: {what}; {remedy}")]
    Memory {
        /// The memory.
        device: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A range that lies outside of the memory, or not on its cache lines.
    #[error("{device}: bytes {start} to {end} of {size}: {expected}")]
    Range {
        /// The memory.
        device: String,
        /// First byte.
        start: usize,
        /// The byte after the last.
        end: usize,
        /// Bytes that there are.
        size: usize,
        /// What would be right.
        expected: &'static str,
    },
    /// A file that is no bitstream for this board.
    #[error("{file}: {what}; {remedy}")]
    Bitstream {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// Logic that cannot be loaded, unloaded, clocked or touched.
    #[error("{what}; {remedy}")]
    Logic {
        /// What is in the way.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A layer that the accelerator cannot run.
    #[error("layer {layer}: {what}: {expected} expected, found {found}")]
    Layer {
        /// Name of the layer.
        layer: String,
        /// The property that does not fit.
        what: &'static str,
        /// What the accelerator can do.
        expected: String,
        /// What the layer has.
        found: String,
    },
    /// A map of another size than the program's.
    #[error("{what}: {expected} codes expected, found {found}")]
    Codes {
        /// Which map.
        what: &'static str,
        /// Codes that it must have.
        expected: usize,
        /// Codes that were given.
        found: usize,
    },
    /// A start that did not finish in its time.
    #[error("{step}: not done after {waited_ms} ms, control register {control:#06x}: {check}")]
    Unfinished {
        /// What was started.
        step: String,
        /// The control register, as read last.
        control: u32,
        /// Milliseconds that it was given.
        waited_ms: u128,
        /// What the register tells, and what to check.
        check: &'static str,
    },
    /// A core that is not ready to be started.
    #[error("{step}: not started, control register {control:#06x}: {check}")]
    NotReady {
        /// What was to be started.
        step: String,
        /// The control register.
        control: u32,
        /// What the register tells, and what to check.
        check: &'static str,
    },
    /// A start that said it was done, but did not write both ends of its output.
    #[error(
        "{step}: done, but its output is not written as a whole: check the buffer's physical \
         address {physical:#x} and that the logic can reach it"
    )]
    Unwritten {
        /// What was started.
        step: String,
        /// Where the output should be.
        physical: u64,
    },
}

impl Error {
    /// A file that the system refused.
    pub(crate) fn io(
        path: &Path,
        remedy: impl Into<String>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let (path, remedy) = (path.to_path_buf(), remedy.into());
        move |source| Error::Io {
            path,
            source,
            remedy,
        }
    }

    /// A property of a layer that does not fit.
    pub(crate) fn layer(
        layer: &str,
        what: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Error {
        Error::Layer {
            layer: layer.to_string(),
            what,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}
