//! What a device is: capabilities, formats, frame sizes, frame intervals.

use crate::layout;

/// A fraction, of seconds where it is a frame interval.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_fract {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}
layout!(v4l2_fract: 8);

/// VIDIOC_QUERYCAP: who a device is and what it can do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_capability {
    /// Name of the driver, ended by 0.
    pub driver: [u8; 16],
    /// Name of the device.
    pub card: [u8; 32],
    /// Where it is plugged in.
    pub bus_info: [u8; 32],
    /// Version of the kernel.
    pub version: u32,
    /// What the physical device can do as a whole.
    pub capabilities: u32,
    /// What this node can do.
    pub device_caps: u32,
    /// Zero.
    pub reserved: [u32; 3],
}
layout!(v4l2_capability: 104, driver at 0, card at 16, bus_info at 48, version at 80, device_caps at 88);

/// VIDIOC_ENUM_FMT: a format that a node offers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_fmtdesc {
    /// Its place in the list.
    pub index: u32,
    /// Kind of the stream: `v4l2_buf_type`.
    pub type_: u32,
    /// V4L2_FMT_FLAG_*.
    pub flags: u32,
    /// Its name, ended by 0.
    pub description: [u8; 32],
    /// Its four-character code.
    pub pixelformat: u32,
    /// Code of the media bus, or 0.
    pub mbus_code: u32,
    /// Zero.
    pub reserved: [u32; 3],
}
layout!(v4l2_fmtdesc: 64, description at 12, pixelformat at 44);

/// A single size.
pub const v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE: u32 = 1;
/// Any size within limits.
pub const v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_CONTINUOUS: u32 = 2;
/// Sizes at steps within limits.
pub const v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_STEPWISE: u32 = 3;

/// A size in pixels.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frmsize_discrete {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Sizes in pixels.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frmsize_stepwise {
    /// Fewest columns.
    pub min_width: u32,
    /// Most columns.
    pub max_width: u32,
    /// Columns of a step.
    pub step_width: u32,
    /// Fewest rows.
    pub min_height: u32,
    /// Most rows.
    pub max_height: u32,
    /// Rows of a step.
    pub step_height: u32,
}
layout!(v4l2_frmsize_stepwise: 24, step_width at 8, min_height at 12);

/// One size or several.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_frmsizeenum__bindgen_ty_1 {
    /// One.
    pub discrete: v4l2_frmsize_discrete,
    /// Several.
    pub stepwise: v4l2_frmsize_stepwise,
}

/// VIDIOC_ENUM_FRAMESIZES: a size that a format comes in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_frmsizeenum {
    /// Its place in the list.
    pub index: u32,
    /// The format's code.
    pub pixel_format: u32,
    /// `v4l2_frmsizetypes`.
    pub type_: u32,
    /// The size.
    pub __bindgen_anon_1: v4l2_frmsizeenum__bindgen_ty_1,
    /// Zero.
    pub reserved: [u32; 2],
}
layout!(v4l2_frmsizeenum: 44, type_ at 8, __bindgen_anon_1 at 12, reserved at 36);

/// A single interval.
pub const v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE: u32 = 1;
/// Any interval within limits.
pub const v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_CONTINUOUS: u32 = 2;
/// Intervals at steps within limits.
pub const v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_STEPWISE: u32 = 3;

/// Intervals in seconds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frmival_stepwise {
    /// Shortest.
    pub min: v4l2_fract,
    /// Longest.
    pub max: v4l2_fract,
    /// A step.
    pub step: v4l2_fract,
}

/// One interval or several.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_frmivalenum__bindgen_ty_1 {
    /// One.
    pub discrete: v4l2_fract,
    /// Several.
    pub stepwise: v4l2_frmival_stepwise,
}

/// VIDIOC_ENUM_FRAMEINTERVALS: an interval that a format of a size comes at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_frmivalenum {
    /// Its place in the list.
    pub index: u32,
    /// The format's code.
    pub pixel_format: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `v4l2_frmivaltypes`.
    pub type_: u32,
    /// The interval.
    pub __bindgen_anon_1: v4l2_frmivalenum__bindgen_ty_1,
    /// Zero.
    pub reserved: [u32; 2],
}
layout!(v4l2_frmivalenum: 52, type_ at 16, __bindgen_anon_1 at 20, reserved at 44);
