//! Binary weights without a scale, for layers whose normalisation has one a channel (BinaryConnect,
//! Courbariaux et al., 2015).
//!
//! ```text
//! q     = sign(W)           sign(0) = +1
//! dE/dW = dE/dq             straight-through
//! W     = clip(W, -1, 1)    after each step
//! ```

use super::{Codes, Quantizer, Shared, sign};

/// -1 or +1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs;

impl Quantizer for Signs {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        for (value, out) in values.iter().zip(out) {
            *out = sign(*value);
        }
    }

    fn backward(&self, _values: &[f32], _gradient: &mut [f32], _parameters: &mut [f32]) {}

    fn codes(&self, values: &[f32]) -> Codes {
        Codes {
            codes: values.iter().map(|value| sign(*value) as i16).collect(),
            scales: vec![1.0],
            shared: Shared::Layer,
        }
    }

    fn reach(&self) -> Option<f32> {
        Some(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_their_straight_way_back() {
        let values = [0.5, -0.25, 0.0, -1.0];
        let (mut out, mut gradient) = ([0.0; 4], [1.0, 2.0, 3.0, 4.0]);
        Signs.forward(&values, &mut out);
        Signs.backward(&values, &mut gradient, &mut []);
        assert_eq!(out, [1.0, -1.0, 1.0, -1.0]);
        assert_eq!(gradient, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(Signs.codes(&values).codes, [1, -1, 1, -1]);
    }
}
