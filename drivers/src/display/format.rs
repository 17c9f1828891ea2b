//! How a pixel lies in a buffer: the formats of `drm_fourcc.h` that a screen is filled in.

/// A format of 16, 24 or 32 bits a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Bytes blue, green, red, and one that is not looked at.
    Xrgb8888,
    /// Bytes blue, green, red, alpha.
    Argb8888,
    /// Bytes red, green, blue, and one that is not looked at.
    Xbgr8888,
    /// Bytes red, green, blue, alpha.
    Abgr8888,
    /// Bytes blue, green, red.
    Rgb888,
    /// Bytes red, green, blue.
    Bgr888,
    /// 16 bits, low byte first: red 5, green 6, blue 5 from the top.
    Rgb565,
}

impl Format {
    /// All, the one to prefer first. Not every screen has the first: that of a ZynqMP takes no format
    /// without alpha in 32 bits.
    pub const ALL: [Format; 7] = [
        Format::Xrgb8888,
        Format::Argb8888,
        Format::Xbgr8888,
        Format::Abgr8888,
        Format::Rgb565,
        Format::Rgb888,
        Format::Bgr888,
    ];

    /// The code of `drm_fourcc.h`.
    pub fn fourcc(self) -> u32 {
        u32::from_le_bytes(*match self {
            Format::Xrgb8888 => b"XR24",
            Format::Argb8888 => b"AR24",
            Format::Xbgr8888 => b"XB24",
            Format::Abgr8888 => b"AB24",
            Format::Rgb888 => b"RG24",
            Format::Bgr888 => b"BG24",
            Format::Rgb565 => b"RG16",
        })
    }

    /// Bytes of a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Format::Rgb565 => 2,
            Format::Rgb888 | Format::Bgr888 => 3,
            _ => 4,
        }
    }

    /// The best of some codes.
    pub fn best(codes: &[u32]) -> Option<Format> {
        let known = |format: &Format| codes.contains(&format.fourcc());
        Format::ALL.into_iter().find(known)
    }

    /// Writes pixels.
    ///
    /// # Panics
    /// If `out` has other than [`bytes`](Format::bytes) bytes a pixel.
    pub fn write(self, pixels: &[[u8; 3]], out: &mut [u8]) {
        assert_eq!(
            out.len(),
            pixels.len() * self.bytes(),
            "a place for each pixel"
        );
        match self {
            Format::Xrgb8888 | Format::Argb8888 => each(pixels, out, |[r, g, b]| [b, g, r, 255]),
            Format::Xbgr8888 | Format::Abgr8888 => each(pixels, out, |[r, g, b]| [r, g, b, 255]),
            Format::Rgb888 => each(pixels, out, |[r, g, b]| [b, g, r]),
            Format::Bgr888 => each(pixels, out, |pixel| pixel),
            Format::Rgb565 => each(pixels, out, |[r, g, b]| {
                let [r, g, b] = [r >> 3, g >> 2, b >> 3].map(u16::from);
                (r << 11 | g << 5 | b).to_le_bytes()
            }),
        }
    }
}

fn each<const N: usize>(pixels: &[[u8; 3]], out: &mut [u8], put: impl Fn([u8; 3]) -> [u8; N]) {
    let (places, _) = out.as_chunks_mut::<N>();
    for (place, pixel) in places.iter_mut().zip(pixels) {
        *place = put(*pixel);
    }
}

/// A code as people write it; codes of other formats too.
pub fn name(fourcc: u32) -> String {
    let shown = |byte: u8| {
        if byte.is_ascii_graphic() {
            byte as char
        } else {
            '?'
        }
    };
    fourcc.to_le_bytes().map(shown).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_lie_as_the_kernel_says() {
        // drm_fourcc.h names components from the highest bit of the little-endian pixel down.
        let colour = [0x12, 0x34, 0x56];
        for (format, bytes) in [
            (Format::Xrgb8888, vec![0x56, 0x34, 0x12, 255]),
            (Format::Abgr8888, vec![0x12, 0x34, 0x56, 255]),
            (Format::Rgb888, vec![0x56, 0x34, 0x12]),
            (Format::Bgr888, vec![0x12, 0x34, 0x56]),
            (
                Format::Rgb565,
                (0b00010 << 11 | 0b00_1101 << 5 | 0b01010_u16)
                    .to_le_bytes()
                    .to_vec(),
            ),
        ] {
            let mut pixel = vec![0; format.bytes()];
            format.write(&[colour], &mut pixel);
            assert_eq!(pixel, bytes, "{format:?}");
        }
    }

    #[test]
    fn the_best_of_what_a_screen_has() {
        let code = |text: &[u8; 4]| u32::from_le_bytes(*text);
        // vkms, virtio-gpu, and the graphics plane of a ZynqMP.
        let vkms = [b"AR24", b"XR24", b"RG16"].map(code);
        assert_eq!(Format::best(&vkms), Some(Format::Xrgb8888));
        let zynqmp = [
            b"AB24", b"AR24", b"RA24", b"BA24", b"BG24", b"RG24", b"RG16",
        ]
        .map(code);
        assert_eq!(Format::best(&zynqmp), Some(Format::Argb8888));
        assert_eq!(Format::best(&[code(b"NV12")]), None);
        assert_eq!(name(code(b"NV12")), "NV12");
        assert_eq!(name(1), "????");
    }
}
