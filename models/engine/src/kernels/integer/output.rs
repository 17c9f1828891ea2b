//! Where finished channels go: the map that is written, which members of a team write in different
//! places.

#![allow(unsafe_code)]

use super::arch::{Arch, LANES, MOST_PIXELS, Sums};
use super::finish::{Finish, Row};
use crate::parts::Parts;
use crate::tensor::TensorMut;
use std::ops::Range;

/// The map that is written.
pub(in crate::kernels) enum Output<'a> {
    F32(Parts<'a, f32>),
    /// Signed codes too: their bytes.
    Codes(Parts<'a, u8>),
}

/// A panel's channels of some pixels, one after the other.
pub(in crate::kernels) struct Spot<'a> {
    pub(in crate::kernels) pixels: Range<usize>,
    /// The panel's number and its channels.
    pub(in crate::kernels) panel: usize,
    pub(in crate::kernels) outputs: &'a Range<usize>,
    /// Channels of the map.
    pub(in crate::kernels) channels: usize,
}

impl Spot<'_> {
    /// The elements of each pixel.
    #[inline(always)]
    fn elements(&self) -> impl Iterator<Item = Range<usize>> {
        let (outputs, channels) = (self.outputs, self.channels);
        self.pixels
            .clone()
            .map(move |pixel| pixel * channels + outputs.start..pixel * channels + outputs.end)
    }
}

impl<'a> Output<'a> {
    pub(in crate::kernels) fn new(map: TensorMut<'a>) -> Output<'a> {
        match map {
            TensorMut::F32(values) => Output::F32(Parts::new(values)),
            codes => Output::Codes(Parts::new(codes.bytes())),
        }
    }

    /// Finishes the sums of at most [`MOST_PIXELS`] pixels.
    ///
    /// # Safety
    /// Nobody else writes the spot meanwhile.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn finish<A: Arch>(
        &self,
        arch: A,
        finish: &Finish,
        spot: &Spot<'_>,
        sums: &Sums,
    ) {
        match finish {
            Finish::Requantize(levels) => {
                let mut bytes = [[0; LANES]; MOST_PIXELS];
                let count = spot.pixels.len();
                arch.requantize(levels, spot.panel, sums, count, &mut bytes);
                levels.look_up_by_channel(spot.panel, &mut bytes[..count]);
                // SAFETY: the caller's promise.
                unsafe { self.store(spot, &bytes) };
            }
            Finish::Pixel(finish) => {
                for (elements, sums) in spot.elements().zip(sums) {
                    let mut row = match self {
                        // SAFETY: the caller's promise.
                        Output::F32(parts) => Row::F32(unsafe { parts.part(elements) }),
                        // SAFETY: as above.
                        Output::Codes(parts) => Row::Codes(unsafe { parts.part(elements) }),
                    };
                    arch.finish(finish, spot.panel, sums, &mut row);
                }
            }
        }
    }

    /// Writes codes. Whole panels are most of the work, and sixteen bytes one move.
    ///
    /// # Safety
    /// Nobody else writes the spot meanwhile.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn store(&self, spot: &Spot<'_>, bytes: &[[u8; LANES]]) {
        let Output::Codes(parts) = self else {
            panic!("codes were written as floats");
        };
        for (elements, bytes) in spot.elements().zip(bytes) {
            // SAFETY: the caller's promise.
            let row = unsafe { parts.part(elements) };
            match row.as_mut_array() {
                Some(row) => *row = *bytes,
                None => row.copy_from_slice(&bytes[..row.len()]),
            }
        }
    }
}
