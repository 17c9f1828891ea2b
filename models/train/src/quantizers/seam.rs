//! Any quantizer where a model takes one.

use super::Quantizer;
use crate::quantize::{MapQuantizer, WeightQuantizer};

impl WeightQuantizer for Box<dyn Quantizer> {
    fn take(&mut self, own: &[f32]) {
        self.parameters_mut().copy_from_slice(own);
        self.settle();
    }

    fn forward(&self, weights: &[f32], used: &mut [f32]) {
        (**self).forward(weights, used);
    }

    fn backward(&self, weights: &[f32], d_used: &[f32], d_weights: &mut [f32], d_own: &mut [f32]) {
        let mut gradient = d_used.to_vec();
        (**self).backward(weights, &mut gradient, d_own);
        for (d_weight, gradient) in d_weights.iter_mut().zip(gradient) {
            *d_weight += gradient;
        }
    }
}

impl MapQuantizer for Box<dyn Quantizer> {
    fn take(&mut self, own: &[f32]) {
        self.parameters_mut().copy_from_slice(own);
        self.settle();
    }

    fn forward(&self, map: &[f32], used: &mut [f32]) {
        (**self).forward(map, used);
    }

    fn backward(&self, map: &[f32], gradient: &mut [f32], d_own: &mut [f32]) {
        (**self).backward(map, gradient, d_own);
    }
}
