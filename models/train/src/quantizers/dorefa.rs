//! DoReFa-Net's weights (Zhou et al., 2016), 1 to 8 bits.
//!
//! ```text
//! 1 bit    q = mean |W| * sign(W) over the layer                    dE/dW = dE/dq
//! k bits   t = tanh(W),  M = max |t|,  n = 2^k - 1
//!          q = 2/n * floor(n * (t / (2 M) + 1/2) + 1/2) - 1         straight through the rounding:
//!          dE/dt = dE/dq / M, less sum(dE/dq * t) / M^2 * sign(t) where |t| = M;  dt/dW = 1 - t^2
//! ```
//!
//! Its activations are [`Uniform`](super::uniform::Uniform) on 0 to 1.

use super::loops::{mean_magnitude, sum2};
use super::rounding::half_up;
use super::{Codes, Quantizer, Shared, sign};

/// The quantizer of a layer's weights.
#[derive(Clone, Copy, Debug)]
pub struct Dorefa {
    bits: u8,
}

impl Dorefa {
    /// With weights of 1 to 8 bits.
    ///
    /// # Panics
    /// With other numbers of bits.
    pub fn new(bits: u8) -> Dorefa {
        assert!((1..=8).contains(&bits), "1 to 8 bits");
        Dorefa { bits }
    }

    /// Steps from -1 to 1.
    fn steps(self) -> f32 {
        ((1u32 << self.bits) - 1) as f32
    }

    /// Which step a weight takes, as an odd or even number from -n to n in twos.
    fn step(self, tanh: f32, largest: f32) -> f32 {
        let n = self.steps();
        2.0 * half_up(n * (tanh / (2.0 * largest) + 0.5)) - n
    }
}

/// The largest |tanh|, for weights that are all zero the smallest number that can be divided by.
fn largest_tanh(values: &[f32]) -> f32 {
    let largest = values.iter().fold(0.0, |m: f32, value| m.max(value.abs()));
    largest.tanh().max(f32::MIN_POSITIVE)
}

impl Quantizer for Dorefa {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        if self.bits == 1 {
            let scale = mean_magnitude(values);
            for (value, out) in values.iter().zip(out) {
                *out = scale * sign(*value);
            }
        } else {
            let largest = largest_tanh(values);
            for (value, out) in values.iter().zip(out) {
                *out = self.step(value.tanh(), largest) / self.steps();
            }
        }
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], _: &mut [f32]) {
        if self.bits == 1 {
            return;
        }
        let largest = largest_tanh(values);
        let pull = sum2(values, gradient, |value, up| up * value.tanh());
        let pull = (pull / f64::from(largest).powi(2)) as f32;
        let peak = |value: &f32| value.tanh().abs() == largest;
        let peaks = values.iter().filter(|value| peak(value)).count() as f32;
        for (value, gradient) in values.iter().zip(gradient) {
            let tanh = value.tanh();
            let mut by_tanh = *gradient / largest;
            if peak(value) {
                by_tanh -= pull * sign(tanh) / peaks;
            }
            *gradient = by_tanh * (1.0 - tanh * tanh);
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        let largest = largest_tanh(values);
        let code = |value: &f32| match self.bits {
            1 => sign(*value) as i16,
            _ => self.step(value.tanh(), largest) as i16,
        };
        let scale = match self.bits {
            1 => mean_magnitude(values),
            _ => 1.0 / self.steps(),
        };
        Codes {
            codes: values.iter().map(code).collect(),
            scales: vec![scale],
            shared: Shared::Layer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_by_hand() {
        let weights = [f32::MAX, 0.0, -0.4, 0.2, -f32::MAX];
        let mut out = [0.0; 5];
        Dorefa::new(2).forward(&weights, &mut out);
        // tanh -0.4 = -0.38: 3 * 0.31 rounds to 1; tanh 0 is between 1 and 2 and goes up.
        assert_eq!(out, [1.0, 1.0 / 3.0, -1.0 / 3.0, 1.0 / 3.0, -1.0]);
        assert_eq!(Dorefa::new(2).codes(&weights).codes, [3, 1, -1, 1, -3]);
        let weights = [0.5, -1.5, 0.0];
        let mut out = [0.0; 3];
        Dorefa::new(1).forward(&weights, &mut out);
        assert_eq!(out, [2.0 / 3.0, -2.0 / 3.0, 2.0 / 3.0]);
        Dorefa::new(8).forward(&[0.0; 3], &mut out);
        assert!(out.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn the_slope_is_that_of_the_function_without_rounding() {
        let weights = [0.3f32, -0.7, 0.1, 1.2, -0.05];
        let upstream = [0.5f32, -1.0, 2.0, 0.25, 1.5];
        let smooth = |weights: &[f64]| -> f64 {
            let largest = weights.iter().fold(0.0f64, |m, w| m.max(w.tanh().abs()));
            let terms = weights.iter().zip(upstream);
            terms
                .map(|(w, up)| w.tanh() / largest * f64::from(up))
                .sum()
        };
        let mut gradient = upstream;
        Dorefa::new(4).backward(&weights, &mut gradient, &mut []);
        for i in 0..5 {
            let at = |step: f64| {
                let mut moved = weights.map(f64::from);
                moved[i] += step;
                smooth(&moved)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((f64::from(gradient[i]) - expected).abs() < 1e-5, "{i}");
        }
    }
}
