//! Activation functions and their slopes, on whole slices.
//!
//! Values are those of [`Activation::apply`] within a few units in the last place.

use crate::vector::{Repeated, vectorised};
use tincy_network::Activation;

/// Whether the slope must be computed from the sum, because the output does not tell it.
pub(crate) fn needs_sum(activation: Activation) -> bool {
    match activation {
        Activation::Swish | Activation::Mish | Activation::HardSwish => true,
        Activation::Leaky { slope } => slope <= 0.0,
        _ => false,
    }
}

/// Something done with a function of one number, compiled for each function on its own.
trait With {
    fn with(self, function: impl Fn(f32) -> f32 + Copy);
}

/// `y = f(z)`.
#[inline(always)]
fn value(activation: Activation, user: impl With) {
    match activation {
        Activation::Linear => user.with(
            #[inline(always)]
            |z| z,
        ),
        Activation::Relu => user.with(
            #[inline(always)]
            |z| z.max(0.0),
        ),
        Activation::Relu6 => user.with(
            #[inline(always)]
            |z| z.clamp(0.0, 6.0),
        ),
        Activation::Leaky { slope } => {
            user.with(
                #[inline(always)]
                move |z| if z > 0.0 { z } else { slope * z },
            );
        }
        Activation::Logistic => user.with(logistic),
        Activation::Swish => user.with(
            #[inline(always)]
            |z| z * logistic(z),
        ),
        Activation::Mish => user.with(
            #[inline(always)]
            |z| z * soft_tanh(z),
        ),
        Activation::Tanh => user.with(
            #[inline(always)]
            |z| 2.0 * logistic(2.0 * z) - 1.0,
        ),
        Activation::Elu => user.with(
            #[inline(always)]
            |z| if z >= 0.0 { z } else { exp(z) - 1.0 },
        ),
        Activation::HardSwish => {
            user.with(
                #[inline(always)]
                |z| z * (z + 3.0).clamp(0.0, 6.0) / 6.0,
            );
        }
        Activation::HardSigmoid => user.with(
            #[inline(always)]
            |z| (z / 6.0 + 0.5).clamp(0.0, 1.0),
        ),
    }
}

/// `f'`, from the sum where [`needs_sum`] says so, else from the output.
#[inline(always)]
fn slope(activation: Activation, user: impl With) {
    match activation {
        Activation::Linear => {}
        Activation::Relu => user.with(
            #[inline(always)]
            |y| if y > 0.0 { 1.0 } else { 0.0 },
        ),
        Activation::Relu6 => {
            user.with(
                #[inline(always)]
                |y| if y > 0.0 && y < 6.0 { 1.0 } else { 0.0 },
            );
        }
        Activation::Leaky { slope } => {
            user.with(
                #[inline(always)]
                move |v| if v > 0.0 { 1.0 } else { slope },
            );
        }
        Activation::Logistic => user.with(
            #[inline(always)]
            |y| y * (1.0 - y),
        ),
        Activation::Swish => user.with(
            #[inline(always)]
            |z| {
                let s = logistic(z);
                s * (1.0 + z * (1.0 - s))
            },
        ),
        Activation::Mish => user.with(
            #[inline(always)]
            |z| {
                let t = soft_tanh(z);
                t + z * (1.0 - t * t) * logistic(z)
            },
        ),
        Activation::Tanh => user.with(
            #[inline(always)]
            |y| 1.0 - y * y,
        ),
        Activation::Elu => user.with(
            #[inline(always)]
            |y| if y >= 0.0 { 1.0 } else { y + 1.0 },
        ),
        Activation::HardSwish => user.with(
            #[inline(always)]
            |z| {
                let inside = (2.0 * z + 3.0) / 6.0;
                let above = if z >= 3.0 { 1.0 } else { inside };
                if z <= -3.0 { 0.0 } else { above }
            },
        ),
        Activation::HardSigmoid => {
            user.with(
                #[inline(always)]
                |y| if y > 0.0 && y < 1.0 { 1.0 / 6.0 } else { 0.0 },
            );
        }
    }
}

/// Adds each channel's bias to `sums` and writes the activation of the result to `output`.
pub(crate) fn finish_into(
    activation: Activation,
    bias: Option<&Repeated>,
    sums: &mut [f32],
    output: &mut [f32],
) {
    struct Into<'a>(Option<&'a Repeated>, &'a mut [f32], &'a mut [f32]);
    impl With for Into<'_> {
        #[inline(always)]
        fn with(self, function: impl Fn(f32) -> f32 + Copy) {
            let Into(bias, sums, output) = self;
            let Some(bias) = bias.map(Repeated::values) else {
                for (z, y) in sums.iter().zip(output) {
                    *y = function(*z);
                }
                return;
            };
            let parts = sums
                .chunks_mut(bias.len())
                .zip(output.chunks_mut(bias.len()));
            for (sums, output) in parts {
                for ((z, y), b) in sums.iter_mut().zip(output).zip(bias) {
                    *z += b;
                    *y = function(*z);
                }
            }
        }
    }
    vectorised(
        #[inline(always)]
        || value(activation, Into(bias, sums, output)),
    );
}

/// As [`finish_into`], the output in place of the sums.
pub(crate) fn finish(activation: Activation, bias: Option<&Repeated>, values: &mut [f32]) {
    struct InPlace<'a>(Option<&'a Repeated>, &'a mut [f32]);
    impl With for InPlace<'_> {
        #[inline(always)]
        fn with(self, function: impl Fn(f32) -> f32 + Copy) {
            let InPlace(bias, values) = self;
            let Some(bias) = bias.map(Repeated::values) else {
                for value in values {
                    *value = function(*value);
                }
                return;
            };
            for part in values.chunks_mut(bias.len()) {
                for (value, b) in part.iter_mut().zip(bias) {
                    *value = function(*value + b);
                }
            }
        }
    }
    if activation == Activation::Linear && bias.is_none() {
        return;
    }
    vectorised(
        #[inline(always)]
        || value(activation, InPlace(bias, values)),
    );
}

/// Turns the gradient of outputs into that of sums. `known` holds the sums where [`needs_sum`],
/// else the outputs.
pub(crate) fn descend(activation: Activation, known: &[f32], gradient: &mut [f32]) {
    struct Times<'a>(&'a [f32], &'a mut [f32]);
    impl With for Times<'_> {
        #[inline(always)]
        fn with(self, function: impl Fn(f32) -> f32 + Copy) {
            for (known, gradient) in self.0.iter().zip(self.1) {
                *gradient *= function(*known);
            }
        }
    }
    vectorised(
        #[inline(always)]
        || slope(activation, Times(known, gradient)),
    );
}

/// As [`descend`], and adds each channel's gradients up into `sums`.
pub(crate) fn descend_summed(
    activation: Activation,
    known: &[f32],
    gradient: &mut [f32],
    sums: &mut [f32],
) {
    struct Summed<'a>(&'a [f32], &'a mut [f32], &'a mut [f32]);
    impl With for Summed<'_> {
        #[inline(always)]
        fn with(self, function: impl Fn(f32) -> f32 + Copy) {
            let Summed(known, gradient, sums) = self;
            let parts = known
                .chunks(sums.len())
                .zip(gradient.chunks_mut(sums.len()));
            for (known, gradient) in parts {
                for ((known, gradient), sum) in known.iter().zip(gradient).zip(&mut *sums) {
                    *gradient *= function(*known);
                    *sum += *gradient;
                }
            }
        }
    }
    let mut wide = Repeated::zeros(sums.len());
    let user = Summed(known, gradient, wide.values_mut());
    vectorised(
        #[inline(always)]
        || match activation {
            Activation::Linear => user.with(
                #[inline(always)]
                |_| 1.0,
            ),
            _ => slope(activation, user),
        },
    );
    wide.fold_into(sums);
}

/// 1 / (1 + e^-x)
#[inline(always)]
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh(ln(1 + e^x)): with u = e^x (e^x + 2) it is u / (u + 2).
#[inline(always)]
fn soft_tanh(x: f32) -> f32 {
    let e = exp(x.min(20.0));
    let u = e * (e + 2.0);
    u / (u + 2.0)
}

/// 1.5 * 2^23: added to a float below 2^22, its last bits are the float rounded to an integer.
const ROUND: f32 = 12_582_912.0;

/// e^x for x from -87 to 88; beyond, the value at the end of that range.
///
/// e^x = 2^n * e^r with |r| <= ln(2) / 2; e^r by its Taylor series to the seventh power. ln 2 is
/// split in two so that `n * high` is exact (Cody and Waite).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * HIGH - n * LOW;
    let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
    let series = 1.0 + (r + r * r * (0.5 + r * (1.0 / 6.0 + r * tail)));
    let power = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    series * f32::from_bits(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 11] = [
        Activation::Linear,
        Activation::Relu,
        Activation::Relu6,
        Activation::LEAKY,
        Activation::Logistic,
        Activation::Mish,
        Activation::Swish,
        Activation::Tanh,
        Activation::Elu,
        Activation::HardSwish,
        Activation::HardSigmoid,
    ];

    /// Points off the corners of all functions.
    fn points() -> Vec<f32> {
        (-1000..1000).map(|i| i as f32 * 0.0213 + 0.0101).collect()
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let points = points();
        for activation in ALL {
            let mut values = points.clone();
            finish(activation, None, &mut values);
            for (x, y) in points.iter().zip(&values) {
                let want = activation.apply(*x);
                let near = (y - want).abs() <= 2e-6 * want.abs().max(0.1);
                assert!(near, "{activation:?}({x}) = {y}, not {want}");
            }
        }
    }

    #[test]
    fn slopes_are_quotients_of_differences() {
        let points = points();
        for activation in ALL {
            let (mut sums, mut outputs) = (points.clone(), points.clone());
            finish_into(activation, None, &mut sums, &mut outputs);
            let known = if needs_sum(activation) {
                &sums
            } else {
                &outputs
            };
            let mut gradient = vec![1.0; points.len()];
            descend(activation, known, &mut gradient);
            for (x, slope) in points.iter().zip(&gradient) {
                let step = 2f32.powi(-8);
                let (above, below) = (activation.apply(x + step), activation.apply(x - step));
                let want = (above - below) / (2.0 * step);
                assert!(
                    (slope - want).abs() < 2e-3,
                    "{activation:?}'({x}) = {slope}, not {want}"
                );
            }
        }
    }

    #[test]
    fn biases_reach_their_channel_and_gradients_are_summed() {
        let bias = Repeated::of(&[1.0, -2.0, 0.5]);
        let mut sums: Vec<f32> = (0..3 * 400).map(|i| (i % 7) as f32 - 3.0).collect();
        let before = sums.clone();
        let mut output = vec![0.0; sums.len()];
        finish_into(Activation::Relu, Some(&bias), &mut sums, &mut output);
        for (i, (y, x)) in output.iter().zip(&before).enumerate() {
            assert_eq!(*y, (x + [1.0, -2.0, 0.5][i % 3]).max(0.0));
        }
        let mut in_place = before;
        finish(Activation::Relu, Some(&bias), &mut in_place);
        assert_eq!(in_place, output);

        let (mut gradient, mut channels) = (vec![1.0; output.len()], [0.0; 3]);
        descend_summed(Activation::Relu, &output, &mut gradient, &mut channels);
        for channel in 0..3 {
            let positive = output.iter().skip(channel).step_by(3).filter(|y| **y > 0.0);
            assert_eq!(channels[channel], positive.count() as f32);
        }
    }
}
