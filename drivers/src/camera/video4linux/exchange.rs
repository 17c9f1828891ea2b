//! A buffer as the kernel takes and gives it: one structure by the single-planar interface, and an array
//! beside it by the multi-planar one.

use super::super::kernel::{Filled, PLANES, Part};
use super::interface::Interface;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;
use v4l::v4l_sys::{VIDEO_MAX_PLANES, v4l2_buffer, v4l2_plane};

/// V4L2_MEMORY_MMAP: the driver's memory.
pub(super) const MMAP: u32 = 1;
/// V4L2_MEMORY_DMABUF: memory that is given to the driver.
pub(super) const DMABUF: u32 = 4;
/// V4L2_BUF_FLAG_ERROR.
const DAMAGED: u32 = 0x40;
/// V4L2_BUF_FLAG_TIMESTAMP_MASK.
const CLOCK: u32 = 0xe000;
/// V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC.
const MONOTONIC: u32 = 0x2000;

/// What goes to the kernel and comes back.
pub(super) struct Exchange {
    interface: Interface,
    buffer: v4l2_buffer,
    planes: [v4l2_plane; VIDEO_MAX_PLANES as usize],
}

impl Exchange {
    /// A buffer by its number, of memory of a kind.
    pub(super) fn new(interface: Interface, memory: u32, index: u32) -> Exchange {
        Exchange {
            interface,
            buffer: v4l2_buffer {
                index,
                type_: interface.kind(),
                memory,
                // SAFETY: it is made of numbers and a union of numbers and a pointer, which may be null.
                ..unsafe { std::mem::zeroed() }
            },
            // SAFETY: it is made of numbers.
            planes: unsafe { std::mem::zeroed() },
        }
    }

    /// What the kernel is given. It points to the planes, which stay where they are while this is
    /// borrowed.
    pub(super) fn header(&mut self) -> &mut v4l2_buffer {
        if self.interface == Interface::MultiPlanar {
            self.buffer.m.planes = self.planes.as_mut_ptr();
            self.buffer.length = VIDEO_MAX_PLANES;
        }
        &mut self.buffer
    }

    /// Gives a plane memory: so many bytes of a DMA buffer.
    pub(super) fn import(&mut self, plane: usize, memory: BorrowedFd<'_>, bytes: usize) {
        let (fd, bytes) = (memory.as_raw_fd(), bytes as u32);
        match self.interface {
            Interface::SinglePlanar => {
                self.buffer.m.fd = fd;
                self.buffer.length = bytes;
            }
            Interface::MultiPlanar => {
                self.planes[plane].m.fd = fd;
                self.planes[plane].length = bytes;
            }
        }
    }

    /// Where a plane of the driver's memory is to be mapped from, and its bytes.
    pub(super) fn place(&self, plane: usize) -> (u64, usize) {
        let (offset, bytes) = match self.interface {
            // SAFETY: a number, which the kernel has set, as the buffer is of the kind that is mapped.
            Interface::SinglePlanar => (unsafe { self.buffer.m.offset }, self.buffer.length),
            Interface::MultiPlanar => {
                let plane = &self.planes[plane];
                // SAFETY: as above.
                (unsafe { plane.m.mem_offset }, plane.length)
            }
        };
        (offset.into(), bytes as usize)
    }

    /// What the driver has filled.
    pub(super) fn filled(&self) -> Filled {
        let buffer = &self.buffer;
        let (seconds, micros) = (buffer.timestamp.tv_sec, buffer.timestamp.tv_usec);
        let time = u64::try_from(seconds).ok().zip(u64::try_from(micros).ok());
        let time = time.map(|(s, us)| Duration::from_secs(s) + Duration::from_micros(us));
        let monotonic = buffer.flags & CLOCK == MONOTONIC;
        Filled {
            index: buffer.index,
            parts: self.parts(),
            damaged: buffer.flags & DAMAGED != 0,
            sequence: buffer.sequence,
            time: time.filter(|time| monotonic && !time.is_zero()),
        }
    }

    /// A plane's data may begin behind a header of the driver's, whose bytes are counted as used.
    fn parts(&self) -> [Part; PLANES] {
        let part = |start, end| Part { start, end };
        match self.interface {
            Interface::SinglePlanar => [part(0, self.buffer.bytesused), Part::default()],
            Interface::MultiPlanar => [0, 1].map(|plane| {
                let plane = &self.planes[plane];
                part(plane.data_offset, plane.bytesused)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn planes(header: &v4l2_buffer) -> *mut v4l2_plane {
        // SAFETY: a pointer, or the zero bytes that the union is made of; it is compared only.
        unsafe { header.m.planes }
    }

    fn given(exchange: &Exchange, plane: usize) -> i32 {
        match exchange.interface {
            // SAFETY: any bytes are a number.
            Interface::SinglePlanar => unsafe { exchange.buffer.m.fd },
            // SAFETY: as above.
            Interface::MultiPlanar => unsafe { exchange.planes[plane].m.fd },
        }
    }

    #[test]
    fn the_header_leads_to_the_planes_wherever_they_are() {
        let mut single = Exchange::new(Interface::SinglePlanar, MMAP, 3);
        let header = single.header();
        assert_eq!((header.index, header.type_, header.length), (3, 1, 0));
        assert!(planes(header).is_null());
        let mut moved = Box::new(Exchange::new(Interface::MultiPlanar, MMAP, 3));
        let own = moved.planes.as_mut_ptr();
        let header = moved.header();
        assert_eq!((header.type_, header.length), (9, 8));
        assert_eq!(planes(header), own);
    }

    #[test]
    fn frames_lie_where_the_driver_says() {
        let mut single = Exchange::new(Interface::SinglePlanar, MMAP, 0);
        single.buffer.bytesused = 100;
        let part = |start, end| Part { start, end };
        assert_eq!(single.filled().parts, [part(0, 100), part(0, 0)]);
        let mut multi = Exchange::new(Interface::MultiPlanar, MMAP, 2);
        (multi.planes[0].data_offset, multi.planes[0].bytesused) = (128, 1128);
        (multi.planes[1].data_offset, multi.planes[1].bytesused) = (0, 500);
        multi.buffer.flags = DAMAGED | MONOTONIC;
        (
            multi.buffer.timestamp.tv_sec,
            multi.buffer.timestamp.tv_usec,
        ) = (7, 5);
        let filled = multi.filled();
        assert_eq!(filled.parts, [part(128, 1128), part(0, 500)]);
        assert_eq!((filled.index, filled.damaged), (2, true));
        assert_eq!(filled.time, Some(Duration::new(7, 5000)));
        // Another clock.
        multi.buffer.flags = 0;
        assert_eq!(multi.filled().time, None);
    }

    #[test]
    fn memory_is_given_and_found_by_plane() {
        let file = tempfile::tempfile().unwrap();
        let fd = file.as_raw_fd();
        let mut single = Exchange::new(Interface::SinglePlanar, DMABUF, 0);
        single.import(0, file.as_fd(), 4096);
        assert_eq!(given(&single, 0), fd);
        assert_eq!(single.buffer.length, 4096);
        let mut multi = Exchange::new(Interface::MultiPlanar, DMABUF, 0);
        multi.import(1, file.as_fd(), 2048);
        assert_eq!(given(&multi, 1), fd);
        assert_eq!((multi.planes[0].length, multi.planes[1].length), (0, 2048));
        let mut mapped = Exchange::new(Interface::MultiPlanar, MMAP, 0);
        (mapped.planes[1].m.mem_offset, mapped.planes[1].length) = (0x3000, 512);
        assert_eq!(mapped.place(1), (0x3000, 512));
    }
}
