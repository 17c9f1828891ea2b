//! LSQ: learned step size quantization (Esser et al., ICLR 2020), of weights and activations.
//!
//! ```text
//! r  = round(clip(v / s, -N, P))         ties to even, as the engine rounds
//! q  = s * r
//! dE/dv = dE/dq        where -N < v/s < P, else 0
//! dE/ds = g * sum of dE/dq * (r - v/s inside;  -N below;  P above)
//! ```
//!
//! `N`, `P` = `2^(b-1)`, `2^(b-1) - 1` signed or 0, `2^b - 1` unsigned; `g = 1 / sqrt(count * P)`, which
//! keeps the steps' updates in proportion to the values'. A step starts at `2 mean |v| / sqrt(P)`.

use super::loops::{map, mean_magnitude, sum2, turn};
use super::rounding::{cut, nearest};
use super::{Codes, Layout, Quantizer, Shared, keep_positive};
use tincy_network::Code;
use tincy_quantize::range::weight_step;

/// A quantizer with one learned step for a tensor, or one for each output channel.
#[derive(Clone, Debug)]
pub struct Lsq {
    /// The smallest and the largest code.
    range: [f32; 2],
    steps: Vec<f32>,
    /// Values a step; 0 for one step whatever their number.
    window: usize,
    /// `g` of the paper.
    slope: f32,
}

/// The range of codes of some bits.
fn range(bits: u8, signed: bool) -> (f32, f32) {
    assert!(
        (1 + u8::from(signed)..=8).contains(&bits),
        "1 (signed 2) to 8 bits"
    );
    let half = (1u32 << (bits - 1)) as f32;
    if signed {
        (-half, half - 1.0)
    } else {
        (0.0, 2.0 * half - 1.0)
    }
}

impl Lsq {
    /// For signed weights, with steps that fit `weights`: one an output channel, or one in all.
    ///
    /// # Panics
    /// If `bits` is not 2 to 8.
    pub fn weights(bits: u8, by_channel: bool, layout: Layout, weights: &[f32]) -> Lsq {
        let (low, high) = range(bits, true);
        let window = if by_channel {
            layout.window()
        } else {
            layout.count()
        };
        let mut lsq = Lsq {
            range: [low, high],
            steps: weights
                .chunks_exact(window)
                .map(|weights| first_step(weights, high))
                .collect(),
            window: if by_channel { window } else { 0 },
            slope: (window as f32 * high).sqrt().recip(),
        };
        keep_positive(&mut lsq.steps);
        lsq
    }

    /// For signed weights, with the step of least squared error for each output channel.
    ///
    /// # Panics
    /// If `bits` is not 2 to 8.
    pub fn fitted(bits: u8, layout: Layout, weights: &[f32]) -> Lsq {
        let mut lsq = Lsq::weights(bits, true, layout, weights);
        let channels = weights.chunks_exact(lsq.window);
        lsq.steps = channels
            .map(|channel| weight_step(channel, lsq.range[1]))
            .collect();
        keep_positive(&mut lsq.steps);
        lsq
    }

    /// For activations, with a step that fits `sample`; `features` is the number of them in one
    /// picture.
    ///
    /// # Panics
    /// If `bits` is not 1 to 8 (2 to 8 if signed).
    pub fn activations(bits: u8, signed: bool, features: usize, sample: &[f32]) -> Lsq {
        let (low, high) = range(bits, signed);
        let mut steps = vec![first_step(sample, high)];
        keep_positive(&mut steps);
        Lsq {
            range: [low, high],
            steps,
            window: 0,
            slope: (features.max(1) as f32 * high).sqrt().recip(),
        }
    }

    /// For maps with codes counted from a zero point that stays; `features` is the number of elements
    /// in one picture's map.
    pub fn code(code: Code, features: usize) -> Lsq {
        let range = [code.min() - code.zero, code.max() - code.zero].map(|end| end as f32);
        let most = range[0].abs().max(range[1]);
        let mut steps = vec![code.scale as f32];
        keep_positive(&mut steps);
        Lsq {
            range,
            steps,
            window: 0,
            slope: (features.max(1) as f32 * most).sqrt().recip(),
        }
    }

    /// The learned steps.
    pub fn steps(&self) -> &[f32] {
        &self.steps
    }

    /// The smallest and the largest code.
    pub fn range(&self) -> (i32, i32) {
        (self.range[0] as i32, self.range[1] as i32)
    }

    /// The values of each step: its number and where they lie among `count`.
    fn windows(&self, count: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let window = if self.window == 0 { count } else { self.window };
        (0..self.steps.len()).map(move |step| (step, step * window..(step + 1) * window))
    }

    /// Steps a unit of value, as the engine has it for a code of this scale.
    fn inverse(&self, step: usize) -> f32 {
        (1.0 / f64::from(self.steps[step])) as f32
    }
}

/// The code of a value in steps.
#[inline(always)]
fn code(steps: f32, low: f32, high: f32) -> f32 {
    nearest(cut(steps, low, high))
}

fn first_step(values: &[f32], high: f32) -> f32 {
    2.0 * mean_magnitude(values) / high.sqrt()
}

impl Quantizer for Lsq {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        for (step, window) in self.windows(values.len()) {
            let (size, inverse, [low, high]) = (self.steps[step], self.inverse(step), self.range);
            map(
                &values[window.clone()],
                &mut out[window],
                #[inline(always)]
                move |value| size * code(value * inverse, low, high),
            );
        }
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], parameters: &mut [f32]) {
        let [low, high] = self.range;
        for (step, window) in self.windows(values.len()) {
            let inverse = self.inverse(step);
            let (values, gradient) = (&values[window.clone()], &mut gradient[window]);
            let by_step = sum2(
                values,
                gradient,
                #[inline(always)]
                move |value, up| {
                    let steps = value * inverse;
                    let inside = steps > low && steps < high;
                    up * (code(steps, low, high) - if inside { steps } else { 0.0 })
                },
            );
            parameters[step] += self.slope * by_step as f32;
            turn(
                values,
                gradient,
                #[inline(always)]
                move |value, up| {
                    let steps = value * inverse;
                    if steps > low && steps < high { up } else { 0.0 }
                },
            );
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        let mut codes = Vec::with_capacity(values.len());
        for (step, window) in self.windows(values.len()) {
            let (inverse, [low, high]) = (self.inverse(step), self.range);
            let code = |value: &f32| code(value * inverse, low, high) as i16;
            codes.extend(values[window].iter().map(code));
        }
        Codes {
            codes,
            scales: self.steps.clone(),
            shared: if self.window == 0 {
                Shared::Layer
            } else {
                Shared::Channel
            },
        }
    }

    fn parameters(&self) -> &[f32] {
        &self.steps
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.steps
    }

    fn settle(&mut self) {
        keep_positive(&mut self.steps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        outputs: 2,
        rows: 1,
        columns: 1,
        inputs: 4,
    };
    const WEIGHTS: [f32; 8] = [0.1, -0.9, 0.33, 0.0, 2.0, -2.0, 0.7, 0.2];
    const UPSTREAM: [f32; 8] = [1.0, -0.5, 2.0, 0.25, 1.5, -1.0, 0.75, 3.0];

    #[test]
    fn by_hand() {
        let mut lsq = Lsq::activations(2, false, 100, &[1.0, -1.0]);
        assert_eq!(lsq.range(), (0, 3));
        assert!((lsq.steps()[0] - 2.0 / 3f32.sqrt()).abs() < 1e-6);
        lsq.parameters_mut()[0] = 0.5;
        let values = [-1.0, 0.25, 0.3, 0.75, 1.2, 1.6, 9.0];
        let mut out = [0.0; 7];
        lsq.forward(&values, &mut out);
        // Ties go to the even code: 0.5 steps to 0, 1.5 to 2.
        assert_eq!(out, [0.0, 0.0, 0.5, 1.0, 1.0, 1.5, 1.5]);
        assert_eq!(lsq.codes(&values).codes, [0, 0, 1, 2, 2, 3, 3]);
        let (mut gradient, mut by_step) = ([1.0; 7], [0.0]);
        lsq.backward(&values, &mut gradient, &mut by_step);
        assert_eq!(gradient, [0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        let expected = (0.0 - 0.5 + 0.4 + 0.5 - 0.4 + 3.0 + 3.0) / 300f32.sqrt();
        assert!((by_step[0] - expected).abs() < 1e-6);
    }

    /// The slope by a step, where no code changes: that of `s * code` but for the straight-through
    /// part of the values inside, `-v/s`.
    #[test]
    fn the_slope_of_the_steps() {
        for by_channel in [false, true] {
            let mut lsq = Lsq::weights(3, by_channel, LAYOUT, &WEIGHTS);
            let steps = lsq.steps().to_vec();
            let (mut gradient, mut by_step) = (UPSTREAM, vec![0.0; steps.len()]);
            lsq.backward(&WEIGHTS, &mut gradient, &mut by_step);
            for step in 0..steps.len() {
                let mut at = |change: f32| {
                    lsq.parameters_mut().copy_from_slice(&steps);
                    lsq.parameters_mut()[step] += change;
                    let mut out = [0.0; 8];
                    lsq.forward(&WEIGHTS, &mut out);
                    sum2(&out, &UPSTREAM, |q, up| q * up)
                };
                let window = if by_channel {
                    step * 4..step * 4 + 4
                } else {
                    0..8
                };
                let inside: f64 = window
                    .clone()
                    .map(|i| f64::from(gradient[i] * WEIGHTS[i] / steps[step]))
                    .sum();
                let slope = (at(1e-3) - at(-1e-3)) / 2e-3 - inside;
                let expected = slope / (window.len() as f64 * 3.0).sqrt();
                assert!((f64::from(by_step[step]) - expected).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn codes_say_what_forward_gives() {
        for bits in 2..=8 {
            let lsq = Lsq::weights(bits, true, LAYOUT, &WEIGHTS);
            let (mut out, codes) = ([0.0; 8], lsq.codes(&WEIGHTS));
            lsq.forward(&WEIGHTS, &mut out);
            assert_eq!(codes.shared, Shared::Channel);
            for (i, (out, code)) in out.iter().zip(&codes.codes).enumerate() {
                assert_eq!(*out, f32::from(*code) * codes.scales[i / 4]);
                assert!((lsq.range().0..=lsq.range().1).contains(&i32::from(*code)));
            }
        }
    }

    #[test]
    fn a_step_never_reaches_zero() {
        let mut lsq = Lsq::weights(4, false, LAYOUT, &[0.0; 8]);
        let mut out = [1.0; 8];
        lsq.forward(&[0.0; 8], &mut out);
        assert_eq!(out, [0.0; 8]);
        lsq.parameters_mut()[0] = -1.0;
        lsq.settle();
        assert!(lsq.steps()[0] > 0.0);
    }
}
