//! Controls: brightness, exposure and the like.

use crate::layout;
use core::ffi::{c_char, c_void};

/// Asks for the control behind the one that is named.
pub const V4L2_CTRL_FLAG_NEXT_CTRL: u32 = 0x8000_0000;
/// The same with controls of more than one value.
pub const V4L2_CTRL_FLAG_NEXT_COMPOUND: u32 = 0x4000_0000;

/// VIDIOC_G_CTRL, VIDIOC_S_CTRL: a control's value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_control {
    /// Which control.
    pub id: u32,
    /// Its value.
    pub value: i32,
}
layout!(v4l2_control: 8);

/// VIDIOC_QUERY_EXT_CTRL: what a control is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_query_ext_ctrl {
    /// Which control.
    pub id: u32,
    /// `v4l2_ctrl_type`.
    pub type_: u32,
    /// Its name, ended by 0.
    pub name: [c_char; 32],
    /// Least value.
    pub minimum: i64,
    /// Greatest value.
    pub maximum: i64,
    /// A step.
    pub step: u64,
    /// The value after a reset.
    pub default_value: i64,
    /// V4L2_CTRL_FLAG_*.
    pub flags: u32,
    /// Bytes of an element.
    pub elem_size: u32,
    /// Number of elements.
    pub elems: u32,
    /// Number of dimensions.
    pub nr_of_dims: u32,
    /// Elements of each dimension.
    pub dims: [u32; 4],
    /// Zero.
    pub reserved: [u32; 32],
}
layout!(v4l2_query_ext_ctrl: 232, name at 8, minimum at 40, flags at 72, dims at 88);

/// Text or number of a menu's item.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub union v4l2_querymenu__bindgen_ty_1 {
    /// Text, ended by 0.
    pub name: [u8; 32],
    /// Number.
    pub value: i64,
}

/// VIDIOC_QUERYMENU: an item of a control that is a menu.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct v4l2_querymenu {
    /// Which control.
    pub id: u32,
    /// Which item.
    pub index: u32,
    /// Text or number.
    pub __bindgen_anon_1: v4l2_querymenu__bindgen_ty_1,
    /// Zero.
    pub reserved: u32,
}
layout!(v4l2_querymenu: 44, __bindgen_anon_1 at 8, reserved at 40);

/// A control's value, or where it is.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub union v4l2_ext_control__bindgen_ty_1 {
    /// A number.
    pub value: i32,
    /// A long number.
    pub value64: i64,
    /// Text.
    pub string: *mut c_char,
    /// Bytes.
    pub p_u8: *mut u8,
    /// Numbers of 16 bits.
    pub p_u16: *mut u16,
    /// Numbers of 32 bits.
    pub p_u32: *mut u32,
    /// Anything.
    pub ptr: *mut c_void,
}

/// One control of VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct v4l2_ext_control {
    /// Which control.
    pub id: u32,
    /// Bytes of a value that is elsewhere.
    pub size: u32,
    /// Zero.
    pub reserved2: [u32; 1],
    /// The value.
    pub __bindgen_anon_1: v4l2_ext_control__bindgen_ty_1,
}
layout!(v4l2_ext_control: 20, __bindgen_anon_1 at 12);
