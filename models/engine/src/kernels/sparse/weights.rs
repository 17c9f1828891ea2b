//! The weights that are not zero, channel by channel.

use crate::kernel::Task;
use tincy_network::Code;

/// Where the terms of one output channel lie. A weight of 2 stands twice.
#[derive(Debug, Default)]
pub(super) struct Channel {
    pub(super) plus: Vec<u32>,
    pub(super) minus: Vec<u32>,
}

impl Channel {
    fn fill(
        &mut self,
        task: &Task<'_>,
        output: usize,
        weights: &[i8],
        place: &impl Fn([usize; 2], usize) -> u32,
    ) {
        let c = task.convolution;
        let inputs = task.input.channels / c.groups;
        let first = output / (c.out_channels / c.groups) * inputs;
        self.plus.clear();
        self.minus.clear();
        for (i, weight) in weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight != 0)
        {
            let position = i / inputs;
            let at = [position / c.kernel[1], position % c.kernel[1]];
            let list = match *weight > 0 {
                true => &mut self.plus,
                false => &mut self.minus,
            };
            let place = place(at, first + i % inputs);
            list.extend(std::iter::repeat_n(place, weight.unsigned_abs().into()));
        }
    }

    /// What the channel's sum starts from, if elements are `code - smallest code`.
    pub(super) fn start(&self, code: Code) -> i32 {
        let sum = self.plus.len() as i32 - self.minus.len() as i32;
        sum.wrapping_mul(code.min() - code.zero)
    }
}

/// Calls `each` with every output channel; `place` says where a position of the kernel and an input
/// channel lie.
pub(super) fn each(
    task: &Task<'_>,
    place: &impl Fn([usize; 2], usize) -> u32,
    mut each: impl FnMut(usize, &Channel),
) {
    let c = task.convolution;
    let mut weights = vec![0; c.window(task.input.channels)];
    let mut channel = Channel::default();
    for output in 0..c.out_channels {
        c.weights.unpack_range(output * weights.len(), &mut weights);
        channel.fill(task, output, &weights, place);
        each(output, &channel);
    }
}
