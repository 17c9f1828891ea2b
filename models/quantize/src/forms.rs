//! Which maps are codes and which stay floats.
//!
//! Convolutions read codes. Maps that move, or are added as they are, share one code. Results stay floats,
//! and so does what only layers read that have no form in integers (means, products of maps, softmax);
//! where such a layer's neighbours differ, a map is turned from one form into the other.

use crate::even::Evens;
use crate::share::{self, Groups, shares};
use tincy_network::{Network, Source};

/// The form of each map.
#[derive(Clone, Debug)]
pub struct Forms {
    /// Maps of one code.
    pub groups: Groups,
    /// Convolutions whose channels are scaled behind their activation: one layer with that.
    pub evens: Evens,
    /// Whether a layer's map is made as codes.
    codes: Vec<bool>,
    /// Whether a layer reads codes.
    reads: Vec<bool>,
}

impl Forms {
    /// The forms of a network's maps.
    pub fn new(network: &Network) -> Forms {
        let groups = share::groups(network);
        let evens = Evens::of(network, &groups);
        let read = network
            .layers()
            .iter()
            .filter(|l| l.convolution().is_some());
        let read: Vec<usize> = read.map(|layer| groups.of(layer.inputs()[0])).collect();
        let layers = || network.layers().iter().enumerate();
        let is_code = |index: usize| {
            let map = Source::Layer(index);
            let group = groups.of(map);
            groups.is_input(map) || (!groups.is_result(map) && read.contains(&group))
        };
        let codes = layers().map(|(index, layer)| {
            let can = layer.convolution().is_some() || shares(network, layer);
            can && is_code(index)
        });
        let reads = layers().map(|(index, layer)| {
            layer.convolution().is_some() || (shares(network, layer) && is_code(index))
        });
        Forms {
            codes: codes.collect(),
            reads: reads.collect(),
            groups,
            evens,
        }
    }

    /// Whether a map is made as codes.
    pub fn is_code(&self, map: Source) -> bool {
        match map {
            Source::Input => true,
            Source::Layer(index) => self.codes[index],
        }
    }

    /// Whether a layer reads codes.
    pub fn reads_codes(&self, layer: usize) -> bool {
        self.reads[layer]
    }
}
