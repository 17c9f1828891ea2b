//! A network built anew, layer by layer, with some more behind its layers.

use crate::Error;
use tincy_network::{Builder, Network, Op, Source};

/// A network on its way.
pub(crate) struct Rebuilt<'a> {
    network: &'a Network,
    builder: Builder,
    /// Where each of the network's layers has its map.
    places: Vec<Source>,
}

impl<'a> Rebuilt<'a> {
    /// Of a network, without layers yet.
    ///
    /// # Errors
    /// If the input cannot be, which would be a fault here.
    pub(crate) fn new(network: &'a Network) -> Result<Rebuilt<'a>, Error> {
        Ok(Rebuilt {
            builder: Builder::new(network.name(), network.input().clone())?,
            network,
            places: Vec::new(),
        })
    }

    /// The network's next layer; it reads maps by their places in the network.
    ///
    /// # Errors
    /// If it does not fit.
    pub(crate) fn layer(&mut self, name: &str, op: Op, inputs: &[Source]) -> Result<(), Error> {
        let inputs: Vec<_> = inputs.iter().map(|map| self.place(*map)).collect();
        self.places.push(self.builder.layer(name, op, &inputs)?);
        Ok(())
    }

    /// A layer that comes behind the last one: whatever reads that reads this instead.
    ///
    /// # Errors
    /// If it does not fit, or there is none before.
    pub(crate) fn behind(&mut self, name: &str, op: Op) -> Result<(), Error> {
        let last = self.places.pop().unwrap_or(Source::Input);
        self.places.push(self.builder.layer(name, op, &[last])?);
        Ok(())
    }

    fn place(&self, map: Source) -> Source {
        place(&self.places, map)
    }

    /// The network, with the outputs, heads, classes and provenance that it had.
    ///
    /// # Errors
    /// If it does not fit together, which would be a fault here.
    pub(crate) fn finish(mut self) -> Result<Network, Error> {
        let places = &self.places;
        self.builder
            .take_over(self.network, |map| place(places, map));
        Ok(self.builder.build()?)
    }
}

/// Where a map lies that is the input or that of a layer with a place.
pub(crate) fn place(places: &[Source], map: Source) -> Source {
    match map {
        Source::Input => Source::Input,
        Source::Layer(index) => places[index],
    }
}
