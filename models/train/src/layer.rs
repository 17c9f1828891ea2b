//! What a kind of layer can do: forward, backward, and what is done once a step around them.
//!
//! Maps are NHWC, several pictures one after the other. A layer works on one shard of the batch
//! and writes its parameters' gradients to that shard's own array, so shards run on any thread.

use crate::Error;
use crate::layers::Convolution;
use crate::parameters::Parameters;
use crate::quantize::Installed;
use tincy_network::Shape;

/// One shard's way through a layer.
pub(crate) struct Forward<'a> {
    /// Pictures in the shard.
    pub(crate) pictures: usize,
    /// Shape of each input and of the output, for one picture.
    pub(crate) shapes: &'a [Shape],
    pub(crate) inputs: &'a [&'a [f32]],
    pub(crate) shape: Shape,
    pub(crate) output: &'a mut [f32],
    /// What the layer keeps for the way back; its length is the layer's business.
    pub(crate) kept: &'a mut Vec<f32>,
    /// Memory between calls, of no known content.
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) parameters: &'a Parameters,
    /// Whether this is training: batch statistics count, and something is kept.
    pub(crate) training: bool,
}

/// One shard's way back through a layer.
pub(crate) struct Backward<'a> {
    pub(crate) pictures: usize,
    pub(crate) shapes: &'a [Shape],
    pub(crate) inputs: &'a [&'a [f32]],
    pub(crate) shape: Shape,
    pub(crate) output: &'a [f32],
    pub(crate) kept: &'a [f32],
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) parameters: &'a Parameters,
    /// Gradient of the output; the layer may overwrite it.
    pub(crate) d_output: &'a mut [f32],
    /// Gradients of the inputs; `None` where nobody wants one.
    pub(crate) d_inputs: &'a mut [Option<Gradient>],
    /// The shard's gradients of all parameters, to be added to.
    pub(crate) d_parameters: &'a mut [f32],
}

/// The gradient of a map, of which several layers may write their share.
pub(crate) struct Gradient {
    pub(crate) values: Vec<f32>,
    /// Whether somebody wrote before; else the content is unknown and to be overwritten.
    pub(crate) add: bool,
}

/// Working memory of a shard.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) columns: Vec<f32>,
}

/// The first `length` elements of a vector that grows where needed; their content is unknown.
pub(crate) fn sized(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if memory.len() < length {
        memory.resize(length, 0.0);
    }
    &mut memory[..length]
}

/// A kind of layer.
pub(crate) trait Layer: Send + Sync {
    /// Shape of the output for one picture.
    ///
    /// # Errors
    /// If inputs of these shapes do not fit.
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error>;

    /// Makes what all shards read: quantized or re-ordered weights. Before every pass.
    fn prepare(&mut self, _parameters: &Parameters) {}

    /// Computes the output.
    fn forward(&self, pass: Forward<'_>);

    /// Computes the gradients of inputs and parameters from that of the output.
    fn backward(&self, pass: Backward<'_>);

    /// Turns the summed gradient of what [`prepare`](Layer::prepare) made into the parameters'.
    fn settle(&self, _parameters: &Parameters, _gradient: &mut [f32]) {}

    /// Brings parameters back into their ranges after a step.
    fn settle_parameters(&mut self, _parameters: &mut Parameters) {}

    /// Whether it has parameters of which one is trained.
    fn is_trained(&self, _parameters: &Parameters) -> bool {
        false
    }

    /// The layer, if it is a convolution.
    fn as_convolution(&mut self) -> Option<&mut Convolution> {
        None
    }

    /// Its quantizer, if it has one.
    fn quantizer(&mut self) -> Option<&mut Installed> {
        None
    }

    /// Whether it needs sums over the whole batch before it can go on, forward and back.
    fn meets(&self) -> bool {
        false
    }

    /// A shard's sums over its input, before [`forward`](Layer::forward).
    fn forward_sums(&self, _pass: Forward<'_>) -> Vec<f64> {
        Vec::new()
    }

    /// Takes the sums of the batch, of `pixels` pixels in all; statistics may be written.
    fn meet_forward(&mut self, _sums: &[f64], _pixels: usize, _parameters: &mut Parameters) {}

    /// A shard's sums over the gradient of its output, before [`backward`](Layer::backward).
    fn backward_sums(&self, _pass: Backward<'_>) -> Vec<f64> {
        Vec::new()
    }

    /// Takes the sums of the batch, of `pixels` pixels in all.
    fn meet_backward(&mut self, _sums: &[f64], _pixels: usize) {}
}
