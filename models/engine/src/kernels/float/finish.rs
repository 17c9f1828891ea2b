//! From sums to the output: scale, bias, activation, and rounding to codes.
#![allow(unsafe_code)]

use super::function::{self, With};
use super::tile::LANES;
use crate::parts::Parts;
use crate::tensor::{Buffer, TensorMut};
use tincy_network::{Activation, Affine, Code};

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

    fn lane_values(values: &Buffer, lanes: usize, panel: usize) -> &[f32; LANES] {
        &values.slice::<f32>(lanes).as_chunks::<LANES>().0[panel]
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
        let rounded = steps.max(self.low).min(self.high) + ROUND;
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
            (Output::Floats(floats), _) => self.any(floats, function),
            (Output::Bytes(bytes), Some(quantize)) => {
                self.any(bytes, |x| quantize.code(function(x)));
            }
            (Output::Bytes(_), None) => unreachable!("a map of bytes takes codes"),
        }
    }
}

impl Store<'_> {
    /// Whole panels, the common case, are copied with a length that the compiler knows.
    #[inline(always)]
    fn any<T: Copy + Default>(&self, output: &Parts<'_, T>, function: impl Fn(f32) -> T + Copy) {
        match self.0.channels {
            LANES => self.rows(output, LANES, function),
            channels => self.rows(output, channels, function),
        }
    }

    #[inline(always)]
    fn rows<T: Copy + Default>(
        &self,
        output: &Parts<'_, T>,
        channels: usize,
        function: impl Fn(f32) -> T + Copy,
    ) {
        let rows = self.0;
        let scale = *Finish::lane_values(&rows.finish.scale, rows.finish.lanes, rows.panel);
        let bias = *Finish::lane_values(&rows.finish.bias, rows.finish.lanes, rows.panel);
        for (p, sums) in rows.sums.as_chunks::<LANES>().0.iter().enumerate() {
            // Arrays of its own for a row, so that the compiler sees that nothing overlaps.
            let sums = *sums;
            let mut values = [0f32; LANES];
            for o in 0..LANES {
                values[o] = sums[o] * scale[o] + bias[o];
            }
            let mut results = [T::default(); LANES];
            for o in 0..LANES {
                results[o] = function(values[o]);
            }
            let start = rows.start + p * rows.step;
            // SAFETY: whoever called `Rows::store` promised that these elements are its own.
            let row = unsafe { output.part(start..start + channels) };
            row.copy_from_slice(&results[..channels]);
        }
    }
}
