//! The exponential moving average of the parameters, which is what a run gives.

use crate::parameters::Parameters;
use crate::vector::vectorised;

/// `average = d * average + (1 - d) * values`, with `d` small at first so that the start is
/// forgotten: `min(decay, (1 + n) / (10 + n))` at update `n`.
#[derive(Clone, Debug)]
pub struct Average {
    decay: f32,
    pub(crate) values: Vec<f32>,
    pub(crate) updates: u64,
}

impl Average {
    /// An average that starts at the parameters' values.
    pub fn new(parameters: &Parameters, decay: f32) -> Average {
        Average {
            decay,
            values: parameters.values().to_vec(),
            updates: 0,
        }
    }

    /// Takes the parameters in.
    pub fn update(&mut self, parameters: &Parameters) {
        self.updates += 1;
        let n = self.updates as f64;
        let decay = f64::from(self.decay).min((1.0 + n) / (10.0 + n)) as f32;
        vectorised(
            #[inline(always)]
            || {
                for (average, value) in self.values.iter_mut().zip(parameters.values()) {
                    *average = decay * *average + (1.0 - decay) * value;
                }
            },
        );
    }

    /// Exchanges the average with the parameters' values; a second call exchanges them back.
    pub fn exchange(&mut self, parameters: &mut Parameters) {
        self.values.swap_with_slice(parameters.values_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Role;

    #[test]
    fn averages_forget_their_start() {
        let mut parameters = Parameters::default();
        let id = parameters.add("a".into(), Role::Weight, &[10.0]);
        let mut average = Average::new(&parameters, 0.5);
        parameters.get_mut(id)[0] = 0.0;
        average.update(&parameters);
        assert!((average.values[0] - 20.0 / 11.0).abs() < 1e-6);
        for _ in 0..40 {
            average.update(&parameters);
        }
        assert!(average.values[0] < 1e-9);
        average.exchange(&mut parameters);
        assert!(parameters.get(id)[0] < 1e-9 && average.values[0] == 0.0);
    }
}
