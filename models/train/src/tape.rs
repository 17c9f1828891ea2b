//! One batch's way through a model and back.
//!
//! The batch is cut into shards of so many pictures ([`SHARD`]), whatever the number of threads; each shard
//! has its own maps and gradients, and sums over shards are taken in their order. So any number of
//! threads gives the same bits.

mod shard;

use crate::Error;
use crate::augment::Batch;
use crate::model::Model;
use rayon::prelude::*;
use shard::Shard;
use std::sync::Arc;
use tincy_network::{Number, Shape, Source};

/// Pictures of a shard.
pub const SHARD: usize = 2;

/// Memory and threads for passes through a model.
pub struct Tape {
    pool: Arc<rayon::ThreadPool>,
    /// Pictures of a shard.
    shard: usize,
    shards: Vec<Shard>,
    /// Pictures of the batch.
    pictures: usize,
    input: Shape,
    shapes: Vec<Shape>,
    outputs: Vec<Source>,
    /// Whether the gradient of the input is computed too.
    input_gradient: bool,
}

impl Tape {
    /// A tape whose passes share these threads.
    pub fn new(pool: Arc<rayon::ThreadPool>) -> Tape {
        Tape {
            pool,
            shard: SHARD,
            shards: Vec::new(),
            pictures: 0,
            input: Shape::new(0, 0, 0),
            shapes: Vec::new(),
            outputs: Vec::new(),
            input_gradient: false,
        }
    }

    /// Does something on the tape's threads.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// Cuts batches into shards of so many pictures: more for small pictures, where a shard's own
    /// gradient of all parameters outweighs its maps.
    #[must_use]
    pub fn with_shard(mut self, pictures: usize) -> Tape {
        self.shard = pictures.max(1);
        self
    }

    /// Computes the gradient of the input too from now on.
    pub fn want_input_gradient(&mut self) {
        self.input_gradient = true;
    }

    /// Makes room for a batch of pictures of `height` x `width`.
    ///
    /// # Errors
    /// If the size does not suit the model.
    pub fn begin(
        &mut self,
        model: &Model,
        pictures: usize,
        height: usize,
        width: usize,
    ) -> Result<(), Error> {
        self.shapes = model.shapes(height, width)?;
        self.input = Shape::new(height, width, model.template().input().shape.channels);
        self.pictures = pictures;
        self.outputs = model.outputs();
        self.shards
            .resize_with(pictures.div_ceil(self.shard), Shard::default);
        for (index, shard) in self.shards.iter_mut().enumerate() {
            let count = self.shard.min(pictures - index * self.shard);
            shard.begin(count, self.input, self.shapes.len());
        }
        Ok(())
    }

    /// Makes room for a batch and writes its inputs.
    ///
    /// # Errors
    /// If its size does not suit the model.
    pub fn load(&mut self, model: &Model, batch: &Batch) -> Result<(), Error> {
        let [width, height] = batch.size;
        self.begin(model, batch.truths.len(), height, width)?;
        let inputs = batch.inputs.chunks_exact(self.input.elements());
        for (picture, input) in inputs.enumerate() {
            self.set_input(model, picture, input);
        }
        Ok(())
    }

    /// Shape of a picture's input.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    /// The shape of each result, in the template's order.
    pub fn output_shapes(&self) -> Vec<Shape> {
        let shape = |source: &Source| match source {
            Source::Input => self.input,
            Source::Layer(index) => self.shapes[*index],
        };
        self.outputs.iter().map(shape).collect()
    }

    /// The input of a picture, to be written before the way forward.
    pub fn input_mut(&mut self, picture: usize) -> &mut [f32] {
        let size = self.input.elements();
        let input = &mut self.shards[picture / self.shard].input;
        &mut input[picture % self.shard * size..][..size]
    }

    /// Writes the input of a picture from real values. Where the network's input is a code, layers
    /// read `code - zero` and never its scale, so that is what is written.
    ///
    /// # Panics
    /// If `values` does not have the input's length.
    pub fn set_input(&mut self, model: &Model, picture: usize, values: &[f32]) {
        let number = model.template().input().number;
        let input = self.input_mut(picture);
        input.copy_from_slice(values);
        let Number::Code(code) = number else {
            return;
        };
        let factor = code.inverse_scale();
        let low = (code.min() - code.zero) as f32;
        let high = (code.max() - code.zero) as f32;
        crate::vector::vectorised(
            #[inline(always)]
            || {
                for value in input {
                    *value = (*value * factor).clamp(low, high).round_ties_even();
                }
            },
        );
    }

    /// A result of a picture, after the way forward.
    pub fn output(&self, output: usize, picture: usize) -> &[f32] {
        self.map(self.outputs[output], picture)
    }

    /// The output of a layer of the template for a picture, after the way forward.
    pub fn layer(&self, model: &Model, layer: usize, picture: usize) -> &[f32] {
        self.map(model.place(Source::Layer(layer)), picture)
    }

    fn map(&self, source: Source, picture: usize) -> &[f32] {
        let map = self.shards[picture / self.shard].map(source);
        let size = map.len() / self.shards[picture / self.shard].pictures;
        &map[picture % self.shard * size..][..size]
    }

    /// The gradient of a picture's input after the way back, if it was
    /// [wanted](Tape::want_input_gradient).
    pub fn input_gradient(&self, picture: usize) -> &[f32] {
        let size = self.input.elements();
        &self.shards[picture / self.shard].input_gradient()[picture % self.shard * size..][..size]
    }

    /// Computes all maps. In training, statistics of the batch are taken where the model says so.
    pub fn forward(&mut self, model: &mut Model, training: bool) {
        model.prepare();
        let mut start = 0;
        for node in 0..model.nodes.len() {
            if !training || !model.nodes[node].layer.meets() {
                continue;
            }
            let (shapes, shared) = (&self.shapes, &*model);
            let sums = self.pool.install(|| {
                let shards = self.shards.par_iter_mut().with_max_len(1);
                let sums = shards.map(|shard| {
                    shard.forward(shared, shapes, start..node, training);
                    shard.forward_sums(shared, shapes, node)
                });
                sums.collect::<Vec<_>>()
            });
            let pixels = self.pictures * self.shapes[node].pixels();
            model.meet(node, &total(&sums), pixels);
            start = node;
        }
        let (shapes, shared) = (&self.shapes, &*model);
        self.pool.install(|| {
            let shards = self.shards.par_iter_mut().with_max_len(1);
            shards.for_each(|shard| shard.forward(shared, shapes, start..shapes.len(), training));
        });
    }

    /// Calls `loss` for each picture with its results; it overwrites their gradients. What it
    /// returns comes back in the order of the pictures.
    pub fn losses<T: Send>(
        &mut self,
        loss: impl Fn(usize, &[&[f32]], &mut [&mut [f32]]) -> T + Sync,
    ) -> Vec<T> {
        let (outputs, size) = (&self.outputs, self.shard);
        let results: Vec<Vec<T>> = self.pool.install(|| {
            let shards = self.shards.par_iter_mut().with_max_len(1).enumerate();
            shards
                .map(|(index, shard)| shard.losses(outputs, index * size, &loss))
                .collect()
        });
        results.into_iter().flatten().collect()
    }

    /// Computes the gradients of all parameters, times `factor`, into `gradient` (resized), from
    /// those of the results.
    pub fn backward(&mut self, model: &mut Model, factor: f32, gradient: &mut Vec<f32>) {
        let wanted = model.wanted(self.input_gradient);
        let length = model.parameters().values().len();
        let input = self.input_gradient;
        for shard in &mut self.shards {
            shard.begin_backward(length, input);
        }
        let mut end = model.nodes.len();
        for node in (0..model.nodes.len()).rev() {
            if !model.nodes[node].layer.meets() || !wanted[node] {
                continue;
            }
            let (shapes, shared, wanted) = (&self.shapes, &*model, &wanted);
            let sums = self.pool.install(|| {
                let shards = self.shards.par_iter_mut().with_max_len(1);
                let sums = shards.map(|shard| {
                    shard.backward(shared, shapes, wanted, node + 1..end);
                    shard.backward_sums(shared, shapes, node)
                });
                sums.collect::<Vec<_>>()
            });
            let pixels = self.pictures * self.shapes[node].pixels();
            model.nodes[node].layer.meet_backward(&total(&sums), pixels);
            end = node + 1;
        }
        let (shapes, shared) = (&self.shapes, &*model);
        self.pool.install(|| {
            let shards = self.shards.par_iter_mut().with_max_len(1);
            shards.for_each(|shard| shard.backward(shared, shapes, &wanted, 0..end));
        });
        self.sum_gradients(factor, length, gradient);
        model.settle(gradient);
    }

    fn sum_gradients(&self, factor: f32, length: usize, gradient: &mut Vec<f32>) {
        const PART: usize = 1 << 14;
        gradient.resize(length, 0.0);
        self.pool.install(|| {
            let parts = gradient.par_chunks_mut(PART).enumerate();
            parts.for_each(|(index, part)| {
                let start = index * PART;
                for (shard, from) in self.shards.iter().enumerate() {
                    let from = &from.d_parameters[start..start + part.len()];
                    crate::vector::put(part, from, shard > 0);
                }
                part.iter_mut().for_each(|value| *value *= factor);
            });
        });
    }
}

/// The sums of all shards, in their order.
fn total(sums: &[Vec<f64>]) -> Vec<f64> {
    let mut total = vec![0.0; sums.first().map_or(0, Vec::len)];
    for sums in sums {
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    total
}
