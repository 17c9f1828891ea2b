//! Which kernel runs a layer.

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use crate::kernels::{
    elementwise, first8, float, integer, lowbit, movement, pool, reference, resize, sparse,
};
use first8::Accumulator;
use tincy_network::{Network, Number, Op, Pool, Source};

/// The instruction set and the choices that kernels are made by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// `None` for the reference.
    pub(super) isa: Option<Isa>,
    /// Whether layers that read the input may round their sums to 16 bits.
    pub(super) first_layer16: bool,
    /// Whether a convolution may take the pool after it along.
    pub(super) fuse: bool,
}

/// A kernel and the number of layers that it does.
pub(super) struct Chosen {
    pub(super) kernel: Box<dyn Kernel>,
    pub(super) layers: usize,
}

impl Choice {
    /// The kernel of layer `index`, and of the pool after it where it takes that along.
    pub(super) fn kernel(&self, network: &Network, index: usize) -> Chosen {
        let one = |kernel| Chosen { kernel, layers: 1 };
        let Some(isa) = self.isa else {
            return one(reference::kernel(network, index));
        };
        let layer = &network.layers()[index];
        let Some(convolution) = layer.convolution() else {
            return one(other(network, index));
        };
        let (input, number) = network.tensor(layer.inputs()[0]);
        let task = Task {
            convolution,
            input,
            number,
            pool: None,
        };
        if self.first_layer16
            && layer.inputs()[0] == Source::Input
            && let Some(kernel) = first8::kernel(&task, isa, Accumulator::Rounded16)
        {
            return one(kernel);
        }
        let pool = self.fuse.then(|| pool_after(network, index)).flatten();
        if let Some(lanes) = sparse::pays(&Task { pool, ..task }, isa)
            && let Some(kernel) = sparse::kernel(&task, isa, lanes)
        {
            return one(kernel);
        }
        if pool.is_some()
            && let Some(kernel) = self.convolution(&Task { pool, ..task }, isa)
        {
            return Chosen { kernel, layers: 2 };
        }
        let kernel = self.convolution(&task, isa);
        one(kernel.unwrap_or_else(|| reference::convolution(&task)))
    }

    /// The first method that serves the task.
    fn convolution(&self, task: &Task<'_>, isa: Isa) -> Option<Box<dyn Kernel>> {
        float::kernel(task, isa)
            .or_else(|| lowbit::kernel(task, isa))
            .or_else(|| integer::kernel(task, isa))
    }
}

/// The kernel of a layer that is no convolution.
fn other(network: &Network, index: usize) -> Box<dyn Kernel> {
    let layer = &network.layers()[index];
    let inputs: Vec<_> = layer
        .inputs()
        .iter()
        .map(|i| network.tensor(*i).0)
        .collect();
    let (input, output, number) = (inputs[0], layer.shape(), layer.number());
    match *layer.op() {
        Op::Gather { ref channels } => movement::gather(channels, input, number),
        Op::Resize { .. } => resize::resize(input, output),
        Op::MaxPool(pool) => pool::max_pool(pool, input, output),
        Op::GlobalAverage => pool::global_average(input),
        Op::Upsample { factor } => movement::upsample(factor, output, number),
        Op::Concat => movement::concat(&inputs, number),
        Op::Slice { start, count } => movement::slice(start, count, input, number),
        Op::Reorg { stride } => movement::reorg(stride, input, output, number),
        Op::DepthToSpace { block, order } => movement::depth_to_space(block, order, output, number),
        Op::Steps(ref steps) => elementwise::steps(steps, output.channels),
        Op::Add { activation } => match number {
            Number::Code(code) => elementwise::add_codes(code),
            Number::F32 => elementwise::add(input, inputs[1], activation),
        },
        Op::ScaleChannels { activation } => elementwise::scale_channels(input, activation),
        Op::Activation { activation } => elementwise::activation(activation),
        Op::Softmax | Op::Convolution(_) => reference::kernel(network, index),
    }
}

/// The max pool right after layer `index`, if nothing else reads that layer.
fn pool_after(network: &Network, index: usize) -> Option<Pool> {
    let next = network.layers().get(index + 1)?;
    let Op::MaxPool(pool) = next.op() else {
        return None;
    };
    let map = Source::Layer(index);
    let readers = network.layers().iter().flat_map(|layer| layer.inputs());
    let only = readers.filter(|input| **input == map).count() == 1;
    (only && next.inputs()[0] == map && !network.outputs().contains(&map)).then_some(*pool)
}
