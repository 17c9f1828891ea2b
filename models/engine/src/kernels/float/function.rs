//! Activation functions on vectors of sums, in arithmetic that the compiler can vectorise.
//!
//! Only products, sums, quotients and comparisons are used, none fused, so every instruction set
//! computes the same bits. [`exp`] is within 2 ULP of the true value over its whole range; what is
//! built on it is held to 4 ULP, or 1e-7 near zero crossings, by the tests below.

use tincy_network::Activation;

/// Something to do with a function, compiled for each function on its own.
pub(super) trait With {
    /// Does it.
    fn with(self, function: impl Fn(f32) -> f32 + Copy);
}

/// Does something with an activation function.
#[inline(always)]
pub(super) fn with(activation: Activation, user: impl With) {
    match activation {
        Activation::Linear => user.with(|x| x),
        Activation::Relu => user.with(|x| x.max(0.0)),
        Activation::Relu6 => user.with(|x| x.clamp(0.0, 6.0)),
        Activation::Leaky { slope } => user.with(|x| if x > 0.0 { x } else { slope * x }),
        Activation::Logistic => user.with(|x| 1.0 / (1.0 + exp(-x))),
        Activation::Swish => user.with(swish),
        Activation::Mish => user.with(mish),
        Activation::Tanh => user.with(tanh),
        Activation::Elu => user.with(|x| if x >= 0.0 { x } else { exp_m1(x) }),
        Activation::HardSwish => user.with(|x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        Activation::HardSigmoid => user.with(|x| (x / 6.0 + 0.5).clamp(0.0, 1.0)),
    }
}

/// 1.5 * 2^23: added to a float below 2^22, its last bits are the float rounded to an integer.
const ROUND: f32 = 12_582_912.0;

/// e^x for x from -87 to 88; beyond, the value at the end of that range.
///
/// e^x = 2^n * e^r with |r| <= ln(2) / 2; e^r by its Taylor series to the seventh power. ln 2 is
/// split in two so that `n * high` is exact (Cody and Waite).
#[inline(always)]
fn exp(x: f32) -> f32 {
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(LOWEST, 88.0);
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

/// e^x - 1 for x below zero.
#[inline(always)]
fn exp_m1(x: f32) -> f32 {
    let tail = 1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0)));
    let near = x + x * x * (0.5 + x * (1.0 / 6.0 + x * tail));
    if x > -0.35 { near } else { exp(x) - 1.0 }
}

/// Below it e^x is no float of full precision, and what is multiplied with it is as good as zero.
const LOWEST: f32 = -87.0;

/// x / (1 + e^-x)
#[inline(always)]
fn swish(x: f32) -> f32 {
    let x = x.clamp(LOWEST, f32::MAX);
    x / (1.0 + exp(-x))
}

/// x * tanh(ln(1 + e^x)): with u = e^x (e^x + 2), the hyperbolic tangent is u / (u + 2).
#[inline(always)]
fn mish(x: f32) -> f32 {
    let x = x.clamp(LOWEST, f32::MAX);
    let e = exp(x.min(20.0));
    let u = e * (e + 2.0);
    if x > 20.0 { x } else { x * (u / (u + 2.0)) }
}

/// 1 - 2 / (e^2x + 1), and its series where that would cancel.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let s = x * x;
    let tail = -17.0 / 315.0 + s * (62.0 / 2835.0 + s * (-1382.0 / 155_925.0));
    let near = x + x * s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * tail));
    let far = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    if x.abs() < 0.3 { near } else { far.copysign(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(activation: Activation, x: f32) -> f32 {
        struct At<'a>(&'a mut f32);
        impl With for At<'_> {
            fn with(self, function: impl Fn(f32) -> f32 + Copy) {
                *self.0 = function(*self.0);
            }
        }
        let mut value = x;
        with(activation, At(&mut value));
        value
    }

    /// Units in the last place between a value and the true one.
    fn ulps(value: f32, truth: f64) -> f64 {
        let unit = f64::from(f32::EPSILON) * 2f64.powf(truth.abs().log2().floor());
        (f64::from(value) - truth).abs() / unit
    }

    fn grid() -> impl Iterator<Item = f32> {
        (-16_000..=16_000).map(|i| i as f32 * 0.005_3)
    }

    #[test]
    fn exponentials_are_within_two_ulp() {
        for x in grid() {
            let error = ulps(exp(x), f64::from(x).exp());
            assert!(error <= 2.0, "exp({x}) is {error} ULP away");
        }
    }

    #[test]
    fn curves_are_within_four_ulp_of_the_truth() {
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        type Case = (Activation, fn(f64) -> f64);
        let cases: [Case; 5] = [
            (Activation::Logistic, logistic),
            (Activation::Swish, |x| x / (1.0 + (-x).exp())),
            (Activation::Mish, |x| x * x.exp().ln_1p().tanh()),
            (Activation::Tanh, f64::tanh),
            (Activation::Elu, |x| if x >= 0.0 { x } else { x.exp_m1() }),
        ];
        for (activation, truth) in cases {
            for x in grid().filter(|x| *x != 0.0 && x.abs() < 80.0) {
                let error = ulps(applied(activation, x), truth(f64::from(x)));
                assert!(error <= 4.0, "{activation:?}({x}) is {error} ULP away");
            }
        }
    }

    #[test]
    fn all_functions_agree_with_their_definition() {
        let leaky = Activation::Leaky { slope: 0.25 };
        let exact = [
            Activation::Linear,
            Activation::Relu,
            Activation::Relu6,
            leaky,
            Activation::HardSwish,
            Activation::HardSigmoid,
        ];
        let near = [
            Activation::Logistic,
            Activation::Swish,
            Activation::Mish,
            Activation::Tanh,
            Activation::Elu,
        ];
        let points = [-1e30, -100.0, -3.0, -0.0, 0.0, 1e-30, 2.5, 7.0, 100.0, 1e30];
        for x in grid().chain(points) {
            for activation in exact {
                assert_eq!(
                    applied(activation, x),
                    activation.apply(x),
                    "{activation:?}({x})"
                );
            }
            for activation in near {
                let (got, want) = (applied(activation, x), activation.apply(x));
                let fits = (got - want).abs() <= 1e-6 * want.abs().max(1e-6);
                assert!(fits, "{activation:?}({x}) = {got}, not {want}");
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for activation in [Activation::Logistic, Activation::Mish, Activation::Tanh] {
            assert!(applied(activation, f32::NAN).is_nan(), "{activation:?}");
        }
    }
}
