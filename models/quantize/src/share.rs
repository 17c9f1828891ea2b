//! Which maps must have one code: layers that only move, compare or add codes take and give the same.

use tincy_network::{Activation, Layer, Network, Op, Source};

/// Maps in groups of one code each.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The group of the input and of each layer's output: the first of its maps, by that numbering.
    of: Vec<usize>,
    results: Vec<usize>,
}

/// The groups of a network's maps.
pub fn groups(network: &Network) -> Groups {
    let mut of: Vec<usize> = (0..=network.layers().len()).collect();
    for (index, layer) in network.layers().iter().enumerate() {
        if !shares(network, layer) {
            continue;
        }
        for source in layer.inputs() {
            let (one, other) = (of[number(*source)], of[index + 1]);
            let (first, later) = (one.min(other), one.max(other));
            of.iter_mut()
                .filter(|group| **group == later)
                .for_each(|group| *group = first);
        }
    }
    let outputs = network.outputs().iter();
    let results = outputs.map(|source| of[number(*source)]).collect();
    Groups { of, results }
}

impl Groups {
    /// The number of a map's group.
    pub fn of(&self, source: Source) -> usize {
        self.of[number(source)]
    }

    /// Whether a map is a result, or goes into one as it is.
    pub fn is_result(&self, source: Source) -> bool {
        self.results.contains(&self.of(source))
    }

    /// Whether two maps have one code, if they have any.
    pub fn are_one(&self, one: Source, other: Source) -> bool {
        self.of(one) == self.of(other)
    }

    /// Whether a map is the input, or made of it as it is.
    pub fn is_input(&self, source: Source) -> bool {
        self.of(source) == 0
    }
}

fn number(source: Source) -> usize {
    match source {
        Source::Input => 0,
        Source::Layer(index) => index + 1,
    }
}

/// Whether a layer's output has the code of its inputs.
pub fn shares(network: &Network, layer: &Layer) -> bool {
    match layer.op() {
        Op::MaxPool(_) | Op::Upsample { .. } | Op::Concat | Op::Slice { .. } | Op::Reorg { .. } => {
            true
        }
        // Others take other maps than codes.
        Op::Add { activation } => {
            let shape = |source: &Source| network.tensor(*source).0;
            let mut shapes = layer.inputs().iter().map(shape);
            *activation == Activation::Linear && shapes.all(|shape| shape == layer.shape())
        }
        _ => false,
    }
}
