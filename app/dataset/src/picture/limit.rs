//! The largest picture that is decoded; checked before any memory is taken for it.

use super::Error;

/// Pixels that a picture may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Width times height.
    pub pixels: u64,
}

impl Default for Limit {
    /// 100 megapixels: 300 MB as RGB.
    fn default() -> Limit {
        Limit {
            pixels: 100_000_000,
        }
    }
}

impl Limit {
    /// Checks a size that a file claims.
    ///
    /// # Errors
    /// If a side is 0 or the size is above the limit.
    pub fn check(self, width: usize, height: usize) -> Result<(), Error> {
        let pixels = width as u64 * height as u64;
        if pixels == 0 {
            return Err(Error::Empty { width, height });
        }
        if pixels > self.pixels {
            let limit = self.pixels;
            return Err(Error::Large {
                width,
                height,
                limit,
            });
        }
        Ok(())
    }

    /// Bytes that a decoder may take besides: deep pictures have up to 8 bytes a pixel, and
    /// decoders hold some of it twice.
    pub fn bytes(self) -> u64 {
        self.pixels.saturating_mul(12).saturating_add(1 << 20)
    }
}
