//! The steps of a network: a kernel each, and what they read.

use super::choose::Choice;
use crate::kernel::Kernel;
use std::ops::Range;
use tincy_network::{Network, Op, Source};

/// A step before its maps have a place.
pub(super) struct Draft {
    pub(super) kernel: Box<dyn Kernel>,
    pub(super) layers: Range<usize>,
    /// No layer without a step of its own is among them.
    pub(super) inputs: Vec<Source>,
}

/// The steps of a whole network.
pub(super) struct Drafts {
    pub(super) steps: Vec<Draft>,
    /// For each layer, the map that its output is: its own, or that of the layer it only repeats.
    pub(super) origin: Vec<Source>,
}

/// Gives every layer that does something a step.
pub(super) fn all(network: &Network, choice: &Choice) -> Drafts {
    let mut steps = Vec::new();
    let mut origin: Vec<Source> = Vec::new();
    while origin.len() < network.layers().len() {
        let index = origin.len();
        let read = |source: &Source| match source {
            Source::Input => Source::Input,
            Source::Layer(index) => origin[*index],
        };
        let inputs: Vec<_> = network.layers()[index].inputs().iter().map(read).collect();
        if repeats(network, index) {
            origin.push(inputs[0]);
            continue;
        }
        let chosen = choice.kernel(network, index);
        let layers = index..index + chosen.layers;
        origin.extend(layers.clone().map(Source::Layer));
        steps.push(Draft {
            kernel: chosen.kernel,
            layers,
            inputs,
        });
    }
    Drafts { steps, origin }
}

/// Whether the output of a layer is its input, unchanged.
fn repeats(network: &Network, index: usize) -> bool {
    let layer = &network.layers()[index];
    match layer.op() {
        Op::Concat => layer.inputs().len() == 1,
        Op::Slice { .. } => network.tensor(layer.inputs()[0]).0 == layer.shape(),
        Op::Upsample { factor } => *factor == 1,
        _ => false,
    }
}
