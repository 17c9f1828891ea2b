//! A convolution's filters as integers, and what becomes of their sums.

use crate::Error;
use crate::sums::Sums;
use tincy_network::{
    Activation, Affine, Code, Convolution, Factor, Finish, Number, Requantize, Table, WeightKind,
    Weights,
};

/// The step of sums that are always zero.
const UNUSED_STEP: f64 = 1.0 / 65536.0;

/// The largest bias, in units of the sum.
const MAX_BIAS: f64 = (1 << 30) as f64;

/// Filters in integers: `activation(steps[o] * (sum of code * (input code - zero)) + bias[o])`.
#[derive(Clone, Debug)]
pub struct Filters {
    /// `[out][ky][kx][in / groups]`.
    pub codes: Vec<i8>,
    /// What one of a filter's sum stands for.
    pub steps: Vec<f64>,
    /// One a filter.
    pub bias: Vec<f32>,
}

/// What the sums become.
#[derive(Clone, Debug)]
pub enum Target {
    /// Floats.
    Floats,
    /// Codes.
    Codes {
        /// What the sum is rounded to before the activation; the output, if nothing is to be lost there.
        sums: Sums,
        /// The result.
        output: Code,
    },
    /// Codes by a table of each channel.
    ByChannel {
        /// What each channel's sum is rounded to; they differ in their scales alone.
        sums: Vec<Sums>,
        /// What each channel is multiplied by behind the activation.
        factors: Vec<f32>,
        /// The result.
        output: Code,
    },
}

impl Filters {
    /// Filters with the steps of their weights, on an input of step `input`. Weights that are nothing beside
    /// their bias are left out: integers could not hold it in their steps.
    pub fn new(mut codes: Vec<i8>, steps: &[f32], input: f64, bias: Vec<f32>) -> Filters {
        let window = codes.len() / steps.len();
        let filters = codes.chunks_exact_mut(window).zip(steps).zip(&bias);
        let steps = filters.map(|((filter, step), bias)| {
            let step = input * f64::from(*step);
            if f64::from(bias.abs()) > step * MAX_BIAS / 2.0 {
                filter.fill(0);
            }
            match filter.iter().all(|code| *code == 0) {
                // Whatever it is: such that the bias can be told.
                true => UNUSED_STEP,
                false => step,
            }
        });
        Filters {
            steps: steps.collect(),
            codes,
            bias,
        }
    }

    /// The convolution in integers; `template` has its geometry.
    ///
    /// # Errors
    /// If a factor or a bias is beyond what integers can say: the layer.
    pub fn convolution(
        self,
        name: &str,
        template: &Convolution,
        activation: Activation,
        target: Target,
    ) -> Result<Convolution, Error> {
        let weights = Weights::integers(WeightKind::int(&self.codes), &self.codes)?;
        let finish = match target {
            Target::Floats => results(&self.steps, self.bias, activation),
            Target::Codes { sums, output } => {
                let table =
                    Table::of_values(sums.values(), output, |value| activation.apply(value));
                let changes = sums != Sums::of(output) || !is_identity(&table, sums.code);
                self.requantize(name, &[sums], changes.then_some(table))?
            }
            Target::ByChannel {
                sums,
                factors,
                output,
            } => {
                let tables = sums.iter().zip(&factors).flat_map(|(sums, factor)| {
                    let function = |value| factor * activation.apply(value);
                    Table::of_values(sums.values(), output, function)
                        .codes
                        .to_vec()
                });
                let table = Table {
                    output,
                    codes: tables.collect::<Vec<_>>().into(),
                };
                self.requantize(name, &sums, Some(table))?
            }
        };
        Ok(Convolution {
            weights,
            finish,
            ..template.clone()
        })
    }

    /// Sums to codes, one for all channels or one for each; the bias in units of the sum.
    fn requantize(&self, name: &str, sums: &[Sums], table: Option<Table>) -> Result<Finish, Error> {
        let refused = |what: &str| Error::layer(name, format!("{what} is beyond integers"));
        let factors = self
            .steps
            .iter()
            .zip(sums.iter().cycle())
            .map(|(step, sums)| {
                let factor = Factor::nearest(step / sums.code.scale);
                factor.ok_or_else(|| refused("a factor"))
            });
        let factors = factors.collect::<Result<Vec<_>, _>>()?;
        let biases = self.steps.iter().zip(&self.bias).map(|(step, bias)| {
            let bias = (f64::from(*bias) / step).round();
            let fits = bias.abs() <= MAX_BIAS;
            fits.then_some(bias as i32).ok_or_else(|| refused("a bias"))
        });
        let multipliers = factors.iter().map(|factor| factor.multiplier);
        let shifts = factors.iter().map(|factor| factor.shift);
        Ok(Finish::Requantize(Box::new(Requantize {
            bias: biases.collect::<Result<Vec<_>, _>>()?.into(),
            multiplier: multipliers.collect::<Vec<_>>().into(),
            shift: shifts.collect::<Vec<_>>().into(),
            code: sums[0].code,
            negative_shift: sums[0].negative_shift,
            table,
        })))
    }
}

/// Whether a table from a code to the same code changes nothing.
fn is_identity(table: &Table, code: Code) -> bool {
    (code.min()..=code.max())
        .enumerate()
        .all(|(index, value)| table.get(index) == value)
}

/// Results in floats: `activation(scale * sum + bias)`.
pub fn results(scale: &[f64], bias: Vec<f32>, activation: Activation) -> Finish {
    let scale: Vec<f32> = scale.iter().map(|scale| *scale as f32).collect();
    Finish::Affine(Affine {
        scale: scale.into(),
        bias: bias.into(),
        activation,
        output: Number::F32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_nothing_beside_their_bias_are_left_out() {
        let filters = Filters::new(vec![3, 5], &[1e-12, 0.1], 1.0, vec![2.0, 2.0]);
        assert_eq!(filters.codes, [0, 5]);
        assert_eq!(filters.steps[0], UNUSED_STEP);
    }

    #[test]
    fn an_activation_that_a_code_cuts_by_itself_needs_no_table() {
        let template = |activation| {
            let filters = Filters::new(vec![1], &[0.5], 1.0, vec![0.25]);
            let output = Code::unsigned(8, 0.5);
            let target = Target::Codes {
                sums: Sums::of(output),
                output,
            };
            let geometry = Convolution {
                out_channels: 1,
                kernel: [1, 1],
                stride: [1, 1],
                dilation: [1, 1],
                padding: Default::default(),
                groups: 1,
                weights: Weights::floats(vec![1.0]),
                finish: results(&[1.0], vec![0.0], Activation::Linear),
            };
            let made = filters.convolution("a", &geometry, activation, target);
            match made.unwrap().finish {
                Finish::Requantize(requantize) => requantize,
                _ => panic!("not requantized"),
            }
        };
        assert!(template(Activation::Relu).table.is_none());
        assert!(template(Activation::Linear).table.is_none());
        assert!(template(Activation::Relu6).table.is_some());
        assert_eq!(template(Activation::Relu).bias[0], 1);
    }
}
