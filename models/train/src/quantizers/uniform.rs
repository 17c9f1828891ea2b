//! Activations on a fixed or a learned range, 1 to 8 bits (DoReFa-Net, SYQ section 4; PACT).
//!
//! ```text
//! n     = 2^k - 1
//! y     = top / n * floor(n * clip(x / top, 0, 1) + 1/2)
//! dE/dx = dE/dy on 0 <= x <= top, else 0                   straight-through
//! dE/dtop = sum of dE/dy where x > top                     PACT, if the range is learned
//! ```
//!
//! [`FixedPoint`] is the same with a step of `2^-f`, signed or not.

use super::loops::{map, sum2, turn};
use super::rounding::{cut, half_up};
use super::{Codes, Quantizer, Shared, keep_positive};

/// Unsigned activations from 0 to a top.
#[derive(Clone, Debug)]
pub struct Uniform {
    steps: f32,
    top: f32,
    learned: bool,
}

impl Uniform {
    /// With `bits` of 1 to 8 on 0 to `top`.
    ///
    /// # Panics
    /// With other numbers of bits.
    pub fn new(bits: u8, top: f32, learned: bool) -> Uniform {
        assert!((1..=8).contains(&bits), "1 to 8 bits");
        let mut uniform = Uniform {
            steps: ((1u32 << bits) - 1) as f32,
            top,
            learned,
        };
        uniform.settle();
        uniform
    }

    /// The largest activation.
    pub fn top(&self) -> f32 {
        self.top
    }

    /// What one step of the code stands for.
    pub fn step(&self) -> f32 {
        self.top / self.steps
    }

    /// The code of a value, by the steps in all and the top.
    #[inline(always)]
    fn code(steps: f32, top: f32, value: f32) -> f32 {
        half_up(steps * cut(value / top, 0.0, 1.0))
    }
}

impl Quantizer for Uniform {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        let (step, steps, top) = (self.step(), self.steps, self.top);
        map(
            values,
            out,
            #[inline(always)]
            move |value| step * Uniform::code(steps, top, value),
        );
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], parameters: &mut [f32]) {
        let top = self.top;
        if let [by_top] = parameters {
            let above = sum2(
                values,
                gradient,
                #[inline(always)]
                move |value, up| if value > top { up } else { 0.0 },
            );
            *by_top += above as f32;
        }
        turn(
            values,
            gradient,
            #[inline(always)]
            move |value, up| {
                if value >= 0.0 && value <= top {
                    up
                } else {
                    0.0
                }
            },
        );
    }

    fn codes(&self, values: &[f32]) -> Codes {
        Codes {
            codes: values
                .iter()
                .map(|value| Uniform::code(self.steps, self.top, *value) as i16)
                .collect(),
            scales: vec![self.step()],
            shared: Shared::Layer,
        }
    }

    fn parameters(&self) -> &[f32] {
        if self.learned {
            std::slice::from_ref(&self.top)
        } else {
            &[]
        }
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        if self.learned {
            std::slice::from_mut(&mut self.top)
        } else {
            &mut []
        }
    }

    fn settle(&mut self) {
        keep_positive(std::slice::from_mut(&mut self.top));
    }
}

/// Fixed point: steps of a power of two, cut to what the bits can hold.
#[derive(Clone, Copy, Debug)]
pub struct FixedPoint {
    steps: f32,
    low: f32,
    high: f32,
}

impl FixedPoint {
    /// With `bits` of 1 to 16 in all, of which `fraction` stand behind the point.
    ///
    /// # Panics
    /// With other numbers of bits.
    pub fn new(bits: u8, fraction: i32, signed: bool) -> FixedPoint {
        assert!((1..=16).contains(&bits), "1 to 16 bits");
        let steps = 2f32.powi(fraction);
        let codes = 2f32.powi(i32::from(bits) - i32::from(signed));
        FixedPoint {
            steps,
            low: if signed { -codes / steps } else { 0.0 },
            high: (codes - 1.0) / steps,
        }
    }

    #[inline(always)]
    fn code(&self, value: f32) -> f32 {
        half_up(value.clamp(self.low, self.high) * self.steps)
    }
}

impl Quantizer for FixedPoint {
    fn forward(&self, values: &[f32], out: &mut [f32]) {
        for (value, out) in values.iter().zip(out) {
            *out = self.code(*value) / self.steps;
        }
    }

    fn backward(&self, values: &[f32], gradient: &mut [f32], _: &mut [f32]) {
        let inside = self.low..=self.high;
        for (value, gradient) in values.iter().zip(gradient) {
            *gradient = if inside.contains(value) {
                *gradient
            } else {
                0.0
            };
        }
    }

    fn codes(&self, values: &[f32]) -> Codes {
        Codes {
            codes: values
                .iter()
                .map(|value| self.code(*value) as i16)
                .collect(),
            scales: vec![1.0 / self.steps],
            shared: Shared::Layer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    #[test]
    fn the_golden_activations() {
        let Some(file) = golden::open("syq.json") else {
            return;
        };
        for case in file.list("activation_unit_range") {
            let values = case.floats("x");
            let uniform = Uniform::new(case.number("k") as u8, 1.0, false);
            let mut found = vec![0.0; values.len()];
            uniform.forward(&values, &mut found);
            golden::close(&found, &case.numbers("y"));
            found.fill(1.0);
            uniform.backward(&values, &mut found, &mut []);
            golden::close(&found, &case.numbers("grad_ste"));
        }
        for case in file.list("activation_fixed_point") {
            let values = case.floats("x");
            let signed = case.0["signed"].as_bool().unwrap();
            let fixed = FixedPoint::new(case.number("k") as u8, case.number("f") as i32, signed);
            let mut found = vec![0.0; values.len()];
            fixed.forward(&values, &mut found);
            golden::close(&found, &case.numbers("y"));
        }
    }

    #[test]
    fn a_learned_range() {
        let mut uniform = Uniform::new(2, 2.0, true);
        let values = [-1.0, 0.5, 1.9, 2.5, 7.0];
        let mut out = [0.0; 5];
        uniform.forward(&values, &mut out);
        assert_eq!(out, [0.0, 2.0 / 3.0, 2.0, 2.0, 2.0]);
        let (mut gradient, mut by_top) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0]);
        uniform.backward(&values, &mut gradient, &mut by_top);
        assert_eq!(gradient, [0.0, 2.0, 3.0, 0.0, 0.0]);
        assert_eq!(by_top, [10.0]);
        uniform.parameters_mut()[0] = f32::NAN;
        uniform.settle();
        assert!(uniform.top() > 0.0);
    }
}
