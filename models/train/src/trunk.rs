//! First layers that are not trained: they run in integers, and what is trained reads their codes.

use crate::Error;
use crate::augment::Batch;
use crate::frozen::Frozen;
use std::borrow::Cow;
use std::sync::Arc;
use tincy_network::graph::Builder;
use tincy_network::{Input, Network, Number, Source};

/// The layers.
pub struct Trunk(Frozen);

impl Trunk {
    /// A network whose last layer gives codes, on these threads.
    pub fn new(network: Network, pool: Arc<rayon::ThreadPool>) -> Trunk {
        let outputs = network.outputs().to_vec();
        Trunk(Frozen::new(network, outputs, pool))
    }

    /// What batches are to be made for: real values.
    pub fn input(&self) -> Input {
        Input {
            number: Number::F32,
            ..self.0.network().input().clone()
        }
    }

    /// The batch as the trunk's codes.
    ///
    /// # Errors
    /// If its size does not suit the trunk.
    pub fn look(&mut self, batch: &Batch) -> Result<Batch, Error> {
        let seen = self.0.look(batch, |values| Cow::Borrowed(values))?;
        let shape = seen.shapes[0];
        Ok(Batch {
            step: batch.step,
            size: [shape.width, shape.height],
            inputs: seen.maps.into_iter().flatten().flatten().collect(),
            truths: batch.truths.clone(),
        })
    }

    /// The whole network: the trunk, and behind it one that reads its codes.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn before(&self, network: &Network) -> Result<Network, Error> {
        let trunk = self.0.network();
        let mut builder = Builder::new(network.name(), trunk.input().clone())?;
        let count = trunk.layers().len();
        let moved = |source: Source| match source {
            Source::Input => Source::Layer(count - 1),
            Source::Layer(index) => Source::Layer(count + index),
        };
        for layer in trunk.layers() {
            builder.layer(layer.name(), layer.op().clone(), layer.inputs())?;
        }
        for layer in network.layers() {
            let inputs: Vec<Source> = layer.inputs().iter().map(|s| moved(*s)).collect();
            builder.layer(layer.name(), layer.op().clone(), &inputs)?;
        }
        builder.take_over(network, moved);
        Ok(builder.build()?)
    }
}
