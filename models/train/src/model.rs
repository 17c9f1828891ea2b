//! A network as training sees it: layers with gradients, wired, over one array of parameters.

mod build;
pub(crate) mod export;

pub use build::{Normalisation, Options};

use crate::layer::Layer;
use crate::parameters::Parameters;
use crate::quantize::Installed;
use crate::quantizers::{Codes, Layout, Method, Quantizer};
use crate::{Error, layers};
use tincy_network::{Network, Shape, Source};

/// A float network whose parameters can be trained.
pub struct Model {
    pub(crate) nodes: Vec<Node>,
    parameters: Parameters,
    /// The network it was made from; exports have its layers with the parameters' values.
    template: Network,
    /// Where each layer's output of the template is found.
    places: Vec<Source>,
}

/// A layer, and where its inputs come from.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) layer: Box<dyn Layer>,
    pub(crate) inputs: Vec<Source>,
}

impl Model {
    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The parameters, to change.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The network it was made from.
    pub fn template(&self) -> &Network {
        &self.template
    }

    /// Where the template's results are found.
    pub(crate) fn outputs(&self) -> Vec<Source> {
        let outputs = self.template.outputs().iter();
        outputs.map(|source| self.place(*source)).collect()
    }

    /// Where the output of the template's layer `source` is found.
    pub(crate) fn place(&self, source: Source) -> Source {
        match source {
            Source::Input => Source::Input,
            Source::Layer(index) => self.places[index],
        }
    }

    /// The shape of every node's output for an input of `height` x `width`.
    pub(crate) fn shapes(&self, height: usize, width: usize) -> Result<Vec<Shape>, Error> {
        let channels = self.template.input().shape.channels;
        let input = Shape::new(height, width, channels);
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<_> = node
                .inputs
                .iter()
                .map(|source| match source {
                    Source::Input => input,
                    Source::Layer(index) => shapes[*index],
                })
                .collect();
            let shape = node.layer.shape(&inputs).map_err(|error| match error {
                Error::Shape(what) => Error::layer(&node.name, what),
                error => error,
            })?;
            shapes.push(shape);
        }
        Ok(shapes)
    }

    /// Whether a gradient is wanted at each node's output: whether it, or one before it, is
    /// trained.
    pub(crate) fn wanted(&self, input: bool) -> Vec<bool> {
        let mut wanted: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let before = node.inputs.iter().any(|source| match source {
                Source::Input => input,
                Source::Layer(index) => wanted[*index],
            });
            wanted.push(before || node.layer.is_trained(&self.parameters));
        }
        wanted
    }

    /// Makes what all shards read from the parameters' values.
    pub(crate) fn prepare(&mut self) {
        for node in &mut self.nodes {
            node.layer.prepare(&self.parameters);
        }
    }

    /// Hands a node that met the sums of the batch.
    pub(crate) fn meet(&mut self, node: usize, sums: &[f64], pixels: usize) {
        let layer = &mut self.nodes[node].layer;
        layer.meet_forward(sums, pixels, &mut self.parameters);
    }

    /// Brings quantizers' parameters back into their ranges after a step.
    pub(crate) fn settle_parameters(&mut self) {
        for node in &mut self.nodes {
            node.layer.settle_parameters(&mut self.parameters);
        }
    }

    /// Turns gradients of what was prepared into those of the parameters.
    pub(crate) fn settle(&self, gradient: &mut [f32]) {
        for node in &self.nodes {
            node.layer.settle(&self.parameters, gradient);
        }
    }

    /// Puts a quantizer before the weights of a convolution; its parameters are trained too, as
    /// `LAYER.step`.
    ///
    /// # Errors
    /// If there is no convolution of this name, or the method is not one for weights.
    pub fn quantize_weights(&mut self, layer: &str, method: Method) -> Result<(), Error> {
        let refused = || Error::layer(layer, format!("{method} is a method for activations"));
        self.quantize_weights_with(layer, |layout, weights| {
            method.of_weights(layout, weights).ok_or_else(refused)
        })
    }

    /// The same with a quantizer that is made for the weights' layout and values.
    ///
    /// # Errors
    /// If there is no convolution of this name, or `make` fails.
    pub fn quantize_weights_with(
        &mut self,
        layer: &str,
        make: impl FnOnce(Layout, &[f32]) -> Result<Box<dyn Quantizer>, Error>,
    ) -> Result<(), Error> {
        let node = self.nodes.iter_mut().find(|node| node.name == layer);
        let convolution = node.and_then(|node| node.layer.as_convolution());
        let convolution =
            convolution.ok_or_else(|| Error::layer(layer, "there is no such convolution"))?;
        let weights = self.parameters.get(convolution.weights());
        let quantizer = make(convolution.layout(), weights)?;
        let name = format!("{layer}.step");
        convolution.quantize(Installed::new(quantizer, name, &mut self.parameters));
        Ok(())
    }

    /// Puts a quantizer after a layer of the template, for all that read it; its parameters are
    /// trained too, as `LAYER.code.step`.
    ///
    /// # Errors
    /// If there is no layer of this name.
    pub fn quantize_map(
        &mut self,
        layer: &str,
        quantizer: Box<dyn Quantizer>,
    ) -> Result<(), Error> {
        self.quantize_map_as(layer, quantizer, format!("{layer}.code.step"))
    }

    /// The same with a name for the quantizer's parameters; quantizers of one name share them.
    ///
    /// # Errors
    /// If there is no layer of this name.
    pub fn quantize_map_as(
        &mut self,
        layer: &str,
        quantizer: Box<dyn Quantizer>,
        name: String,
    ) -> Result<(), Error> {
        let index = self.template.find(layer);
        let index = index.ok_or_else(|| Error::layer(layer, "there is no such layer"))?;
        let quantizer = match self.parameters.find(&name) {
            Some(own) => Installed::sharing(quantizer, own),
            None => Installed::new(quantizer, name, &mut self.parameters),
        };
        let source = self.places[index];
        let node = Node {
            name: format!("{layer}.code"),
            layer: Box::new(layers::Quantize(quantizer)),
            inputs: vec![source],
        };
        self.insert_after(source, node);
        Ok(())
    }

    /// The quantizers, by the name of their node.
    pub(crate) fn quantizers(&mut self) -> impl Iterator<Item = (&str, &mut Installed)> {
        self.nodes.iter_mut().filter_map(|node| {
            let quantizer = node.layer.quantizer()?;
            Some((node.name.as_str(), quantizer))
        })
    }

    /// The quantizer of a layer's weights (`LAYER`) or of its output (`LAYER.code`).
    pub fn quantizer(&mut self, node: &str) -> Option<&mut dyn Quantizer> {
        let mut all = self.quantizers();
        all.find(|(name, _)| *name == node)
            .map(|(_, installed)| installed.get_mut())
    }

    /// Whether a parameter is the weights of a convolution that only their signs are used of.
    pub fn has_signs(&self, parameter: &str) -> bool {
        let layer = parameter.strip_suffix(".weight");
        let node = self.nodes.iter().find(|node| Some(&*node.name) == layer);
        node.is_some_and(|node| node.layer.has_signs())
    }

    /// The integers that a convolution's weights become.
    ///
    /// # Errors
    /// If its weights have no quantizer.
    pub(crate) fn weight_codes(&mut self, layer: &str) -> Result<Codes, Error> {
        let weights = self.parameters.find(&format!("{layer}.weight"));
        let weights = weights.map_or(Vec::new(), |id| self.parameters.get(id).to_vec());
        let parameters = self.parameters.clone();
        let node = self.nodes.iter_mut().find(|node| node.name == layer);
        let quantizer = node.and_then(|node| node.layer.quantizer());
        let quantizer = quantizer
            .ok_or_else(|| Error::layer(layer, "has float weights; give it a quantizer"))?;
        quantizer.take(&parameters);
        Ok(quantizer.get().codes(&weights))
    }

    /// Puts a node behind `source` and lets all readers of `source` read it instead.
    fn insert_after(&mut self, source: Source, node: Node) {
        let at = match source {
            Source::Input => 0,
            Source::Layer(index) => index + 1,
        };
        let moved = |read: &mut Source| match *read {
            read_now if read_now == source => *read = Source::Layer(at),
            Source::Layer(index) if index >= at => *read = Source::Layer(index + 1),
            _ => {}
        };
        for node in &mut self.nodes {
            node.inputs.iter_mut().for_each(moved);
        }
        self.places.iter_mut().for_each(moved);
        self.nodes.insert(at, node);
    }
}
