//! The kernel's calls on device nodes.
//!
//! | module | subject |
//! | --- | --- |
//! | `call` | ioctls, each with the structure that it exchanges |
//! | `offered` | who a node is and what it offers |
//! | `interface` | the kernel's two interfaces to pictures, and formats as each writes them |
//! | `exchange` | a buffer as the kernel takes and gives it |
//! | `buffer` | the memory of buffers |
//!
//! The crate `v4l` opens nodes and lists sizes and intervals. Who a device is, its formats, its rate and
//! its buffers are asked for here: `v4l` panics at a name that is not UTF-8 and at colours that it does
//! not know, leaves out the encoding of colours, knows no multi-planar interface, and its streams lose
//! buffers after a time-out.
#![allow(unsafe_code)]

mod buffer;
mod call;
mod exchange;
mod interface;
mod offered;

use super::format::{Format, Interval, Intervals, Sizes};
use super::fourcc::FourCc;
use super::kernel::{Filled, Identity, Node, System};
use crate::memory::heap::Heap;
use crate::{Result, Roots};
use buffer::{Buffer, Plane};
use call::{
    Call, DQBUF, G_FMT, G_PARM, QBUF, QUERYBUF, REQBUFS, S_FMT, S_PARM, STREAMOFF, STREAMON,
};
use exchange::{DMABUF, Exchange, MMAP};
use interface::Interface;
use memmap2::MmapOptions;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};
use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use v4l::v4l_sys::{
    v4l2_captureparm, v4l2_fract, v4l2_requestbuffers, v4l2_streamparm,
    v4l2_streamparm__bindgen_ty_1,
};

/// The device nodes of this machine.
#[derive(Clone, Debug, Default)]
pub struct Video4Linux {
    /// Where they are.
    pub roots: Roots,
}

impl System for Video4Linux {
    type Node = Device;

    fn nodes(&self) -> io::Result<Vec<PathBuf>> {
        let mut nodes = Vec::new();
        for entry in std::fs::read_dir(&self.roots.dev)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("video"));
            if let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) {
                nodes.push((number, self.roots.dev.join(name)));
            }
        }
        nodes.sort();
        Ok(nodes.into_iter().map(|(_, path)| path).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Device> {
        Device::open(path)
    }

    fn heap(&self, name: Option<&str>) -> Result<Heap> {
        Heap::open(&self.roots, name)
    }

    fn now(&self) -> Duration {
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// An open device node.
pub struct Device {
    device: v4l::Device,
    handle: Arc<v4l::device::Handle>,
    interface: Interface,
    /// Bytes of a buffer, for each plane of the format that is set.
    sizes: Vec<u32>,
    /// Where buffers come from, if not from the driver.
    heap: Option<Heap>,
    buffers: Vec<Buffer>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("fd", &self.handle.fd())
            .field("buffers", &self.buffers.len())
            .finish()
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the handle keeps it open, and lives as long as `self`.
        unsafe { BorrowedFd::borrow_raw(self.handle.fd()) }
    }
}

/// So that buffers can be mapped by it.
impl AsRawFd for Device {
    fn as_raw_fd(&self) -> c_int {
        self.handle.fd()
    }
}

impl Device {
    fn open(path: &Path) -> io::Result<Device> {
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(io::ErrorKind::InvalidInput.into()); // `v4l` would panic
        }
        let device = v4l::Device::with_path(path)?;
        let mut device = Device {
            handle: device.handle(),
            device,
            interface: Interface::SinglePlanar,
            sizes: Vec::new(),
            heap: None,
            buffers: Vec::new(),
        };
        // A child (ffmpeg) that inherits it would hold the camera after it was closed here.
        fcntl(&device, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        // Whoever asks a node that is no camera who it is gets the error.
        if let Ok(identity) = device.identity() {
            device.interface = Interface::of(&identity);
        }
        Ok(device)
    }

    fn call<T>(&self, call: &Call<T>, exchanged: &mut T) -> io::Result<()> {
        call.on(self.handle.fd(), exchanged)
    }

    fn memory_kind(&self) -> u32 {
        match self.heap {
            None => MMAP,
            Some(_) => DMABUF,
        }
    }

    fn exchange(&self, index: u32) -> Exchange {
        Exchange::new(self.interface, self.memory_kind(), index)
    }

    fn buffer(&mut self, index: u32) -> io::Result<&mut Buffer> {
        let unknown = || io::Error::other("the driver names a buffer that it has not made");
        self.buffers.get_mut(index as usize).ok_or_else(unknown)
    }

    /// Each plane's memory, mapped from the driver.
    fn mapped(&self, index: u32) -> io::Result<Vec<Plane>> {
        let mut found = self.exchange(index);
        self.call(&QUERYBUF, found.header())?;
        let plane = |plane: usize| {
            let (offset, len) = found.place(plane);
            let map = MmapOptions::new().offset(offset).len(len).map_raw(self)?;
            Ok(Plane::Driver(map))
        };
        (0..self.sizes.len()).map(plane).collect()
    }

    /// Each plane's memory, of a heap.
    fn allocated(&self, heap: &Heap) -> io::Result<Vec<Plane>> {
        let plane = |size: &u32| {
            let memory = heap.allocate(*size as usize)?;
            let open = false;
            Ok(Plane::Heap { memory, open })
        };
        self.sizes.iter().map(plane).collect()
    }
}

impl Node for Device {
    fn identity(&self) -> io::Result<Identity> {
        self.who()
    }

    fn formats(&self) -> io::Result<Vec<(FourCc, String)>> {
        self.offered_formats()
    }

    fn sizes(&self, fourcc: FourCc) -> io::Result<Vec<Sizes>> {
        self.offered_sizes(fourcc)
    }

    fn intervals(&self, fourcc: FourCc, size: [u32; 2]) -> io::Result<Vec<Intervals>> {
        self.offered_intervals(fourcc, size)
    }

    fn size(&self) -> io::Result<[u32; 2]> {
        let mut found = self.interface.empty();
        self.call(&G_FMT, &mut found)?;
        let (format, _) = self.interface.given(&found);
        Ok([format.width, format.height])
    }

    fn set_format(&mut self, fourcc: FourCc, size: [u32; 2]) -> io::Result<Format> {
        let mut set = self.interface.asked(fourcc, size);
        self.call(&S_FMT, &mut set)?;
        let (format, sizes) = self.interface.given(&set);
        self.sizes = sizes;
        Ok(format)
    }

    fn set_interval(&mut self, interval: Interval) -> io::Result<Interval> {
        let mut rate = rate(self.interface, interval);
        self.call(&S_PARM, &mut rate)?;
        self.call(&G_PARM, &mut rate)?;
        // SAFETY: numbers, of which all bytes are set.
        let set = unsafe { rate.parm.capture.timeperframe };
        let set = Interval::new(set.numerator, set.denominator);
        set.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn request_buffers(&mut self, count: u32, heap: Option<Heap>) -> io::Result<u32> {
        self.heap = heap;
        let mut wanted = v4l2_requestbuffers {
            count,
            type_: self.interface.kind(),
            memory: self.memory_kind(),
            capabilities: 0,
            flags: 0,
            reserved: [0; 3],
        };
        self.call(&REQBUFS, &mut wanted)?;
        Ok(wanted.count)
    }

    fn map(&mut self, index: u32) -> io::Result<()> {
        let planes = match &self.heap {
            None => self.mapped(index)?,
            Some(heap) => self.allocated(heap)?,
        };
        self.buffers.push(Buffer::new(planes));
        Ok(())
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        let mut exchange = self.exchange(index);
        self.buffer(index)?.close(&mut exchange)?;
        self.call(&QBUF, exchange.header())?;
        self.buffer(index)?.give();
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        self.call(&STREAMON, &mut (self.interface.kind() as c_int))
    }

    fn stop(&mut self) -> io::Result<()> {
        self.call(&STREAMOFF, &mut (self.interface.kind() as c_int))?;
        self.buffers.iter_mut().for_each(Buffer::take_back);
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        let within = PollTimeout::try_from(time.as_millis()).unwrap_or(PollTimeout::MAX);
        match poll(&mut polled, within) {
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
            // Errors are said by the call that takes a buffer out.
            Ok(ready) => Ok(ready > 0),
        }
    }

    fn dequeue(&mut self) -> io::Result<Option<Filled>> {
        let mut found = self.exchange(0);
        match self.call(&DQBUF, found.header()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            result => result?,
        }
        let filled = found.filled();
        self.buffer(filled.index)?.open()?;
        Ok(Some(filled))
    }

    fn memory(&self, index: u32, plane: usize) -> &[u8] {
        let buffer = self.buffers.get(index as usize);
        buffer.map_or(&[], |buffer| buffer.bytes(plane))
    }
}

/// A rate to ask for.
fn rate(interface: Interface, interval: Interval) -> v4l2_streamparm {
    let mut rate = v4l2_streamparm {
        type_: interface.kind(),
        parm: v4l2_streamparm__bindgen_ty_1 { raw_data: [0; 200] },
    };
    rate.parm.capture = v4l2_captureparm {
        capability: 0,
        capturemode: 0,
        timeperframe: v4l2_fract {
            numerator: interval.numerator,
            denominator: interval.denominator,
        },
        extendedmode: 0,
        readbuffers: 0,
        reserved: [0; 4],
    };
    rate
}
