//! From resampled pixels to the numbers that the network reads.

use tincy_network::{Number, Picture};

/// A type that an input is made of: f32, or u8 and i8 for codes.
pub trait Sample: Copy + PartialEq + private::Sealed {
    /// Whether the type holds numbers of this kind.
    fn holds(number: Number) -> bool;
    #[doc(hidden)]
    fn make(value: f32, number: Number) -> Self;
    #[doc(hidden)]
    fn table(table: &Table) -> &[[Self; 256]];
    /// The samples themselves, if they are f32.
    #[doc(hidden)]
    fn floats(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u8 {}
    impl Sealed for i8 {}
}

impl Sample for f32 {
    fn holds(number: Number) -> bool {
        number == Number::F32
    }

    #[inline(always)]
    fn make(value: f32, _: Number) -> f32 {
        value
    }

    fn table(table: &Table) -> &[[f32; 256]] {
        &table.floats
    }

    fn floats(samples: &mut [f32]) -> Option<&mut [f32]> {
        Some(samples)
    }
}

impl Sample for u8 {
    fn holds(number: Number) -> bool {
        number.code().is_some_and(|code| !code.signed)
    }

    #[inline(always)]
    fn make(value: f32, number: Number) -> u8 {
        number.code().map_or(0, |code| code.quantize(value)) as u8
    }

    fn table(table: &Table) -> &[[u8; 256]] {
        &table.unsigned
    }
}

impl Sample for i8 {
    fn holds(number: Number) -> bool {
        number.code().is_some_and(|code| code.signed)
    }

    #[inline(always)]
    fn make(value: f32, number: Number) -> i8 {
        number.code().map_or(0, |code| code.quantize(value)) as i8
    }

    fn table(table: &Table) -> &[[i8; 256]] {
        &table.signed
    }
}

/// What the network reads for each byte, a table a channel, in each type that it may read.
#[derive(Clone, Debug)]
pub struct Table {
    floats: Vec<[f32; 256]>,
    unsigned: Vec<[u8; 256]>,
    signed: Vec<[i8; 256]>,
}

impl Table {
    /// From the real value of a channel's byte.
    fn new(channels: usize, number: Number, value: impl Fn(usize, u8) -> f32) -> Table {
        fn samples<S: Sample>(floats: &[[f32; 256]], number: Number) -> Vec<[S; 256]> {
            let channel = |values: &[f32; 256]| values.map(|value| S::make(value, number));
            floats.iter().map(channel).collect()
        }
        let channel = |channel| std::array::from_fn(|byte| value(channel, byte as u8));
        let floats: Vec<[f32; 256]> = (0..channels).map(channel).collect();
        Table {
            unsigned: samples(&floats, number),
            signed: samples(&floats, number),
            floats,
        }
    }
}

/// `(pixel / 255 - mean) / std`, quantized where the input is a code.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    number: Number,
    channels: usize,
    mean: [f32; 3],
    std: [f32; 3],
    /// Whether the mean is 0 and the deviation 1, so that nothing is to be done.
    plain: bool,
    table: Table,
}

impl Levels {
    pub(crate) fn new(picture: &Picture, channels: usize, number: Number) -> Levels {
        let (mean, std) = (picture.mean, picture.std);
        let value =
            |channel: usize, byte: u8| (f32::from(byte) / 255.0 - mean[channel]) / std[channel];
        Levels {
            number,
            channels,
            mean,
            std,
            plain: mean == [0.0; 3] && std == [1.0; 3],
            table: Table::new(channels, number, value),
        }
    }

    /// Whole pixels of one grey, given in units of pixel / 255.
    pub(crate) fn fill<S: Sample>(&self, grey: f32, samples: &mut [S]) {
        let pixel = [0, 1, 2].map(|channel| S::make(self.value(grey, channel), self.number));
        let pixel = &pixel[..self.channels];
        if pixel.iter().all(|sample| *sample == pixel[0]) {
            samples.fill(pixel[0]);
            return;
        }
        for samples in samples.chunks_exact_mut(self.channels) {
            samples.copy_from_slice(pixel);
        }
    }

    /// The samples, if they are the reals in units of pixel / 255 themselves.
    pub(crate) fn unchanged<'a, S: Sample>(&self, samples: &'a mut [S]) -> Option<&'a mut [f32]> {
        S::floats(samples).filter(|_| self.plain)
    }

    /// From reals in units of pixel / 255.
    pub(crate) fn reals<S: Sample>(&self, line: &[f32], samples: &mut [S]) {
        if self.plain {
            for (sample, &real) in samples.iter_mut().zip(line) {
                *sample = S::make(real, self.number);
            }
            return;
        }
        let pixels = line.chunks_exact(self.channels);
        for (sample, pixel) in samples.chunks_exact_mut(self.channels).zip(pixels) {
            for channel in 0..self.channels {
                sample[channel] = S::make(self.value(pixel[channel], channel), self.number);
            }
        }
    }

    /// From bytes.
    pub(crate) fn bytes<S: Sample>(&self, line: &[u8], samples: &mut [S]) {
        match S::table(&self.table) {
            [grey] => {
                for (sample, &byte) in samples.iter_mut().zip(line) {
                    *sample = grey[usize::from(byte)];
                }
            }
            [a, b, c] => {
                let pixels = samples.as_chunks_mut::<3>().0.iter_mut();
                for (pixel, bytes) in pixels.zip(line.as_chunks::<3>().0) {
                    let [x, y, z] = bytes.map(usize::from);
                    *pixel = [a[x], b[y], c[z]];
                }
            }
            _ => {}
        }
    }

    fn value(&self, real: f32, channel: usize) -> f32 {
        (real - self.mean[channel]) / self.std[channel]
    }
}
