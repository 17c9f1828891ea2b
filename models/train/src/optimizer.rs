//! From gradients to new parameters.

mod average;
mod clip;
mod schedule;

pub use average::Average;
pub use clip::clip;
pub use schedule::Schedule;

use crate::parameters::{Parameter, Parameters};
use crate::vector::vectorised;

/// A method of descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// `v = momentum * v + g`, `w -= rate * v`; decay is added to the gradient.
    Sgd {
        /// 0 to below 1; 0.9 is usual.
        momentum: f32,
    },
    /// Adam with decay apart from the gradient (Loshchilov and Hutter, 2019, algorithm 2).
    AdamW {
        /// Share of the old mean of gradients; 0.9 is usual.
        beta1: f32,
        /// Share of the old mean of squares; 0.999 is usual.
        beta2: f32,
        /// Added to the root of the mean of squares.
        epsilon: f32,
    },
}

impl Method {
    /// AdamW with the usual constants.
    pub const ADAMW: Method = Method::AdamW {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
    };
}

/// What is special to a parameter tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// Times the rate.
    pub factor: f32,
    /// Share of the value that a step takes away, times the rate.
    pub decay: f32,
}

/// A method with its memory.
#[derive(Clone, Debug)]
pub struct Optimizer {
    method: Method,
    /// One a parameter tensor.
    groups: Vec<Group>,
    /// Velocity, or mean of gradients.
    pub(crate) first: Vec<f32>,
    /// Mean of squares; empty where the method has none.
    pub(crate) second: Vec<f32>,
    pub(crate) steps: u64,
}

impl Optimizer {
    /// An optimizer for these parameters; `group` says what is special to each.
    pub fn new(
        method: Method,
        parameters: &Parameters,
        group: impl Fn(&Parameter) -> Group,
    ) -> Optimizer {
        let length = parameters.values().len();
        let squares = match method {
            Method::Sgd { .. } => 0,
            Method::AdamW { .. } => length,
        };
        Optimizer {
            method,
            groups: parameters.list().iter().map(group).collect(),
            first: vec![0.0; length],
            second: vec![0.0; squares],
            steps: 0,
        }
    }

    /// Steps that were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts a step that could not be taken.
    pub(crate) fn skip(&mut self) {
        self.steps += 1;
    }

    /// Moves the trained parameters against their gradient.
    pub fn step(&mut self, parameters: &mut Parameters, gradient: &[f32], rate: f32) {
        self.steps += 1;
        let list = parameters.list().to_vec();
        let values = parameters.values_mut();
        for (parameter, group) in list.iter().zip(&self.groups).filter(|(p, _)| p.trained) {
            let range = parameter.range.clone();
            let (values, gradient) = (&mut values[range.clone()], &gradient[range.clone()]);
            let first = &mut self.first[range.clone()];
            let rate = rate * group.factor;
            match self.method {
                Method::Sgd { momentum } => {
                    sgd(values, gradient, first, [rate, group.decay, momentum]);
                }
                Method::AdamW {
                    beta1,
                    beta2,
                    epsilon,
                } => {
                    let constants = Adam {
                        rate,
                        decay: rate * group.decay,
                        beta1,
                        beta2,
                        epsilon,
                        // Means that start at zero are too small at first.
                        correction1: 1.0 - f64::from(beta1).powf(self.steps as f64) as f32,
                        correction2: 1.0 - f64::from(beta2).powf(self.steps as f64) as f32,
                    };
                    constants.step(values, gradient, first, &mut self.second[range]);
                }
            }
        }
    }
}

fn sgd(
    values: &mut [f32],
    gradient: &[f32],
    velocity: &mut [f32],
    [rate, decay, momentum]: [f32; 3],
) {
    vectorised(
        #[inline(always)]
        || {
            for ((value, velocity), gradient) in values.iter_mut().zip(velocity).zip(gradient) {
                *velocity = momentum * *velocity + (gradient + decay * *value);
                *value -= rate * *velocity;
            }
        },
    );
}

struct Adam {
    rate: f32,
    decay: f32,
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    correction1: f32,
    correction2: f32,
}

impl Adam {
    fn step(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let rate = self.rate / self.correction1;
        let scale = 1.0 / self.correction2;
        vectorised(
            #[inline(always)]
            || {
                let memory = first.iter_mut().zip(second);
                for ((value, g), (m, v)) in values.iter_mut().zip(gradient).zip(memory) {
                    *m = self.beta1 * *m + (1.0 - self.beta1) * g;
                    *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
                    let step = rate * *m / ((*v * scale).sqrt() + self.epsilon);
                    *value -= self.decay * *value + step;
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Role;

    fn parameters() -> Parameters {
        let mut parameters = Parameters::default();
        parameters.add("a.weight".into(), Role::Weight, &[1.0, -2.0]);
        parameters.add("a.bias".into(), Role::Bias, &[0.5]);
        parameters.add("a.mean".into(), Role::Statistic, &[7.0]);
        parameters
    }

    /// Two steps on the same gradient; factors and decay differ by role.
    fn two_steps(method: Method) -> Vec<f32> {
        let mut parameters = parameters();
        let mut optimizer = Optimizer::new(method, &parameters, |parameter| match parameter.role {
            Role::Weight => Group {
                factor: 1.0,
                decay: 0.1,
            },
            _ => Group {
                factor: 2.0,
                decay: 0.0,
            },
        });
        for _ in 0..2 {
            optimizer.step(&mut parameters, &[0.5, -1.0, 2.0, 9.0], 0.1);
        }
        parameters.values().to_vec()
    }

    fn assert_near(found: &[f32], expected: &[f32]) {
        let near = found
            .iter()
            .zip(expected)
            .all(|(f, e)| (f - e).abs() < 1e-6);
        assert!(near, "{found:?}, not {expected:?}");
    }

    #[test]
    fn sgd_with_momentum_by_hand() {
        // v1 = 0.5 + 0.1 = 0.6, w1 = 0.94; v2 = 0.54 + 0.594 = 1.134, w2 = 0.8266. The second
        // weight is minus twice that. Bias: v1 = 2, b1 = 0.1; v2 = 3.8, b2 = -0.66.
        let found = two_steps(Method::Sgd { momentum: 0.9 });
        assert_near(&found, &[0.8266, -1.6532, -0.66, 7.0]);
    }

    #[test]
    fn adamw_by_hand() {
        // With a constant gradient each corrected step is rate * sign, after the decay.
        let first: f32 = 1.0 - 0.1 * 0.1 - 0.1;
        let second: f32 = -2.0 + 2.0 * 0.01 + 0.1;
        let expected = [
            first - 0.01 * first - 0.1,
            second - 0.01 * second + 0.1,
            0.5 - 0.2 - 0.2,
            7.0,
        ];
        assert_near(&two_steps(Method::ADAMW), &expected);
    }
}
