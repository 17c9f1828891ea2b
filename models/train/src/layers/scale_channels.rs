//! A map times one factor a channel (squeeze and excitation).

use crate::Error;
use crate::function::{descend, finish, finish_into, needs_sum};
use crate::layer::{Backward, Forward, Layer};
use crate::vector::clear;
use tincy_network::{Activation, Shape};

/// `activation(map * factors)`; the second input has one pixel.
pub(crate) struct ScaleChannels(pub(crate) Activation);

fn products(pass: &Forward<'_>, to: &mut [f32]) {
    let shape = pass.shape;
    let maps = pass.inputs[0].chunks_exact(shape.elements());
    let factors = pass.inputs[1].chunks_exact(shape.channels);
    for ((map, factors), to) in maps.zip(factors).zip(to.chunks_exact_mut(shape.elements())) {
        let pixels = map.chunks_exact(shape.channels);
        for (pixel, to) in pixels.zip(to.chunks_exact_mut(shape.channels)) {
            for ((to, value), factor) in to.iter_mut().zip(pixel).zip(factors) {
                *to = value * factor;
            }
        }
    }
}

impl Layer for ScaleChannels {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
        Ok(inputs[0])
    }

    fn forward(&self, mut pass: Forward<'_>) {
        let output = std::mem::take(&mut pass.output);
        if pass.training && needs_sum(self.0) {
            let mut kept = std::mem::take(pass.kept);
            kept.resize(output.len(), 0.0);
            products(&pass, &mut kept);
            finish_into(self.0, None, &mut kept, output);
            *pass.kept = kept;
        } else {
            products(&pass, output);
            finish(self.0, None, output);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let known = if needs_sum(self.0) {
            pass.kept
        } else {
            pass.output
        };
        descend(self.0, known, pass.d_output);
        let shape = pass.shape;
        let (maps, factors) = (pass.inputs[0], pass.inputs[1]);
        let (first, second) = pass.d_inputs.split_at_mut(1);
        if let Some(gradient) = &mut first[0] {
            clear(&mut gradient.values, gradient.add);
            for (i, (to, d)) in gradient.values.iter_mut().zip(&*pass.d_output).enumerate() {
                let factor = i / shape.elements() * shape.channels + i % shape.channels;
                *to += d * factors[factor];
            }
        }
        if let Some(gradient) = &mut second[0] {
            clear(&mut gradient.values, gradient.add);
            for (i, (x, d)) in maps.iter().zip(&*pass.d_output).enumerate() {
                let factor = i / shape.elements() * shape.channels + i % shape.channels;
                gradient.values[factor] += d * x;
            }
        }
    }
}
