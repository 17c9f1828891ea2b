//! Some pictures of a batch: their maps, and the gradients of these.

use crate::layer::{Backward, Forward, Gradient, Scratch};
use crate::model::Model;
use std::ops::Range;
use tincy_network::{Shape, Source};

/// The part of a batch that one thread works on at a time.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) pictures: usize,
    pub(super) input: Vec<f32>,
    input_shape: Option<Shape>,
    /// The output of each node, and what the node keeps.
    maps: Vec<Vec<f32>>,
    kept: Vec<Vec<f32>>,
    /// Gradients of the nodes' outputs; taken when used up.
    gradients: Vec<Option<Vec<f32>>>,
    d_input: Option<Vec<f32>>,
    /// Vectors that no gradient uses now.
    free: Vec<Vec<f32>>,
    scratch: Scratch,
    /// Gradients of all parameters, of this shard alone.
    pub(super) d_parameters: Vec<f32>,
}

impl Shard {
    /// Makes room for `pictures` of a shape through `nodes` nodes.
    pub(super) fn begin(&mut self, pictures: usize, input: Shape, nodes: usize) {
        self.pictures = pictures;
        self.input_shape = Some(input);
        self.input.resize(pictures * input.elements(), 0.0);
        self.maps.resize_with(nodes, Vec::new);
        self.kept.resize_with(nodes, Vec::new);
        self.gradients.resize_with(nodes, || None);
        for gradient in &mut self.gradients {
            self.free.extend(gradient.take());
        }
    }

    pub(super) fn map(&self, source: Source) -> &[f32] {
        match source {
            Source::Input => &self.input,
            Source::Layer(index) => &self.maps[index],
        }
    }

    pub(super) fn input_gradient(&self) -> &[f32] {
        self.d_input.as_deref().unwrap_or_default()
    }

    fn shapes(&self, sources: &[Source], shapes: &[Shape]) -> Vec<Shape> {
        let input = self.input_shape.expect("a shard that was begun");
        let shape = |source: &Source| match source {
            Source::Input => input,
            Source::Layer(index) => shapes[*index],
        };
        sources.iter().map(shape).collect()
    }

    /// Runs some nodes.
    pub(super) fn forward(
        &mut self,
        model: &Model,
        shapes: &[Shape],
        nodes: Range<usize>,
        training: bool,
    ) {
        for node in nodes {
            let mut output = std::mem::take(&mut self.maps[node]);
            output.resize(self.pictures * shapes[node].elements(), 0.0);
            self.with_forward(model, shapes, node, training, &mut output, |pass| {
                model.nodes[node].layer.forward(pass);
            });
            self.maps[node] = output;
        }
    }

    /// The sums that a node needs of the batch.
    pub(super) fn forward_sums(
        &mut self,
        model: &Model,
        shapes: &[Shape],
        node: usize,
    ) -> Vec<f64> {
        self.with_forward(model, shapes, node, true, &mut [], |pass| {
            model.nodes[node].layer.forward_sums(pass)
        })
    }

    fn with_forward<T>(
        &mut self,
        model: &Model,
        shapes: &[Shape],
        node: usize,
        training: bool,
        output: &mut [f32],
        work: impl FnOnce(Forward<'_>) -> T,
    ) -> T {
        let sources = &model.nodes[node].inputs;
        let input_shapes = self.shapes(sources, shapes);
        let mut kept = std::mem::take(&mut self.kept[node]);
        let mut scratch = std::mem::take(&mut self.scratch);
        let inputs: Vec<&[f32]> = sources.iter().map(|source| self.map(*source)).collect();
        let result = work(Forward {
            pictures: self.pictures,
            shapes: &input_shapes,
            inputs: &inputs,
            shape: shapes[node],
            output,
            kept: &mut kept,
            scratch: &mut scratch,
            parameters: model.parameters(),
            training,
        });
        self.kept[node] = kept;
        self.scratch = scratch;
        result
    }

    /// Calls `loss` for each picture; its gradients become those of the results.
    pub(super) fn losses<T>(
        &mut self,
        outputs: &[Source],
        first: usize,
        loss: &impl Fn(usize, &[&[f32]], &mut [&mut [f32]]) -> T,
    ) -> Vec<T> {
        let mut gradients = Vec::with_capacity(outputs.len());
        for output in outputs {
            let mut gradient = self.take_free(self.map(*output).len());
            gradient.fill(0.0);
            gradients.push(gradient);
        }
        let results = (0..self.pictures)
            .map(|picture| {
                let part = |length: usize| {
                    let size = length / self.pictures;
                    picture * size..(picture + 1) * size
                };
                let maps: Vec<&[f32]> = outputs
                    .iter()
                    .map(|output| self.map(*output))
                    .map(|map| &map[part(map.len())])
                    .collect();
                let mut gradients: Vec<&mut [f32]> = gradients
                    .iter_mut()
                    .map(|gradient| {
                        let part = part(gradient.len());
                        &mut gradient[part]
                    })
                    .collect();
                loss(first + picture, &maps, &mut gradients)
            })
            .collect();
        for (output, gradient) in outputs.iter().zip(gradients) {
            if let Source::Layer(index) = output {
                self.free.extend(self.gradients[*index].replace(gradient));
            }
        }
        results
    }

    /// A vector of this length, of no known content.
    fn take_free(&mut self, length: usize) -> Vec<f32> {
        let fitting = self
            .free
            .iter()
            .enumerate()
            .filter(|(_, v)| v.capacity() >= length);
        let best = fitting
            .min_by_key(|(_, v)| v.capacity())
            .map(|(index, _)| index);
        let mut vector = match best {
            Some(index) => self.free.swap_remove(index),
            None => self.free.pop().unwrap_or_default(),
        };
        vector.resize(length, 0.0);
        vector
    }

    /// Clears the gradients of the parameters.
    pub(super) fn begin_backward(&mut self, parameters: usize, input: bool) {
        self.d_parameters.clear();
        self.d_parameters.resize(parameters, 0.0);
        self.d_input = input.then(Vec::new);
    }

    /// Runs some nodes back, the last first.
    pub(super) fn backward(
        &mut self,
        model: &Model,
        shapes: &[Shape],
        wanted: &[bool],
        nodes: Range<usize>,
    ) {
        for node in nodes.rev() {
            let Some(mut d_output) = self.gradients[node].take() else {
                continue;
            };
            if wanted[node] {
                let sources = &model.nodes[node].inputs;
                let mut d_inputs = self.take_gradients(sources, wanted);
                self.with_backward(model, shapes, node, &mut d_output, &mut d_inputs, |pass| {
                    model.nodes[node].layer.backward(pass);
                });
                self.put_gradients(sources, d_inputs);
            }
            self.free.push(d_output);
        }
    }

    /// The sums over its gradient that a node needs of the batch.
    pub(super) fn backward_sums(
        &mut self,
        model: &Model,
        shapes: &[Shape],
        node: usize,
    ) -> Vec<f64> {
        let Some(mut d_output) = self.gradients[node].take() else {
            return Vec::new();
        };
        let sums = self.with_backward(model, shapes, node, &mut d_output, &mut [], |pass| {
            model.nodes[node].layer.backward_sums(pass)
        });
        self.gradients[node] = Some(d_output);
        sums
    }

    fn take_gradients(&mut self, sources: &[Source], wanted: &[bool]) -> Vec<Option<Gradient>> {
        let mut taken = Vec::with_capacity(sources.len());
        for source in sources {
            let length = self.map(*source).len();
            let before = match *source {
                Source::Input => match self.d_input.take() {
                    Some(gradient) => Some(gradient).filter(|gradient| !gradient.is_empty()),
                    None => {
                        taken.push(None);
                        continue;
                    }
                },
                Source::Layer(index) if wanted[index] => self.gradients[index].take(),
                Source::Layer(_) => {
                    taken.push(None);
                    continue;
                }
            };
            let add = before.is_some();
            let values = before.unwrap_or_else(|| self.take_free(length));
            taken.push(Some(Gradient { values, add }));
        }
        taken
    }

    fn put_gradients(&mut self, sources: &[Source], gradients: Vec<Option<Gradient>>) {
        for (source, gradient) in sources.iter().zip(gradients) {
            let Some(Gradient { values, .. }) = gradient else {
                continue;
            };
            match source {
                Source::Input => self.d_input = Some(values),
                Source::Layer(index) => self.gradients[*index] = Some(values),
            }
        }
    }

    fn with_backward<T>(
        &mut self,
        model: &Model,
        shapes: &[Shape],
        node: usize,
        d_output: &mut [f32],
        d_inputs: &mut [Option<Gradient>],
        work: impl FnOnce(Backward<'_>) -> T,
    ) -> T {
        let sources = &model.nodes[node].inputs;
        let input_shapes = self.shapes(sources, shapes);
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut d_parameters = std::mem::take(&mut self.d_parameters);
        let inputs: Vec<&[f32]> = sources.iter().map(|source| self.map(*source)).collect();
        let result = work(Backward {
            pictures: self.pictures,
            shapes: &input_shapes,
            inputs: &inputs,
            shape: shapes[node],
            output: &self.maps[node],
            kept: &self.kept[node],
            scratch: &mut scratch,
            parameters: model.parameters(),
            d_output,
            d_inputs,
            d_parameters: &mut d_parameters,
        });
        self.scratch = scratch;
        self.d_parameters = d_parameters;
        result
    }
}
