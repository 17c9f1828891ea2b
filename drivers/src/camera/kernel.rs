//! The kernel's calls on cameras, behind traits.
//!
//! Choosing a mode, queueing buffers and coming back after faults are written against these, so that
//! a fake device with a script of faults goes through the very code that a real one does.

use super::format::{Format, Interval, Intervals, Sizes};
use super::fourcc::FourCc;
use crate::Result;
use crate::memory::heap::Heap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where device nodes are, and time.
pub trait System {
    /// An open device node.
    type Node: Node;

    /// Paths of the video nodes, by number.
    ///
    /// # Errors
    /// If the folder of device nodes cannot be read.
    fn nodes(&self) -> io::Result<Vec<PathBuf>>;

    /// Opens a node.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Self::Node>;

    /// Opens a heap of DMA memory, the best for cameras if none is named.
    ///
    /// # Errors
    /// If it is not there or the system refuses.
    fn heap(&self, name: Option<&str>) -> Result<Heap>;

    /// The time of CLOCK_MONOTONIC, which drivers stamp frames with.
    fn now(&self) -> Duration;

    /// Waits.
    fn pause(&self, time: Duration);
}

/// Who a device is, and what a node of it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the driver: `uvcvideo`.
    pub driver: String,
    /// Name of the device.
    pub card: String,
    /// Where it is plugged in.
    pub bus: String,
    /// V4L2_CAP_* of this node.
    pub capabilities: u32,
}

impl Identity {
    /// Whether it gives pictures, by either interface.
    pub fn captures(&self) -> bool {
        self.capabilities & (SINGLE_PLANAR | MULTI_PLANAR) != 0
    }

    /// Whether it gives them by the multi-planar interface only.
    pub fn is_multi_planar(&self) -> bool {
        self.capabilities & (SINGLE_PLANAR | MULTI_PLANAR) == MULTI_PLANAR
    }

    /// Whether it streams by buffers.
    pub fn streams(&self) -> bool {
        self.capabilities & 0x0400_0000 != 0
    }

    /// Whether it is the same device at the same place.
    pub fn is_same(&self, other: &Identity) -> bool {
        self.bus == other.bus && self.is_alike(other)
    }

    /// Whether it is the same kind of device.
    pub fn is_alike(&self, other: &Identity) -> bool {
        self.card == other.card && self.driver == other.driver
    }
}

/// V4L2_CAP_VIDEO_CAPTURE.
const SINGLE_PLANAR: u32 = 0x1;
/// V4L2_CAP_VIDEO_CAPTURE_MPLANE.
const MULTI_PLANAR: u32 = 0x1000;

/// Planes of memory that a frame can lie in.
pub const PLANES: usize = 2;

/// Where a frame lies in a plane of memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

/// A buffer that the driver has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Number of the buffer.
    pub index: u32,
    /// The frame in each plane of memory.
    pub parts: [Part; PLANES],
    /// Whether the driver says that they are damaged.
    pub damaged: bool,
    /// The driver's number of the frame.
    pub sequence: u32,
    /// When it was captured, by CLOCK_MONOTONIC, if the driver says.
    pub time: Option<Duration>,
}

/// An open device node: the ioctls that are used, on the stream of captured pictures.
///
/// All errors are what the system says, with its number.
#[allow(clippy::missing_errors_doc, reason = "said above")]
pub trait Node {
    /// VIDIOC_QUERYCAP.
    fn identity(&self) -> io::Result<Identity>;

    /// VIDIOC_ENUM_FMT: formats and their names.
    fn formats(&self) -> io::Result<Vec<(FourCc, String)>>;

    /// VIDIOC_ENUM_FRAMESIZES.
    fn sizes(&self, fourcc: FourCc) -> io::Result<Vec<Sizes>>;

    /// VIDIOC_ENUM_FRAMEINTERVALS.
    fn intervals(&self, fourcc: FourCc, size: [u32; 2]) -> io::Result<Vec<Intervals>>;

    /// VIDIOC_G_FMT: the columns and rows that are set.
    fn size(&self) -> io::Result<[u32; 2]>;

    /// VIDIOC_S_FMT, rows and size left to the driver; what it has set, which may be anything.
    fn set_format(&mut self, fourcc: FourCc, size: [u32; 2]) -> io::Result<Format>;

    /// VIDIOC_S_PARM; what it has set.
    fn set_interval(&mut self, interval: Interval) -> io::Result<Interval>;

    /// VIDIOC_REQBUFS: so many of the driver's own, or of a heap; how many there are.
    fn request_buffers(&mut self, count: u32, heap: Option<Heap>) -> io::Result<u32>;

    /// VIDIOC_QUERYBUF and mmap, or an allocation from the heap, for each buffer in turn.
    fn map(&mut self, index: u32) -> io::Result<()>;

    /// VIDIOC_QBUF.
    fn queue(&mut self, index: u32) -> io::Result<()>;

    /// VIDIOC_STREAMON.
    fn start(&mut self) -> io::Result<()>;

    /// VIDIOC_STREAMOFF; all buffers are the program's again.
    fn stop(&mut self) -> io::Result<()>;

    /// poll: whether [`dequeue`](Node::dequeue) has something to say, within a time.
    fn wait(&mut self, time: Duration) -> io::Result<bool>;

    /// VIDIOC_DQBUF; `None` if nothing is filled.
    fn dequeue(&mut self) -> io::Result<Option<Filled>>;

    /// A plane of a buffer that is the program's; empty if it is the driver's, or there is none.
    fn memory(&self, index: u32, plane: usize) -> &[u8];
}
