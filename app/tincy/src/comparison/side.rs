//! One of two ways to compute: a network, and the kernels that run it with all maps kept.

use super::difference::Map;
use crate::detector::{Detector, Model};
use anyhow::Result;
use tincy_engine::Options;
use tincy_network::{Network, Source};
use tincy_vision::{Detection, Filter, Frame};

/// A network ready to be looked into.
pub struct Side {
    model: Model,
    detector: Detector,
    found: Vec<Detection>,
}

impl Side {
    /// A network, run as the options say.
    ///
    /// # Errors
    /// If it does not find boxes in pictures, or cannot be run so.
    pub fn new(network: Network, options: Options, filter: Filter) -> Result<Side> {
        let options = Options {
            keep_all: true,
            ..options
        };
        let model = Model::new(network, &options)?;
        Ok(Side {
            detector: Detector::new(&model, filter),
            model,
            found: Vec::new(),
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        self.model.network()
    }

    /// What was found in the last frame.
    pub fn found(&self) -> &[Detection] {
        &self.found
    }

    /// Runs a frame.
    pub(super) fn run(&mut self, frame: &Frame) -> Result<()> {
        self.found = self.detector.detect(frame)?;
        Ok(())
    }

    /// The map of a layer, by number.
    pub(super) fn map(&self, layer: usize) -> Option<Map<'_>> {
        let (shape, number) = self.network().tensor(Source::Layer(layer));
        let values = self.detector.output(Source::Layer(layer))?;
        Some(Map {
            shape,
            number,
            values,
        })
    }
}
