//! Activations over a whole slice, by their definitions.

use tincy_network::Activation;

/// Applies an activation to every element.
#[inline(always)]
pub(crate) fn activate(activation: Activation, values: &mut [f32]) {
    // The simple ones by name, so that the compiler sees which and vectorises.
    match activation {
        Activation::Linear => {}
        Activation::Relu => each(values, |x| Activation::Relu.apply(x)),
        Activation::Relu6 => each(values, |x| Activation::Relu6.apply(x)),
        Activation::Leaky { slope } => each(values, |x| Activation::Leaky { slope }.apply(x)),
        Activation::HardSwish => each(values, |x| Activation::HardSwish.apply(x)),
        Activation::HardSigmoid => each(values, |x| Activation::HardSigmoid.apply(x)),
        other => each(values, |x| other.apply(x)),
    }
}

#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    values
        .iter_mut()
        .for_each(|value| *value = function(*value));
}
