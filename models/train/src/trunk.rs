//! First layers that are not trained: they run in integers, and what is trained reads their codes.

use crate::Error;
use crate::augment::Batch;
use crate::frozen::Frozen;
use std::sync::Arc;
use tincy_engine::tensor::TensorMut;
use tincy_network::graph::Builder;
use tincy_network::{Head, Input, Network, Source};

/// The layers.
pub struct Trunk(Frozen);

impl Trunk {
    /// A network whose last layer gives codes, on these threads.
    pub fn new(network: Network, pool: Arc<rayon::ThreadPool>) -> Trunk {
        let outputs = network.outputs().to_vec();
        Trunk(Frozen::new(network, outputs, pool))
    }

    /// What batches are to be made for.
    pub fn input(&self) -> Input {
        self.0.network().input().unrounded()
    }

    /// The batch as the trunk's codes.
    ///
    /// # Errors
    /// If its size does not suit the trunk.
    pub fn look(&mut self, batch: &Batch) -> Result<Batch, Error> {
        let code = self.0.network().input().number.code();
        let code = code.expect("a trunk in integers reads codes");
        let rounded = |value: f32| {
            let code_of = value.round_ties_even() as i32 + code.zero;
            code_of.clamp(code.min(), code.max())
        };
        let seen = self.0.look(batch, |values, input| match input {
            TensorMut::F32(own) => own.copy_from_slice(values),
            TensorMut::U8(own) => put(values, own, |value| rounded(value) as u8),
            TensorMut::I8(own) => put(values, own, |value| rounded(value) as i8),
        })?;
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
        for head in network.heads() {
            builder.head(Head {
                source: moved(head.source),
                ..head.clone()
            });
        }
        builder.classes(network.classes().to_vec());
        for (subject, text) in network.provenance() {
            builder.provenance(subject, text);
        }
        Ok(builder.build()?)
    }
}

fn put<T>(values: &[f32], own: &mut [T], code: impl Fn(f32) -> T) {
    for (own, value) in own.iter_mut().zip(values) {
        *own = code(*value);
    }
}
