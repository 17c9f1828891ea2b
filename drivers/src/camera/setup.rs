//! Setting a camera up: its mode, its buffers, its start.

use super::absence::remedy;
use super::choice::{Memory, Mode, Request};
use super::format::{Format, Interval};
use super::kernel::{Node, System};
use super::listing;
use super::live::is_gone;
use super::stream::Stream;
use crate::{Error, Result};
use nix::errno::Errno;
use std::io;
use std::path::Path;

/// A node whose mode is set.
pub(super) struct Set<N> {
    node: N,
    pub(super) format: Format,
    pub(super) interval: Option<Interval>,
}

/// Sets the mode that suits the request best.
pub(super) fn set<N: Node>(path: &Path, mut node: N, request: &Request) -> Result<Set<N>> {
    let offers = listing::offers(&node, request).map_err(listing::refused(path))?;
    let mode = listing::mode(path, &offers, request)?;
    let format = node.set_format(mode.fourcc, mode.size);
    let format = format.map_err(listing::refused(path))?;
    let format = checked(path, format, &mode)?;
    let wanted = mode.interval.or_else(|| Interval::of_rate(request.rate?));
    let interval = match wanted.map(|interval| node.set_interval(interval)) {
        Some(Err(error)) if is_gone(&error) => return Err(listing::refused(path)(error)),
        // A camera of which the rate cannot be set is a camera.
        other => other.and_then(io::Result::ok),
    };
    Ok(Set {
        node,
        format,
        interval,
    })
}

impl<N: Node> Set<N> {
    pub(super) fn start<S: System>(
        self,
        system: &S,
        path: &Path,
        request: &Request,
        sequence: u64,
    ) -> Result<Stream<N>> {
        let heap = match &request.memory {
            Memory::Driver => None,
            Memory::Heap(name) => Some(system.heap(name.as_deref())?),
        };
        let name = heap.as_ref().map(|heap| heap.name().to_string());
        let buffers = (request.buffers, heap);
        let stream = Stream::start(self.node, self.format, buffers, sequence);
        stream.map_err(|error| match name {
            Some(name) => foreign(path, &name, error),
            None => listing::refused(path)(error),
        })
    }
}

/// An error of a stream whose buffers are a heap's.
fn foreign(path: &Path, heap: &str, error: io::Error) -> Error {
    let remedy = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOMEM) => "a smaller size, or a larger heap (cma=128M for the kernel)",
        // The driver knows no such buffers, or the hardware wants memory in one piece.
        Some(Errno::EINVAL | Errno::EFAULT | Errno::EOPNOTSUPP | Errno::ENOTTY) => {
            "name a heap of contiguous memory (--buffers heap:NAME), or leave --buffers out"
        }
        _ => remedy(&error),
    };
    Error::Camera {
        device: path.display().to_string(),
        what: format!("it does not start on buffers of the heap {heap}: {error}"),
        remedy: remedy.into(),
    }
}

/// The largest side that is believed.
const MAX_SIDE: u32 = 1 << 15;

/// A format that came back, if frames can be read by it. Drivers change what they do not like and
/// call it a success.
fn checked(path: &Path, mut format: Format, mode: &Mode) -> Result<Format> {
    let wrong = |what: String| Error::Camera {
        device: path.display().to_string(),
        what,
        remedy: "choose another size or format".into(),
    };
    let sides = [format.width, format.height];
    if format.fourcc.preference().is_none() || sides.iter().any(|s| !(1..=MAX_SIDE).contains(s)) {
        return Err(wrong(format!("asked for {mode}, it gives {format}")));
    }
    if !format.is_whole() {
        let field = format.field;
        return Err(wrong(format!(
            "it gives half pictures (field order {field} of {format})"
        )));
    }
    let planes = format.fourcc.planes();
    if format.planes as usize != planes {
        let given = format.planes;
        return Err(wrong(format!("{given} planes of memory for {format}")));
    }
    let row = format.fourcc.row_bytes(format.width);
    let stride = |given: u32| match row {
        None => Ok(0),
        Some(row) if given == 0 => Ok(row as u32),
        Some(row) if u64::from(given) < row => {
            Err(wrong(format!("rows of {given} bytes for {format}")))
        }
        Some(_) => Ok(given),
    };
    let [luma, chroma] = [format.stride, format.chroma_stride];
    (format.stride, format.chroma_stride) = match planes {
        1 => (stride(luma)?, 0),
        _ => (stride(luma)?, stride(chroma)?),
    };
    Ok(format)
}
