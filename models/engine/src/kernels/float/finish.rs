//! From sums to the output: scale, bias, activation, and rounding to codes.
#![allow(unsafe_code)]

use super::function::{self, With};
use super::tile::LANES;
use crate::parts::Parts;
use crate::tensor::{Buffer, TensorMut};
use tincy_network::{Activation, Affine, Code};

/// Pixels of a pool: 2x2.
pub(super) const POOLED: usize = 4;

/// What becomes of the sums, with one scale and bias for each lane of each panel.
pub(super) struct Finish {
    scale: Buffer,
    bias: Buffer,
    lanes: usize,
    activation: Activation,
    quantize: Option<Quantize>,
}

impl Finish {
    /// `channels` has the output channel of each lane, if it has one.
    pub(super) fn new(affine: &Affine, channels: &[Option<usize>]) -> Finish {
        let pick = |values: &[f32], o: &Option<usize>| o.and_then(|o| values.get(o).copied());
        let of = |values: &[f32], otherwise: f32| -> Buffer {
            let lane = |o| pick(values, o).unwrap_or(otherwise);
            Buffer::from_slice(&channels.iter().map(lane).collect::<Vec<f32>>())
        };
        Finish {
            scale: of(&affine.scale, 1.0),
            bias: of(&affine.bias, 0.0),
            lanes: channels.len(),
            activation: affine.activation,
            quantize: affine.output.code().map(Quantize::new),
        }
    }

    #[inline(always)]
    fn lanes(&self, panel: usize) -> Lanes {
        Lanes {
            scale: self.scale.slice::<f32>(self.lanes).as_chunks().0[panel],
            bias: self.bias.slice::<f32>(self.lanes).as_chunks().0[panel],
        }
    }
}

/// [`Code::quantize`] for sums at hand, in operations that vectorise.
#[derive(Clone, Copy)]
struct Quantize {
    inverse: f32,
    low: f32,
    high: f32,
    zero: i32,
}

impl Quantize {
    fn new(code: Code) -> Quantize {
        Quantize {
            inverse: code.inverse_scale(),
            low: (code.min() - code.zero) as f32,
            high: (code.max() - code.zero) as f32,
            zero: code.zero,
        }
    }

    /// The code's byte, signed or not.
    #[inline(always)]
    fn code(self, value: f32) -> u8 {
        // Adding 1.5 * 2^23 rounds to an integer, ties to even, in the last bits.
        const ROUND: f32 = 12_582_912.0;
        let steps = value * self.inverse;
        let steps = if steps.is_nan() { 0.0 } else { steps };
        // Comparisons, since `max` and `min` would ask for NaN again.
        let steps = if steps > self.low { steps } else { self.low };
        let steps = if steps < self.high { steps } else { self.high };
        let rounded = steps + ROUND;
        let code = (rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32) + self.zero;
        code as u8
    }
}

/// The output map, written by several threads.
pub(super) enum Output<'a> {
    Floats(Parts<'a, f32>),
    Bytes(Parts<'a, u8>),
}

impl<'a> Output<'a> {
    pub(super) fn new(output: TensorMut<'a>) -> Output<'a> {
        match output {
            TensorMut::F32(values) => Output::Floats(Parts::new(values)),
            TensorMut::U8(codes) => Output::Bytes(Parts::new(codes)),
            TensorMut::I8(codes) => Output::Bytes(Parts::new(bytemuck::cast_slice_mut(codes))),
        }
    }
}

/// The sums of some pixels and one panel, and where their results go.
pub(super) struct Rows<'a> {
    pub(super) finish: &'a Finish,
    pub(super) panel: usize,
    /// `[pixel][LANES]`.
    pub(super) sums: &'a [f32],
    pub(super) output: &'a Output<'a>,
    /// Output element of the first pixel's first channel.
    pub(super) start: usize,
    /// Output elements from pixel to pixel.
    pub(super) step: usize,
    /// Channels, at most [`LANES`].
    pub(super) channels: usize,
    /// Whether of each [`POOLED`] pixels the largest values become one pixel of floats.
    pub(super) pooled: bool,
}

impl Rows<'_> {
    /// Finishes all pixels.
    ///
    /// # Safety
    /// No other thread writes these output elements.
    #[inline(always)]
    pub(super) unsafe fn store(&self) {
        function::with(self.finish.activation, Store(self));
    }
}

/// Rows whose output elements this thread alone may write: made by [`Rows::store`] only.
struct Store<'a>(&'a Rows<'a>);

impl With for Store<'_> {
    #[inline(always)]
    fn with(self, function: impl Fn(f32) -> f32 + Copy) {
        match (self.0.output, self.0.finish.quantize) {
            (Output::Floats(floats), _) if self.0.pooled => {
                self.any::<POOLED, f32>(floats, function, |x| x);
            }
            (Output::Floats(floats), _) => self.any::<1, f32>(floats, function, |x| x),
            (Output::Bytes(bytes), Some(quantize)) => {
                self.any::<1, u8>(bytes, function, |x| quantize.code(x));
            }
            (Output::Bytes(_), None) => unreachable!("a map of bytes takes codes"),
        }
    }
}

impl Store<'_> {
    /// Whole panels, the common case, are copied with a length that the compiler knows.
    #[inline(always)]
    fn any<const W: usize, T: Copy + Default>(
        &self,
        output: &Parts<'_, T>,
        function: impl Fn(f32) -> f32 + Copy,
        code: impl Fn(f32) -> T + Copy,
    ) {
        match self.0.channels {
            LANES => self.rows::<W, T>(output, LANES, function, code),
            channels => self.rows::<W, T>(output, channels, function, code),
        }
    }

    /// Finishes `W` pixels at a time, of which the largest values become the output.
    #[inline(always)]
    fn rows<const W: usize, T: Copy + Default>(
        &self,
        output: &Parts<'_, T>,
        channels: usize,
        function: impl Fn(f32) -> f32 + Copy,
        code: impl Fn(f32) -> T + Copy,
    ) {
        let rows = self.0;
        let affine = rows.finish.lanes(rows.panel);
        let windows = rows.sums.as_chunks::<LANES>().0.as_chunks::<W>().0;
        for (p, window) in windows.iter().enumerate() {
            let mut values = affine.apply(window[0], function);
            if W > 1 {
                // As the pool on its own: NaN is never the largest.
                let mut largest = [f32::NEG_INFINITY; LANES];
                for sums in window {
                    values = affine.apply(*sums, function);
                    for o in 0..LANES {
                        if values[o] > largest[o] {
                            largest[o] = values[o];
                        }
                    }
                }
                values = largest;
            }
            let mut results = [T::default(); LANES];
            for o in 0..LANES {
                results[o] = code(values[o]);
            }
            let start = rows.start + p * rows.step;
            // SAFETY: whoever called `Rows::store` promised that these elements are its own.
            let row = unsafe { output.part(start..start + channels) };
            row.copy_from_slice(&results[..channels]);
        }
    }
}

/// Scale and bias of a panel's lanes.
struct Lanes {
    scale: [f32; LANES],
    bias: [f32; LANES],
}

impl Lanes {
    /// Arrays of its own for a row, so that the compiler sees that nothing overlaps.
    #[inline(always)]
    fn apply(&self, sums: [f32; LANES], function: impl Fn(f32) -> f32) -> [f32; LANES] {
        let mut values = [0f32; LANES];
        for o in 0..LANES {
            values[o] = sums[o] * self.scale[o] + self.bias[o];
        }
        for o in 0..LANES {
            values[o] = function(values[o]);
        }
        values
    }
}
