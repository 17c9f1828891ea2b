//! The length of a gradient, and a limit to it.

use crate::parameters::Parameters;

/// Shortens the gradient of the trained parameters to a length of `limit` at most, clears the
/// others', and returns the length it had. A gradient that is no number is left alone.
pub fn clip(parameters: &Parameters, gradient: &mut [f32], limit: f32) -> f64 {
    let mut squares = 0.0;
    for parameter in parameters.list() {
        let part = &mut gradient[parameter.range.clone()];
        if parameter.trained {
            squares += part
                .iter()
                .map(|g| f64::from(*g) * f64::from(*g))
                .sum::<f64>();
        } else {
            part.fill(0.0);
        }
    }
    let length = squares.sqrt();
    if length.is_finite() && length > f64::from(limit) {
        let factor = (f64::from(limit) / length) as f32;
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Role;

    #[test]
    fn long_gradients_are_shortened() {
        let mut parameters = Parameters::default();
        parameters.add("a".into(), Role::Weight, &[0.0; 2]);
        parameters.add("b".into(), Role::Statistic, &[0.0]);
        let mut gradient = [3.0, -4.0, 100.0];
        assert_eq!(clip(&parameters, &mut gradient, 10.0), 5.0);
        assert_eq!(gradient, [3.0, -4.0, 0.0]);
        clip(&parameters, &mut gradient, 2.5);
        assert_eq!(gradient, [1.5, -2.0, 0.0]);
        let mut odd = [f32::NAN, 1.0, 1.0];
        assert!(clip(&parameters, &mut odd, 1.0).is_nan());
        assert_eq!(odd[1], 1.0);
    }
}
