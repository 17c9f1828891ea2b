//! Where quantizers enter: before the weights of a convolution, and after a map.

/// A function of a convolution's weights that stands for its quantization in training.
pub trait WeightQuantizer: Send + Sync {
    /// Takes its own parameters (scales, steps) as they are now.
    fn take(&mut self, own: &[f32]);

    /// The weights that are used instead of `weights`, `[out][ky][kx][in / groups]` both.
    fn forward(&self, weights: &[f32], used: &mut [f32]);

    /// Adds the gradients of `weights` and of its own parameters, from that of the used weights.
    fn backward(&self, weights: &[f32], d_used: &[f32], d_weights: &mut [f32], d_own: &mut [f32]);
}

/// A function of a map's elements that stands for its quantization in training.
pub trait MapQuantizer: Send + Sync {
    /// Takes its own parameters as they are now.
    fn take(&mut self, own: &[f32]);

    /// The map that is used instead of `map`, pixel-major, as many channels as the layer has.
    fn forward(&self, map: &[f32], used: &mut [f32]);

    /// Turns the gradient of the used map into that of `map`, and adds its own parameters'.
    fn backward(&self, map: &[f32], gradient: &mut [f32], d_own: &mut [f32]);
}
