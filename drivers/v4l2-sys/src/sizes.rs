//! Structures of which only the size matters, as part of a request's number: `v4l` names these
//! requests and never makes them.

/// A television standard, as bits.
pub type v4l2_std_id = u64;

/// Structures of so many 32-bit words.
macro_rules! opaque {
    ($($name:ident: $words:literal, $request:literal;)*) => {$(
        #[doc = concat!("What ", $request, " exchanges.")]
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        pub struct $name([u32; $words]);
    )*};
}

opaque! {
    v4l2_framebuffer: 12, "VIDIOC_G_FBUF";
    v4l2_exportbuffer: 16, "VIDIOC_EXPBUF";
    v4l2_standard: 18, "VIDIOC_ENUMSTD";
    v4l2_input: 20, "VIDIOC_ENUMINPUT";
    v4l2_tuner: 21, "VIDIOC_G_TUNER";
    v4l2_audio: 13, "VIDIOC_G_AUDIO";
    v4l2_queryctrl: 17, "VIDIOC_QUERYCTRL";
    v4l2_edid: 10, "VIDIOC_G_EDID";
    v4l2_output: 18, "VIDIOC_ENUMOUTPUT";
    v4l2_audioout: 13, "VIDIOC_G_AUDOUT";
    v4l2_modulator: 17, "VIDIOC_G_MODULATOR";
    v4l2_frequency: 11, "VIDIOC_G_FREQUENCY";
    v4l2_cropcap: 11, "VIDIOC_CROPCAP";
    v4l2_crop: 5, "VIDIOC_G_CROP";
    v4l2_jpegcompression: 35, "VIDIOC_G_JPEGCOMP";
    v4l2_sliced_vbi_cap: 29, "VIDIOC_G_SLICED_VBI_CAP";
    v4l2_ext_controls: 8, "VIDIOC_G_EXT_CTRLS";
    v4l2_enc_idx: 518, "VIDIOC_G_ENC_INDEX";
    v4l2_encoder_cmd: 10, "VIDIOC_ENCODER_CMD";
}
