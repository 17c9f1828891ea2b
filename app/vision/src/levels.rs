//! From resampled pixels to the numbers that the network reads.

use tincy_network::{Number, Picture};

/// A type that an input is made of: f32, or u8 and i8 for codes.
pub trait Sample: Copy + private::Sealed {
    /// Whether the type holds numbers of this kind.
    fn holds(number: Number) -> bool;
    #[doc(hidden)]
    fn make(value: f32, number: Number) -> Self;
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
}

impl Sample for u8 {
    fn holds(number: Number) -> bool {
        number.code().is_some_and(|code| !code.signed)
    }

    #[inline(always)]
    fn make(value: f32, number: Number) -> u8 {
        number.code().map_or(0, |code| code.quantize(value)) as u8
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
    /// The value of each byte, channel after channel.
    table: Vec<f32>,
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
            table: (0..channels)
                .flat_map(|channel| (0..=255).map(move |byte| value(channel, byte)))
                .collect(),
        }
    }

    /// Whole pixels of one grey, given in units of pixel / 255.
    pub(crate) fn fill<S: Sample>(&self, grey: f32, samples: &mut [S]) {
        for channel in 0..self.channels {
            let value = S::make(self.value(grey, channel), self.number);
            let samples = samples.iter_mut().skip(channel).step_by(self.channels);
            samples.for_each(|sample| *sample = value);
        }
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

    /// From reals in units of a pixel's levels, rounded half up to 8 bits first.
    pub(crate) fn bytes<S: Sample>(&self, line: &[f64], samples: &mut [S]) {
        let pixels = line.chunks_exact(self.channels);
        for (sample, pixel) in samples.chunks_exact_mut(self.channels).zip(pixels) {
            for channel in 0..self.channels {
                let byte = (pixel[channel] + 0.5) as u8;
                let value = self.table[256 * channel + usize::from(byte)];
                sample[channel] = S::make(value, self.number);
            }
        }
    }

    fn value(&self, real: f32, channel: usize) -> f32 {
        (real - self.mean[channel]) / self.std[channel]
    }
}
