//! Activation functions, by definition; kernels are held to these.

use serde::{Deserialize, Serialize};

/// A function applied to each element after a layer's sum.
///
/// Definitions and constants are Darknet's (`activations.h`), whose cfg names they carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x
    #[default]
    Linear,
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x, or `slope * x` below zero (Darknet's slope is 0.1)
    Leaky {
        /// Slope below zero.
        slope: f32,
    },
    /// 1 / (1 + e^-x)
    Logistic,
    /// x * tanh(ln(1 + e^x))
    Mish,
    /// x / (1 + e^-x), also called SiLU
    Swish,
    /// tanh(x)
    Tanh,
    /// x, or e^x - 1 below zero
    Elu,
    /// x * min(max(x + 3, 0), 6) / 6
    HardSwish,
    /// min(max(x / 6 + 0.5, 0), 1)
    HardSigmoid,
}

impl Activation {
    /// Darknet's leaky rectifier.
    pub const LEAKY: Activation = Activation::Leaky { slope: 0.1 };

    /// The function's value.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Activation::Linear => x,
            Activation::Relu => x.max(0.0),
            Activation::Relu6 => x.clamp(0.0, 6.0),
            Activation::Leaky { slope } => {
                if x > 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Activation::Logistic => logistic(x),
            Activation::Mish => x * softplus(x).tanh(),
            Activation::Swish => x * logistic(x),
            Activation::Tanh => x.tanh(),
            Activation::Elu => {
                if x >= 0.0 {
                    x
                } else {
                    x.exp_m1()
                }
            }
            Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Activation::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
        }
    }
}

/// 1 / (1 + e^-x)
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// ln(1 + e^x) without overflow.
fn softplus(x: f32) -> f32 {
    if x > 20.0 { x } else { x.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_at_known_points() {
        let cases = [
            (Activation::Linear, -2.5, -2.5),
            (Activation::Relu, -2.5, 0.0),
            (Activation::Relu6, 7.0, 6.0),
            (Activation::LEAKY, -2.0, -0.2),
            (Activation::Logistic, 0.0, 0.5),
            (Activation::Mish, 1.0, 0.865_098_4),
            (Activation::Swish, 1.0, 0.731_058_6),
            (Activation::Tanh, 0.5, 0.462_117_16),
            (Activation::Elu, -1.0, -0.632_120_55),
            (Activation::HardSwish, 1.0, 0.666_666_7),
            (Activation::HardSigmoid, 0.0, 0.5),
            (Activation::Mish, 100.0, 100.0),
        ];
        for (activation, x, expected) in cases {
            let y = activation.apply(x);
            assert!(
                (y - expected).abs() < 1e-6,
                "{activation:?}({x}) = {y}, not {expected}"
            );
        }
    }
}
