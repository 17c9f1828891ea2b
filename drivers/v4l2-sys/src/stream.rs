//! What is streamed: pixel formats, buffers, rates.

use crate::{layout, v4l2_fract};
use core::ffi::{c_long, c_ulong};

/// Seconds of C.
pub type time_t = c_long;

/// A time of C.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct timeval {
    /// Seconds.
    pub tv_sec: time_t,
    /// Microseconds.
    pub tv_usec: c_long,
}
layout!(timeval: 16);

/// A picture format.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_pix_format {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Four-character code.
    pub pixelformat: u32,
    /// `v4l2_field`: whole pictures or halves.
    pub field: u32,
    /// Bytes from a row to the next.
    pub bytesperline: u32,
    /// Bytes of a buffer.
    pub sizeimage: u32,
    /// `v4l2_colorspace`.
    pub colorspace: u32,
    /// Says that the fields from `flags` on are there.
    pub priv_: u32,
    /// V4L2_PIX_FMT_FLAG_*.
    pub flags: u32,
    /// `v4l2_ycbcr_encoding`; a union with the encoding of HSV in C.
    pub ycbcr_enc: u32,
    /// `v4l2_quantization`.
    pub quantization: u32,
    /// `v4l2_xfer_func`.
    pub xfer_func: u32,
}
layout!(v4l2_pix_format: 48, field at 12, colorspace at 24, flags at 32, xfer_func at 44);

/// The most planes of memory that a picture can lie in.
pub const VIDEO_MAX_PLANES: u32 = 8;

/// A plane's part of a picture format.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_plane_pix_format {
    /// Bytes of the plane's buffer.
    pub sizeimage: u32,
    /// Bytes from a row to the next.
    pub bytesperline: u32,
    /// Zero.
    pub reserved: [u16; 6],
}
layout!(v4l2_plane_pix_format: 20, bytesperline at 4);

/// A picture format of the multi-planar interface. Packed in C, which is the same: nothing in it lies
/// askew.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_pix_format_mplane {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Four-character code.
    pub pixelformat: u32,
    /// `v4l2_field`: whole pictures or halves.
    pub field: u32,
    /// `v4l2_colorspace`.
    pub colorspace: u32,
    /// Each plane of memory.
    pub plane_fmt: [v4l2_plane_pix_format; VIDEO_MAX_PLANES as usize],
    /// How many there are.
    pub num_planes: u8,
    /// V4L2_PIX_FMT_FLAG_*.
    pub flags: u8,
    /// `v4l2_ycbcr_encoding`; a union with the encoding of HSV in C.
    pub ycbcr_enc: u8,
    /// `v4l2_quantization`.
    pub quantization: u8,
    /// `v4l2_xfer_func`.
    pub xfer_func: u8,
    /// Zero.
    pub reserved: [u8; 7],
}
layout!(
    v4l2_pix_format_mplane: 192, colorspace at 16, plane_fmt at 20, num_planes at 180, ycbcr_enc at 182,
    quantization at 183
);

/// The format of one kind of stream. In C some are structures with pointers, which is why it stands
/// at a multiple of 8.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub union v4l2_format__bindgen_ty_1 {
    /// Pictures in one plane.
    pub pix: v4l2_pix_format,
    /// Pictures by the multi-planar interface.
    pub pix_mp: v4l2_pix_format_mplane,
    /// Anything.
    pub raw_data: [u8; 200],
}

/// VIDIOC_G_FMT, VIDIOC_S_FMT: the format of a stream.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_format {
    /// Kind of the stream: `v4l2_buf_type`.
    pub type_: u32,
    /// The format.
    pub fmt: v4l2_format__bindgen_ty_1,
}
layout!(v4l2_format: 208, fmt at 8);

/// VIDIOC_REQBUFS: how many buffers there shall be.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_requestbuffers {
    /// Buffers asked for, then buffers granted.
    pub count: u32,
    /// Kind of the stream: `v4l2_buf_type`.
    pub type_: u32,
    /// `v4l2_memory`.
    pub memory: u32,
    /// V4L2_BUF_CAP_*.
    pub capabilities: u32,
    /// V4L2_MEMORY_FLAG_*.
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 3],
}
layout!(v4l2_requestbuffers: 20, capabilities at 12);

/// The place of a frame in a tape.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_timecode {
    /// Frame rate of the count.
    pub type_: u32,
    /// V4L2_TC_FLAG_*.
    pub flags: u32,
    /// Frames.
    pub frames: u8,
    /// Seconds.
    pub seconds: u8,
    /// Minutes.
    pub minutes: u8,
    /// Hours.
    pub hours: u8,
    /// The user's own.
    pub userbits: [u8; 4],
}
layout!(v4l2_timecode: 16);

/// Where a plane's memory is.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_plane__bindgen_ty_1 {
    /// What to give mmap as offset.
    pub mem_offset: u32,
    /// Address in the process.
    pub userptr: c_ulong,
    /// A DMA buffer.
    pub fd: i32,
}

/// A plane of a buffer of the multi-planar interface.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_plane {
    /// Bytes up to the end of the data, `data_offset` among them.
    pub bytesused: u32,
    /// Bytes of its memory.
    pub length: u32,
    /// Where its memory is.
    pub m: v4l2_plane__bindgen_ty_1,
    /// Where the data begins.
    pub data_offset: u32,
    /// Zero.
    pub reserved: [u32; 11],
}
layout!(v4l2_plane: 64, m at 8, data_offset at 16);

/// Where a buffer's memory is.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_buffer__bindgen_ty_1 {
    /// What to give mmap as offset.
    pub offset: u32,
    /// Address in the process.
    pub userptr: c_ulong,
    /// Planes, where the interface is the multi-planar one.
    pub planes: *mut v4l2_plane,
    /// A DMA buffer.
    pub fd: i32,
}

/// A request, or nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_buffer__bindgen_ty_2 {
    /// The request's descriptor.
    pub request_fd: i32,
    /// Zero.
    pub reserved: u32,
}

/// VIDIOC_QUERYBUF, VIDIOC_QBUF, VIDIOC_DQBUF: a buffer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_buffer {
    /// Its number.
    pub index: u32,
    /// Kind of the stream: `v4l2_buf_type`.
    pub type_: u32,
    /// Bytes of data in it.
    pub bytesused: u32,
    /// V4L2_BUF_FLAG_*.
    pub flags: u32,
    /// `v4l2_field`.
    pub field: u32,
    /// When its first byte was captured, or its last.
    pub timestamp: timeval,
    /// Place in a tape.
    pub timecode: v4l2_timecode,
    /// Number of the frame.
    pub sequence: u32,
    /// `v4l2_memory`.
    pub memory: u32,
    /// Where its memory is.
    pub m: v4l2_buffer__bindgen_ty_1,
    /// Bytes of its memory.
    pub length: u32,
    /// Zero.
    pub reserved2: u32,
    /// A request, or nothing.
    pub __bindgen_anon_1: v4l2_buffer__bindgen_ty_2,
}
layout!(
    v4l2_buffer: 88, timestamp at 24, timecode at 40, sequence at 56, memory at 60, m at 64, length at 72,
    __bindgen_anon_1 at 80
);

/// The rate of a captured stream.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_captureparm {
    /// V4L2_CAP_TIMEPERFRAME where the rate can be set.
    pub capability: u32,
    /// V4L2_MODE_HIGHQUALITY.
    pub capturemode: u32,
    /// Seconds a frame.
    pub timeperframe: v4l2_fract,
    /// The driver's own.
    pub extendedmode: u32,
    /// Buffers for reading without streaming.
    pub readbuffers: u32,
    /// Zero.
    pub reserved: [u32; 4],
}
layout!(v4l2_captureparm: 40, timeperframe at 8, readbuffers at 20);

/// The rate of a stream that is put out.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_outputparm {
    /// V4L2_CAP_TIMEPERFRAME where the rate can be set.
    pub capability: u32,
    /// The driver's own.
    pub outputmode: u32,
    /// Seconds a frame.
    pub timeperframe: v4l2_fract,
    /// The driver's own.
    pub extendedmode: u32,
    /// Buffers for writing without streaming.
    pub writebuffers: u32,
    /// Zero.
    pub reserved: [u32; 4],
}
layout!(v4l2_outputparm: 40, timeperframe at 8);

/// The rate of one kind of stream.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_streamparm__bindgen_ty_1 {
    /// Captured.
    pub capture: v4l2_captureparm,
    /// Put out.
    pub output: v4l2_outputparm,
    /// Anything.
    pub raw_data: [u8; 200],
}

/// VIDIOC_G_PARM, VIDIOC_S_PARM: the rate of a stream.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_streamparm {
    /// Kind of the stream: `v4l2_buf_type`.
    pub type_: u32,
    /// The rate.
    pub parm: v4l2_streamparm__bindgen_ty_1,
}
layout!(v4l2_streamparm: 204, parm at 4);
