//! The kernel's two interfaces to pictures, and formats as each writes them.
//!
//! A node has one of them: the single-planar one (USB cameras and most others), or the multi-planar one
//! (Xilinx's video DMA, capture nodes of most chips), by which a frame may lie in several pieces of
//! memory. The same frames come by both, described by other structures.

use super::super::format::Format;
use super::super::fourcc::FourCc;
use super::super::kernel::Identity;
use v4l::v4l_sys::{
    v4l2_format, v4l2_format__bindgen_ty_1, v4l2_pix_format, v4l2_pix_format_mplane,
};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    SinglePlanar,
    MultiPlanar,
}

/// V4L2_PIX_FMT_PRIV_MAGIC: the fields behind are there.
const EXTENDED: u32 = 0xfeed_cafe;

/// A format that is set, and the bytes of a buffer, for each plane of memory.
pub(super) type Given = (Format, Vec<u32>);

impl Interface {
    /// That of a node.
    pub(super) fn of(identity: &Identity) -> Interface {
        match identity.is_multi_planar() {
            true => Interface::MultiPlanar,
            false => Interface::SinglePlanar,
        }
    }

    /// V4L2_BUF_TYPE_VIDEO_CAPTURE or V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE.
    pub(super) fn kind(self) -> u32 {
        match self {
            Interface::SinglePlanar => 1,
            Interface::MultiPlanar => 9,
        }
    }

    /// A format to ask for. Rows and sizes are 0, or drivers keep what another format needed.
    pub(super) fn asked(self, fourcc: FourCc, [width, height]: [u32; 2]) -> v4l2_format {
        let mut format = self.empty();
        // SAFETY: both are structures of numbers, for which zero is a value.
        let (mut single, mut multi): (v4l2_pix_format, v4l2_pix_format_mplane) =
            unsafe { std::mem::zeroed() };
        match self {
            Interface::SinglePlanar => {
                (single.width, single.height) = (width, height);
                single.pixelformat = fourcc.into();
                single.priv_ = EXTENDED;
                format.fmt.pix = single;
            }
            Interface::MultiPlanar => {
                (multi.width, multi.height) = (width, height);
                multi.pixelformat = fourcc.into();
                multi.num_planes = fourcc.planes() as u8;
                format.fmt.pix_mp = multi;
            }
        }
        format
    }

    /// A format to be filled by the kernel.
    pub(super) fn empty(self) -> v4l2_format {
        v4l2_format {
            type_: self.kind(),
            fmt: v4l2_format__bindgen_ty_1 { raw_data: [0; 200] },
        }
    }

    /// What the kernel has filled in.
    pub(super) fn given(self, format: &v4l2_format) -> Given {
        match self {
            // SAFETY: numbers, of which all bytes are set: by `empty` or `asked`, then by the kernel.
            Interface::SinglePlanar => single(unsafe { &format.fmt.pix }),
            // SAFETY: as above.
            Interface::MultiPlanar => multi(unsafe { &format.fmt.pix_mp }),
        }
    }
}

fn single(pix: &v4l2_pix_format) -> Given {
    let fourcc = FourCc::from(pix.pixelformat);
    let format = Format {
        fourcc,
        width: pix.width,
        height: pix.height,
        stride: pix.bytesperline,
        planes: 1,
        chroma_stride: 0,
        field: pix.field,
        bt709: Format::is_bt709(pix.colorspace, pix.ycbcr_enc),
        full_range: Format::is_full_range(fourcc, pix.colorspace, pix.quantization),
    };
    (format, vec![pix.sizeimage])
}

fn multi(pix: &v4l2_pix_format_mplane) -> Given {
    let fourcc = FourCc::from(pix.pixelformat);
    let (encoding, quantization) = (pix.ycbcr_enc.into(), pix.quantization.into());
    let planes = usize::from(pix.num_planes).min(pix.plane_fmt.len());
    let stride = |plane: usize| match plane < planes {
        true => pix.plane_fmt[plane].bytesperline,
        false => 0,
    };
    let format = Format {
        fourcc,
        width: pix.width,
        height: pix.height,
        stride: stride(0),
        planes: pix.num_planes.into(),
        chroma_stride: stride(1),
        field: pix.field,
        bt709: Format::is_bt709(pix.colorspace, encoding),
        full_range: Format::is_full_range(fourcc, pix.colorspace, quantization),
    };
    let sizes = pix.plane_fmt[..planes].iter().map(|plane| plane.sizeimage);
    (format, sizes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(capabilities: u32) -> Interface {
        Interface::of(&Identity {
            driver: String::new(),
            card: String::new(),
            bus: String::new(),
            capabilities,
        })
    }

    #[test]
    fn a_node_that_has_both_is_used_by_the_simpler() {
        assert_eq!(node(0x0400_0001).kind(), 1);
        assert_eq!(node(0x0400_1000).kind(), 9);
        assert_eq!(node(0x0400_1001).kind(), 1);
    }

    /// A kernel that takes everything, and whose rows end at multiples of 64 bytes.
    fn answer(mut asked: v4l2_format) -> v4l2_format {
        // SAFETY: numbers, of which all bytes are set.
        let mut pix = unsafe { asked.fmt.pix_mp };
        assert_eq!(asked.type_, 9);
        for plane in &mut pix.plane_fmt[..usize::from(pix.num_planes)] {
            assert_eq!((plane.bytesperline, plane.sizeimage), (0, 0));
            plane.bytesperline = pix.width.next_multiple_of(64);
            plane.sizeimage = plane.bytesperline * pix.height + 4096;
        }
        pix.plane_fmt[1].bytesperline *= 2;
        (pix.field, pix.colorspace, pix.quantization) = (1, 3, 1);
        asked.fmt.pix_mp = pix;
        asked
    }

    #[test]
    fn both_interfaces_write_the_same_format() {
        let multi = Interface::MultiPlanar;
        let (format, sizes) = multi.given(&answer(multi.asked(FourCc::NV12M, [100, 50])));
        let expected = Format {
            fourcc: FourCc::NV12M,
            width: 100,
            height: 50,
            stride: 128,
            planes: 2,
            chroma_stride: 256,
            field: 1,
            bt709: true,
            full_range: true,
        };
        assert_eq!(format, expected);
        assert_eq!(sizes, [128 * 50 + 4096; 2]);
        let (format, sizes) = multi.given(&answer(multi.asked(FourCc::GREY, [100, 50])));
        let expected = Format {
            fourcc: FourCc::GREY,
            planes: 1,
            chroma_stride: 0,
            ..expected
        };
        assert_eq!((format, sizes.len()), (expected, 1));
        let single = Interface::SinglePlanar;
        let mut asked = single.asked(FourCc::GREY, [100, 50]);
        // SAFETY: as above.
        let extended = unsafe { asked.fmt.pix.priv_ };
        assert_eq!((asked.type_, extended), (1, EXTENDED));
        asked.fmt.pix.bytesperline = 128;
        asked.fmt.pix.sizeimage = 6400;
        (asked.fmt.pix.field, asked.fmt.pix.colorspace) = (1, 3);
        asked.fmt.pix.quantization = 1;
        assert_eq!(single.given(&asked), (expected, vec![6400]));
    }

    #[test]
    fn more_planes_than_there_can_be_are_not_read() {
        let multi = Interface::MultiPlanar;
        let mut format = multi.asked(FourCc::NV12M, [64, 64]);
        format.fmt.pix_mp.num_planes = 255;
        let (given, sizes) = multi.given(&format);
        assert_eq!((given.planes, sizes.len()), (255, 8));
        format.fmt.pix_mp.num_planes = 0;
        assert_eq!(multi.given(&format).1, [0; 0]);
    }
}
