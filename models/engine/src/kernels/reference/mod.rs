//! Plain loops: the definition that every other kernel is held to.
//!
//! An element passes through here as an f32, whether it is a real number or a code: codes have at
//! most 8 bits, so nothing is lost. Sums of codes are exact integers.

mod convolution;
mod layer;

pub use convolution::{accumulate, convolution};

use crate::kernel::{Kernel, Task};
use layer::Plain;
use tincy_network::{Network, Op};

/// The definition of layer `index`, ready to run.
pub fn kernel(network: &Network, index: usize) -> Box<dyn Kernel> {
    let layer = &network.layers()[index];
    let inputs: Vec<_> = layer.inputs().iter().map(|i| network.tensor(*i)).collect();
    match layer.op() {
        Op::Convolution(convolution) => self::convolution(&Task {
            convolution,
            input: inputs[0].0,
            number: inputs[0].1,
            pool: None,
        }),
        op => Box::new(Plain {
            op: op.clone(),
            inputs: inputs.iter().map(|(shape, _)| *shape).collect(),
            output: layer.shape(),
            number: layer.number(),
        }),
    }
}
