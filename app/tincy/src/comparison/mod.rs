//! Two ways to compute the same: how far apart each layer's maps are.
//!
//! | module | subject |
//! | --- | --- |
//! | [`side`] | one of the two: a network and how it is run |
//! | [`difference`] | two maps of one layer, over all frames |

pub mod difference;
pub mod side;

pub use difference::{Difference, First};
pub use side::Side;

use anyhow::{Result, bail};
use tincy_network::{Network, Source};
use tincy_vision::Frame;

/// Noise that another order of a sum of floats makes, 100 dB below the signal.
const ROUNDING: f64 = 1e-10;

/// The layers of two networks that have the same name and shape, and what was found of each.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// In order of the first network.
    pub layers: Vec<Compared>,
    /// Frames looked at.
    pub frames: usize,
}

/// A layer that both have.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Its place in the first network.
    pub index: usize,
    /// Its place in the second.
    pub other: usize,
    /// How its maps differ.
    pub difference: Difference,
}

impl Comparison {
    /// What can be compared.
    ///
    /// # Errors
    /// If the networks read other inputs, or no layer of the two has the same name and shape.
    pub fn new(one: &Network, other: &Network) -> Result<Comparison> {
        let [ours, theirs] = [one, other].map(|network| network.input().shape);
        if ours != theirs {
            bail!("the one reads {ours}, the other {theirs}: nothing can be compared");
        }
        let layers = one.layers().iter().enumerate();
        let layers = layers.filter_map(|(index, layer)| {
            let place = other.find(layer.name())?;
            let is_same = other.layers()[place].shape() == layer.shape();
            is_same.then(|| Compared {
                index,
                other: place,
                difference: Difference::default(),
            })
        });
        let layers: Vec<Compared> = layers.collect();
        if layers.is_empty() {
            bail!("no layer of the two has the same name and shape: nothing can be compared");
        }
        Ok(Comparison { layers, frames: 0 })
    }

    /// Runs both on a frame and adds what is found.
    ///
    /// # Errors
    /// If the frame's size cannot be.
    pub fn add(&mut self, sides: &mut [Side; 2], frame: &Frame) -> Result<()> {
        for side in sides.iter_mut() {
            side.run(frame)?;
        }
        let [one, other] = sides;
        for layer in &mut self.layers {
            let maps = (one.map(layer.index), other.map(layer.other));
            let (Some(first), Some(second)) = maps else {
                continue;
            };
            layer.difference.add(self.frames, first, second);
        }
        self.frames += 1;
        Ok(())
    }

    /// The layer that adds most noise to what it reads: its place in [`layers`](Comparison::layers).
    /// `None` if none adds more than floats' rounding.
    pub fn worst(&self, network: &Network) -> Option<usize> {
        let added = (0..self.layers.len()).map(|place| self.added_noise(network, place));
        let most = added.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        most.filter(|(_, noise)| *noise > ROUNDING)
            .map(|(place, _)| place)
    }

    /// Noise of a layer's map less the largest of its inputs', each as a share of the signal.
    fn added_noise(&self, network: &Network, place: usize) -> f64 {
        let layer = &self.layers[place];
        let inputs = network.layers()[layer.index].inputs().iter();
        let noise = inputs.map(|source| match source {
            Source::Input => 0.0,
            Source::Layer(index) => {
                let known = self.layers.iter().find(|layer| layer.index == *index);
                known.map_or(0.0, |layer| layer.difference.noise())
            }
        });
        layer.difference.noise() - noise.fold(0.0, f64::max)
    }
}
