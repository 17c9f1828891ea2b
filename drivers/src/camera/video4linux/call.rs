//! Ioctls, each with the structure that it exchanges.

use std::ffi::{c_int, c_ulong};
use std::io;
use std::marker::PhantomData;
use std::os::fd::RawFd;
use v4l::v4l_sys::{
    v4l2_buffer, v4l2_capability, v4l2_fmtdesc, v4l2_format, v4l2_requestbuffers, v4l2_streamparm,
};
use v4l::v4l2::vidioc;

/// An ioctl and what it exchanges.
pub(super) struct Call<T> {
    number: vidioc::_IOC_TYPE,
    exchanges: PhantomData<T>,
}

pub(super) const QUERYCAP: Call<v4l2_capability> = Call::new(vidioc::VIDIOC_QUERYCAP);
pub(super) const ENUM_FMT: Call<v4l2_fmtdesc> = Call::new(vidioc::VIDIOC_ENUM_FMT);
pub(super) const G_FMT: Call<v4l2_format> = Call::new(vidioc::VIDIOC_G_FMT);
pub(super) const S_FMT: Call<v4l2_format> = Call::new(vidioc::VIDIOC_S_FMT);
pub(super) const G_PARM: Call<v4l2_streamparm> = Call::new(vidioc::VIDIOC_G_PARM);
pub(super) const S_PARM: Call<v4l2_streamparm> = Call::new(vidioc::VIDIOC_S_PARM);
pub(super) const REQBUFS: Call<v4l2_requestbuffers> = Call::new(vidioc::VIDIOC_REQBUFS);
pub(super) const QUERYBUF: Call<v4l2_buffer> = Call::new(vidioc::VIDIOC_QUERYBUF);
pub(super) const QBUF: Call<v4l2_buffer> = Call::new(vidioc::VIDIOC_QBUF);
pub(super) const DQBUF: Call<v4l2_buffer> = Call::new(vidioc::VIDIOC_DQBUF);
pub(super) const STREAMON: Call<c_int> = Call::new(vidioc::VIDIOC_STREAMON);
pub(super) const STREAMOFF: Call<c_int> = Call::new(vidioc::VIDIOC_STREAMOFF);

impl<T> Call<T> {
    /// The kernel writes the structure's size into the number: both must be of one size.
    const fn new(number: vidioc::_IOC_TYPE) -> Call<T> {
        assert!((number as c_ulong >> 16) as usize & 0x3fff == size_of::<T>());
        Call {
            number,
            exchanges: PhantomData,
        }
    }

    /// Calls it. A `v4l2_buffer` of the multi-planar interface must come from
    /// [`Exchange::header`](super::exchange::Exchange::header).
    pub(super) fn on(&self, fd: RawFd, exchanged: &mut T) -> io::Result<()> {
        loop {
            let pointer = std::ptr::from_mut(exchanged).cast();
            // SAFETY: the kernel reads and writes as many bytes as `Call::new` has checked that `T`
            // has; every `T` here is made of numbers, so that any bytes are a value of it. The one
            // pointer that it follows, to the planes of a buffer of the multi-planar interface, leads
            // to as many as the buffer says and lives as long as the exchange. It follows none in
            // buffers of the other interface, which are mapped or imported.
            let result = unsafe { v4l::v4l2::ioctl(fd, self.number, pointer) };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}
