//! XNOR-Net's binary weights (Rastegari et al., ECCV 2016): one scale an output channel.
//!
//! ```text
//! a_o     = mean |W_o| over the output channel's n weights
//! q       = a_o * sign(W)
//! dE/dW_i = a_o * [|W_i| <= 1] * dE/dq_i  +  sign(W_i) / n * sum over o of dE/dq * sign(W)
//! ```
//!
//! The first part goes straight through the sign, the second is the exact one through the scale
//! (the paper shortens it to `dE/dq_i / n`).

use super::loops::{mean_magnitude, sum2};
use super::{Codes, Layout, Quantizer, Shared, sign};

/// The quantizer of a layer's weights.
#[derive(Clone, Copy, Debug)]
pub struct Xnor {
    layout: Layout,
}

impl Xnor {
    /// For weights of this layout.
    pub fn new(layout: Layout) -> Xnor {
        Xnor { layout }
    }
}

impl Quantizer for Xnor {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        let window = self.layout.window();
        let channels = values
            .chunks_exact(window)
            .zip(out.chunks_exact_mut(window));
        for (values, out) in channels {
            let scale = mean_magnitude(values);
            for (value, out) in values.iter().zip(out) {
                *out = scale * sign(*value);
            }
        }
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], _: &mut [f32]) {
        for output in 0..self.layout.outputs {
            let channel = self.layout.channel(output);
            let (values, gradient) = (&values[channel.clone()], &mut gradient[channel]);
            let scale = mean_magnitude(values);
            let pull = sum2(values, gradient, |value, up| up * sign(value));
            let pull = (pull / values.len() as f64) as f32;
            for (value, gradient) in values.iter().zip(gradient) {
                let through = if value.abs() <= 1.0 {
                    scale * *gradient
                } else {
                    0.0
                };
                *gradient = through + pull * sign(*value);
            }
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        let channels = values.chunks_exact(self.layout.window());
        Codes {
            codes: values.iter().map(|value| sign(*value) as i16).collect(),
            scales: channels.map(mean_magnitude).collect(),
            shared: Shared::Channel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        outputs: 2,
        rows: 1,
        columns: 1,
        inputs: 3,
    };

    #[test]
    fn by_hand() {
        let weights = [0.5, -1.5, 1.0, -0.25, -0.25, 0.0];
        let xnor = Xnor::new(LAYOUT);
        let mut out = [0.0; 6];
        xnor.forward(&weights, &mut out);
        let a = 0.5 / 3.0;
        assert_eq!(out, [1.0, -1.0, 1.0, -a, -a, a]);
        assert_eq!(xnor.codes(&weights).scales, [1.0, a]);
        let mut gradient = [1.0, 2.0, 4.0, 0.0, 0.0, 0.0];
        xnor.backward(&weights, &mut gradient, &mut []);
        // The pull on the scale is (1 - 2 + 4) / 3.
        assert_eq!(gradient, [2.0, -1.0, 5.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_slope_of_the_scale_is_exact() {
        // Magnitudes above 1 get nothing straight through the sign.
        let weights = [1.5f32, -2.0, 3.0, 1.25, 4.0, -1.75];
        let upstream = [0.5f32, -1.0, 2.0, 0.25, 1.5, 1.0];
        let xnor = Xnor::new(LAYOUT);
        let loss = |weights: &[f32]| -> f64 {
            let mut out = [0.0; 6];
            xnor.forward(weights, &mut out);
            sum2(&out, &upstream, |q, up| q * up)
        };
        let mut gradient = upstream;
        xnor.backward(&weights, &mut gradient, &mut []);
        for i in 0..6 {
            let at = |step: f32| {
                let mut moved = weights;
                moved[i] += step;
                loss(&moved)
            };
            let expected = (at(0.125) - at(-0.125)) / 0.25;
            assert!((f64::from(gradient[i]) - expected).abs() < 1e-5, "{i}");
        }
    }
}
