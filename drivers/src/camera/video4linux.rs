//! The kernel's calls on device nodes.
//!
//! The crate `v4l` opens them, lists formats, sizes and intervals, and sets the rate. Who a device is,
//! its format and its buffers are asked for here: `v4l` panics at a name that is not UTF-8 and at
//! colours that it does not know, leaves out the encoding of colours, and its streams lose buffers
//! after a time-out.
#![allow(unsafe_code)]

use super::format::{Format, Interval, Intervals, Sizes};
use super::fourcc::FourCc;
use super::kernel::{Filled, Identity, Node, System};
use crate::Roots;
use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};
use std::ffi::c_int;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::v4l_sys::{
    v4l2_buffer, v4l2_capability, v4l2_format, v4l2_format__bindgen_ty_1, v4l2_pix_format,
    v4l2_requestbuffers,
};
use v4l::v4l2::vidioc;
use v4l::video::Capture;
use v4l::video::capture::Parameters;

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

    fn now(&self) -> Duration {
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// An ioctl and what it exchanges.
struct Call<T> {
    number: vidioc::_IOC_TYPE,
    exchanges: PhantomData<T>,
}

impl<T> Call<T> {
    /// The kernel writes the structure's size into the number: both must be of one size.
    const fn new(number: vidioc::_IOC_TYPE) -> Call<T> {
        assert!((number >> 16) as usize & 0x3fff == size_of::<T>());
        Call {
            number,
            exchanges: PhantomData,
        }
    }
}

const QUERYCAP: Call<v4l2_capability> = Call::new(vidioc::VIDIOC_QUERYCAP);
const S_FMT: Call<v4l2_format> = Call::new(vidioc::VIDIOC_S_FMT);
const REQBUFS: Call<v4l2_requestbuffers> = Call::new(vidioc::VIDIOC_REQBUFS);
const QUERYBUF: Call<v4l2_buffer> = Call::new(vidioc::VIDIOC_QUERYBUF);
const QBUF: Call<v4l2_buffer> = Call::new(vidioc::VIDIOC_QBUF);
const DQBUF: Call<v4l2_buffer> = Call::new(vidioc::VIDIOC_DQBUF);
const STREAMON: Call<c_int> = Call::new(vidioc::VIDIOC_STREAMON);
const STREAMOFF: Call<c_int> = Call::new(vidioc::VIDIOC_STREAMOFF);

/// V4L2_BUF_TYPE_VIDEO_CAPTURE.
const CAPTURE: u32 = 1;
/// V4L2_MEMORY_MMAP.
const MMAP: u32 = 1;
/// V4L2_BUF_FLAG_ERROR.
const DAMAGED: u32 = 0x40;
/// V4L2_BUF_FLAG_TIMESTAMP_MASK.
const CLOCK: u32 = 0xe000;
/// V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC.
const MONOTONIC: u32 = 0x2000;
/// V4L2_PIX_FMT_PRIV_MAGIC: the fields behind are there.
const EXTENDED: u32 = 0xfeed_cafe;

/// An open device node.
pub struct Device {
    device: v4l::Device,
    handle: Arc<v4l::device::Handle>,
    buffers: Vec<Buffer>,
}

/// A buffer's memory.
struct Buffer {
    map: MmapRaw,
    /// Whether it is the program's: not queued.
    ours: bool,
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
        let device = Device {
            handle: device.handle(),
            device,
            buffers: Vec::new(),
        };
        // A child (ffmpeg) that inherits it would hold the camera after it was closed here.
        fcntl(&device, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        Ok(device)
    }

    fn call<T>(&self, call: &Call<T>, exchanged: &mut T) -> io::Result<()> {
        loop {
            let pointer = std::ptr::from_mut(exchanged).cast();
            // SAFETY: the kernel reads and writes as many bytes as `Call::new` has checked that `T`
            // has; every `T` here is made of numbers, so that any bytes are a value of it. Buffers
            // are of the kind that is mapped, so the kernel follows no pointer in them.
            let result = unsafe { v4l::v4l2::ioctl(self.handle.fd(), call.number, pointer) };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn buffer(&mut self, index: u32) -> io::Result<&mut Buffer> {
        let unknown = || io::Error::other("the driver names a buffer that it has not made");
        self.buffers.get_mut(index as usize).ok_or_else(unknown)
    }
}

/// A buffer as the kernel takes it.
fn buffer(index: u32) -> v4l2_buffer {
    v4l2_buffer {
        index,
        type_: CAPTURE,
        memory: MMAP,
        // SAFETY: it is made of numbers and a union of numbers and a pointer, which may be null.
        ..unsafe { std::mem::zeroed() }
    }
}

/// Text that ends with a zero or with the field.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&field[..end.unwrap_or(field.len())]).into_owned()
}

impl Node for Device {
    fn identity(&self) -> io::Result<Identity> {
        let mut found = v4l2_capability {
            driver: [0; 16],
            card: [0; 32],
            bus_info: [0; 32],
            version: 0,
            capabilities: 0,
            device_caps: 0,
            reserved: [0; 3],
        };
        self.call(&QUERYCAP, &mut found)?;
        const DEVICE_CAPS: u32 = 0x8000_0000;
        Ok(Identity {
            driver: text(&found.driver),
            card: text(&found.card),
            bus: text(&found.bus_info),
            // A USB camera has a second node, for metadata, and says what both can do together.
            capabilities: match found.capabilities & DEVICE_CAPS {
                0 => found.capabilities,
                _ => found.device_caps,
            },
        })
    }

    fn formats(&self) -> io::Result<Vec<(FourCc, String)>> {
        let formats = self.device.enum_formats()?.into_iter();
        let format =
            |format: v4l::format::Description| (FourCc(format.fourcc.repr), format.description);
        Ok(formats.map(format).collect())
    }

    fn sizes(&self, fourcc: FourCc) -> io::Result<Vec<Sizes>> {
        let sizes = self
            .device
            .enum_framesizes(v4l::FourCC { repr: fourcc.0 })?;
        let sizes = sizes.into_iter().map(|size| match size.size {
            FrameSizeEnum::Discrete(size) => Sizes::One([size.width, size.height]),
            FrameSizeEnum::Stepwise(sizes) => Sizes::Steps {
                least: [sizes.min_width, sizes.min_height],
                most: [sizes.max_width, sizes.max_height],
                step: [sizes.step_width, sizes.step_height],
            },
        });
        Ok(sizes.collect())
    }

    fn intervals(&self, fourcc: FourCc, [width, height]: [u32; 2]) -> io::Result<Vec<Intervals>> {
        let fourcc = v4l::FourCC { repr: fourcc.0 };
        let intervals = self.device.enum_frameintervals(fourcc, width, height)?;
        let interval = |of: v4l::Fraction| Interval::new(of.numerator, of.denominator);
        let intervals = intervals
            .into_iter()
            .filter_map(|found| match found.interval {
                FrameIntervalEnum::Discrete(one) => interval(one).map(Intervals::One),
                FrameIntervalEnum::Stepwise(some) => Some(Intervals::Steps {
                    shortest: interval(some.min)?,
                    longest: interval(some.max)?,
                }),
            });
        Ok(intervals.collect())
    }

    fn set_format(&mut self, fourcc: FourCc, [width, height]: [u32; 2]) -> io::Result<Format> {
        let pix = v4l2_pix_format {
            width,
            height,
            pixelformat: fourcc.into(),
            field: 0,
            // Zero, or drivers keep what another format needed.
            bytesperline: 0,
            sizeimage: 0,
            colorspace: 0,
            priv_: EXTENDED,
            flags: 0,
            ycbcr_enc: 0,
            quantization: 0,
            xfer_func: 0,
        };
        let mut set = v4l2_format {
            type_: CAPTURE,
            fmt: v4l2_format__bindgen_ty_1 { raw_data: [0; 200] },
        };
        set.fmt.pix = pix;
        self.call(&S_FMT, &mut set)?;
        // SAFETY: numbers, of which all bytes are set.
        let pix = unsafe { set.fmt.pix };
        let fourcc = FourCc::from(pix.pixelformat);
        Ok(Format {
            fourcc,
            width: pix.width,
            height: pix.height,
            stride: pix.bytesperline,
            field: pix.field,
            bt709: Format::is_bt709(pix.colorspace, pix.ycbcr_enc),
            full_range: Format::is_full_range(fourcc, pix.colorspace, pix.quantization),
        })
    }

    fn set_interval(&mut self, interval: Interval) -> io::Result<Interval> {
        let wanted = v4l::Fraction::new(interval.numerator, interval.denominator);
        let set = self.device.set_params(&Parameters::new(wanted))?.interval;
        let set = Interval::new(set.numerator, set.denominator);
        set.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn request_buffers(&mut self, count: u32) -> io::Result<u32> {
        let mut wanted = v4l2_requestbuffers {
            count,
            type_: CAPTURE,
            memory: MMAP,
            capabilities: 0,
            flags: 0,
            reserved: [0; 3],
        };
        self.call(&REQBUFS, &mut wanted)?;
        Ok(wanted.count)
    }

    fn map(&mut self, index: u32) -> io::Result<()> {
        let mut found = buffer(index);
        self.call(&QUERYBUF, &mut found)?;
        // SAFETY: the kernel has set it, as the buffer is of the kind that is mapped.
        let offset = unsafe { found.m.offset };
        let (offset, len) = (u64::from(offset), found.length as usize);
        let map = MmapOptions::new().offset(offset).len(len).map_raw(&*self)?;
        self.buffers.push(Buffer { map, ours: true });
        Ok(())
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        self.call(&QBUF, &mut buffer(index))?;
        self.buffer(index)?.ours = false;
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        self.call(&STREAMON, &mut (CAPTURE as c_int))
    }

    fn stop(&mut self) -> io::Result<()> {
        self.call(&STREAMOFF, &mut (CAPTURE as c_int))?;
        self.buffers
            .iter_mut()
            .for_each(|buffer| buffer.ours = true);
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
        let mut found = buffer(0);
        match self.call(&DQBUF, &mut found) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            result => result?,
        }
        self.buffer(found.index)?.ours = true;
        let (seconds, micros) = (found.timestamp.tv_sec, found.timestamp.tv_usec);
        let time = u64::try_from(seconds).ok().zip(u64::try_from(micros).ok());
        let time = time.map(|(s, us)| Duration::from_secs(s) + Duration::from_micros(us));
        let monotonic = found.flags & CLOCK == MONOTONIC;
        Ok(Some(Filled {
            index: found.index,
            bytes: found.bytesused,
            damaged: found.flags & DAMAGED != 0,
            sequence: found.sequence,
            time: time.filter(|time| monotonic && !time.is_zero()),
        }))
    }

    fn memory(&self, index: u32) -> &[u8] {
        match self.buffers.get(index as usize) {
            // SAFETY: the mapping lives as long as `self`. The driver writes to a buffer only between
            // QBUF and DQBUF or STREAMOFF, that is while `ours` is false; and QBUF needs `&mut self`,
            // which it cannot have while this slice lives.
            Some(buffer) if buffer.ours => unsafe {
                std::slice::from_raw_parts(buffer.map.as_ptr(), buffer.map.len())
            },
            _ => &[],
        }
    }
}
