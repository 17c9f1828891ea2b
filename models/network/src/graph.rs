//! Layers wired into a network, and their validation.

use crate::{Error, Head, Input, Layer, Number, Op, Shape};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// The most layers a network may have; a damaged file must not ask for unbounded work.
pub const MAX_LAYERS: usize = 4096;

/// Where a tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The network's input.
    Input,
    /// The output of the layer of this number.
    Layer(usize),
}

/// A checked, immutable network. Layers stand in an order in which they can run.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) layers: Vec<Layer>,
    pub(crate) outputs: Vec<Source>,
    pub(crate) heads: Vec<Head>,
    pub(crate) classes: Vec<String>,
    pub(crate) provenance: BTreeMap<String, String>,
}

impl Network {
    /// Name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it expects at its input.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The layers, in running order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The tensors that are results; those that heads read are among them.
    pub fn outputs(&self) -> &[Source] {
        &self.outputs
    }

    /// What the outputs mean; empty for networks that do not find boxes.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Class names, by number.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Where it came from: free text by subject (`source`, `licence`, `files`, ...).
    pub fn provenance(&self) -> &BTreeMap<String, String> {
        &self.provenance
    }

    /// Shape and number type of a tensor.
    pub fn tensor(&self, source: Source) -> (Shape, Number) {
        match source {
            Source::Input => (self.input.shape, self.input.number),
            Source::Layer(index) => (self.layers[index].shape, self.layers[index].number),
        }
    }

    /// The number of the layer with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.name == name)
    }

    /// The same network under another name.
    pub fn with_name(mut self, name: impl Into<String>) -> Network {
        self.name = name.into();
        self
    }

    /// A network of the same layers by name and wiring, with the operations that `op` gives for each
    /// layer and its number. Results, heads, class names and provenance are the same; the builder can
    /// still change them.
    ///
    /// # Errors
    /// If `op` fails, or a layer does not fit its inputs.
    pub fn rebuild<E: From<Error>>(
        &self,
        input: Input,
        mut op: impl FnMut(usize, &Layer) -> Result<Op, E>,
    ) -> Result<Builder, E> {
        let mut builder = Builder::new(self.name.clone(), input)?;
        for (index, layer) in self.layers.iter().enumerate() {
            builder.layer(layer.name(), op(index, layer)?, layer.inputs())?;
        }
        builder.take_over(self, |map| map);
        Ok(builder)
    }

    /// The same network with another way to fit pictures.
    pub fn with_fit(mut self, fit: crate::Fit) -> Network {
        if let Some(picture) = &mut self.input.picture {
            picture.fit = fit;
        }
        self
    }
}

/// Builds a network layer by layer, checking each.
#[derive(Debug)]
pub struct Builder {
    network: Network,
    names: HashSet<String>,
}

impl Builder {
    /// A network without layers yet.
    ///
    /// # Errors
    /// If the input cannot be.
    pub fn new(name: impl Into<String>, input: Input) -> Result<Builder, Error> {
        input.check()?;
        let network = Network {
            name: name.into(),
            input,
            layers: Vec::new(),
            outputs: Vec::new(),
            heads: Vec::new(),
            classes: Vec::new(),
            provenance: BTreeMap::new(),
        };
        Ok(Builder {
            network,
            names: HashSet::new(),
        })
    }

    /// Shape and number type of a tensor so far.
    pub fn tensor(&self, source: Source) -> (Shape, Number) {
        self.network.tensor(source)
    }

    /// Adds a layer; its output's shape and number type follow from its inputs.
    ///
    /// # Errors
    /// If the layer does not fit its inputs: the layer, what was expected, what was found.
    pub fn layer(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[Source],
    ) -> Result<Source, Error> {
        let (name, index) = (name.into(), self.network.layers.len());
        let (shape, number) = self
            .output(&name, &op, inputs)
            .map_err(|e| e.at(index, &name))?;
        let layer = Layer {
            name,
            op,
            inputs: inputs.to_vec(),
            shape,
            number,
        };
        self.network.layers.push(layer);
        Ok(Source::Layer(index))
    }

    fn output(&mut self, name: &str, op: &Op, inputs: &[Source]) -> Result<(Shape, Number), Error> {
        let index = self.network.layers.len();
        if index >= MAX_LAYERS {
            return Err(Error::layer(
                "number of layers",
                format!("at most {MAX_LAYERS}"),
                index + 1,
            ));
        }
        if !self.names.insert(name.to_string()) {
            return Err(Error::layer("name", "one that is not taken", name));
        }
        for source in inputs {
            self.check_source(*source)?;
        }
        let inputs: Vec<_> = inputs.iter().map(|source| self.tensor(*source)).collect();
        let (shape, number) = op.output(&inputs)?;
        if !shape.is_valid() {
            return Err(Error::layer("output", "1 to 2^30 elements", shape));
        }
        if number.code().is_some_and(|code| !code.is_valid()) {
            return Err(Error::layer(
                "output number type",
                "1 to 8 bits, a positive scale",
                number,
            ));
        }
        Ok((shape, number))
    }

    fn check_source(&self, source: Source) -> Result<(), Error> {
        match source {
            Source::Layer(index) if index >= self.network.layers.len() => {
                Err(Error::layer("input", "an earlier layer", index))
            }
            _ => Ok(()),
        }
    }

    /// Names a tensor as a result.
    pub fn output_tensor(&mut self, source: Source) {
        if !self.network.outputs.contains(&source) {
            self.network.outputs.push(source);
        }
    }

    /// Adds a head; the map it reads becomes a result.
    pub fn head(&mut self, head: Head) {
        self.output_tensor(head.source);
        self.network.heads.push(head);
    }

    /// Takes over results, heads, class names and provenance of a network whose maps lie at these places.
    pub fn take_over(&mut self, network: &Network, place: impl Fn(Source) -> Source) {
        for output in &network.outputs {
            self.output_tensor(place(*output));
        }
        for head in &network.heads {
            self.head(Head {
                source: place(head.source),
                ..head.clone()
            });
        }
        self.classes(network.classes.clone());
        self.network.provenance.extend(network.provenance.clone());
    }

    /// Names the classes that all heads find from now on.
    pub fn replace_classes(&mut self, names: Vec<String>) {
        for head in &mut self.network.heads {
            head.classes = names.len();
        }
        self.network.classes = names;
    }

    /// Names the classes.
    pub fn classes(&mut self, names: Vec<String>) {
        self.network.classes = names;
    }

    /// Records where the network came from.
    pub fn provenance(&mut self, subject: impl Into<String>, text: impl Into<String>) {
        self.network.provenance.insert(subject.into(), text.into());
    }

    /// The finished network. Without named results the last layer's output is the result; without
    /// class names they are numbered.
    ///
    /// # Errors
    /// If there is no layer, or a head or the class names do not fit.
    pub fn build(mut self) -> Result<Network, Error> {
        let Some(last) = self.network.layers.len().checked_sub(1) else {
            return Err(Error::Network("there is no layer".into()));
        };
        if self.network.outputs.is_empty() {
            self.network.outputs.push(Source::Layer(last));
        }
        for output in &self.network.outputs {
            self.check_source(*output)
                .map_err(|_| Error::Network(format!("result {output:?} does not exist")))?;
        }
        self.check_heads()?;
        Ok(self.network)
    }

    fn check_heads(&mut self) -> Result<(), Error> {
        let Some(first) = self.network.heads.first() else {
            return Ok(());
        };
        let classes = first.classes;
        for head in &self.network.heads {
            let (shape, number) = self.network.tensor(head.source);
            head.check(shape, number)?;
            if head.classes != classes {
                let found = head.classes;
                return Err(Error::Network(format!(
                    "heads of {classes} and {found} classes"
                )));
            }
        }
        let names = &mut self.network.classes;
        if names.is_empty() {
            names.extend((0..classes).map(|class| format!("class{class}")));
        }
        if names.len() != classes {
            let found = names.len();
            return Err(Error::Network(format!(
                "{classes} classes but {found} class names"
            )));
        }
        Ok(())
    }
}
