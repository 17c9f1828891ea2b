//! What a file is, by its content; by its name only where content cannot tell.

use std::path::Path;

/// Bytes from the start of a file that [`Kind::of`] wants to see.
pub const HEAD_BYTES: usize = 64;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JPEG, or JPEGs one after another.
    Jpeg,
    /// Another picture format.
    Picture,
    /// `YUV4MPEG2`.
    Y4m,
    /// RIFF AVI.
    Avi,
    /// Another recording, for ffmpeg.
    Recording,
    /// Nothing that is known.
    Unknown,
}

impl Kind {
    /// The kind of a file that starts with `head`.
    pub fn of(head: &[u8], name: &Path) -> Kind {
        match by_content(head) {
            Kind::Unknown if has_extension(name, &["tga"]) => Kind::Picture,
            kind => kind,
        }
    }

    /// Whether `tincy detect` takes it.
    pub fn is_picture(self) -> bool {
        matches!(self, Kind::Jpeg | Kind::Picture)
    }

    /// Whether `tincy replay` takes it.
    pub fn is_recording(self) -> bool {
        matches!(self, Kind::Y4m | Kind::Avi | Kind::Recording)
    }
}

fn by_content(head: &[u8]) -> Kind {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|h| h.starts_with(magic));
    let pnm = matches!(head, [b'P', b'1'..=b'7', next, ..] if next.is_ascii_whitespace());
    let picture = at(0, b"\x89PNG") || at(0, b"GIF8") || (at(0, b"BM") && at(6, &[0; 4])) || pnm;
    let tiff = at(0, b"II*\0") || at(0, b"MM\0*");
    let webp = at(0, b"RIFF") && at(8, b"WEBP");
    let recording = at(4, b"ftyp")
        || at(4, b"moov")
        || at(4, b"mdat")
        || at(0, &[0x1A, 0x45, 0xDF, 0xA3]) // Matroska, WebM
        || at(0, b"nut/multimedia container\0")
        || at(0, b"OggS")
        || at(0, b"FLV")
        || at(0, &[0, 0, 1, 0xBA]) // MPEG program stream
        || at(0, &[0, 0, 1, 0xB3]) // MPEG video
        || at(0, &[0, 0, 0, 1]) // H.264, H.265
        || at(0, &[0x30, 0x26, 0xB2, 0x75]) // ASF, WMV
        || at(0, &[0x47, 0x40]); // MPEG transport stream
    match () {
        () if at(0, &[0xFF, 0xD8, 0xFF]) => Kind::Jpeg,
        () if picture || tiff || webp => Kind::Picture,
        () if at(0, b"YUV4MPEG2") => Kind::Y4m,
        () if at(0, b"RIFF") && at(8, b"AVI ") => Kind::Avi,
        () if recording => Kind::Recording,
        () => Kind::Unknown,
    }
}

/// Whether a name ends as pictures do.
pub fn named_picture(name: &Path) -> bool {
    const EXTENSIONS: [&str; 13] = [
        "jpg", "jpeg", "png", "bmp", "webp", "gif", "pnm", "ppm", "pgm", "pbm", "tif", "tiff",
        "tga",
    ];
    has_extension(name, &EXTENSIONS)
}

/// Whether a name ends as recordings do.
pub fn named_recording(name: &Path) -> bool {
    const EXTENSIONS: [&str; 18] = [
        "mp4", "m4v", "mov", "mkv", "webm", "avi", "y4m", "mjpeg", "mjpg", "ts", "m2ts", "mpg",
        "mpeg", "h264", "h265", "hevc", "wmv", "flv",
    ];
    has_extension(name, &EXTENSIONS)
}

fn has_extension(name: &Path, extensions: &[&str]) -> bool {
    let extension = name.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| extensions.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_the_name_only_for_tga() {
        let cases: [(&[u8], &str, Kind); 9] = [
            (b"\xFF\xD8\xFF\xE0", "a.png", Kind::Jpeg),
            (b"\x89PNG\r\n", "a.jpg", Kind::Picture),
            (b"P6\n8 6", "a", Kind::Picture),
            (b"Photos", "a.txt", Kind::Unknown),
            (b"YUV4MPEG2 W", "a.avi", Kind::Y4m),
            (b"RIFF....AVI LIST", "a", Kind::Avi),
            (b"\0\0\0\x20ftypisom", "a.avi", Kind::Recording),
            (b"\0\0\x02\0", "a.TGA", Kind::Picture),
            (b"", "a.jpg", Kind::Unknown),
        ];
        for (head, name, kind) in cases {
            assert_eq!(Kind::of(head, Path::new(name)), kind, "{name}");
        }
    }
}
