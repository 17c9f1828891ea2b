//! Reading the shared golden files.

use std::path::{Path, PathBuf};

/// A folder of the shared data, or `None`, said aloud, where it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: needs ../shared/{name}");
    None
}

/// A whole file.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of little-endian floats.
pub(crate) fn read_floats(path: &Path) -> Vec<f32> {
    let bytes = read(path);
    let words = bytes.chunks_exact(4);
    words
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// Codes of `bits` bits, `channels` a pixel, each pixel in `pixel_bytes` whole bytes.
pub(crate) fn unpack(bytes: &[u8], bits: usize, channels: usize, pixel_bytes: usize) -> Vec<u8> {
    let code = |pixel: &[u8], channel: usize| -> u8 {
        let bit = |i: usize| pixel[i / 8] >> (i % 8) & 1;
        (0..bits).map(|b| bit(channel * bits + b) << b).sum()
    };
    let pixels = bytes.chunks_exact(pixel_bytes);
    pixels
        .flat_map(|pixel| (0..channels).map(|c| code(pixel, c)).collect::<Vec<_>>())
        .collect()
}

/// A square map whose x and y are exchanged.
pub(crate) fn transpose<T: Copy>(map: &[T], channels: usize) -> Vec<T> {
    let side = (map.len() / channels).isqrt();
    let pixels = (0..side * side).map(|pixel| pixel % side * side + pixel / side);
    pixels
        .flat_map(|pixel| map[pixel * channels..][..channels].to_vec())
        .collect()
}
