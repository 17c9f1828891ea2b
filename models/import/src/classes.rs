//! A network cut to some of its classes.
//!
//! The numbers of a class in a head's map are made by filters of their own, so leaving a class
//! out changes nothing of the others: their scores stay what they were, bit for bit.

use tincy_network::classes::match_classes;
use tincy_network::{Error, Head, HeadKind, Layer, Layout, Network, Op, Source};

/// The same network with heads for these classes only, in this order and under these names. Each
/// is found by any of its names, as VOC and COCO have them.
///
/// # Errors
/// If the network has no heads or lacks a class, or the channels of a head's map cannot be told
/// apart.
pub fn keep(network: &Network, names: &[String]) -> Result<Network, Error> {
    let found = match_classes(names, network.classes());
    let numbers = found.iter().zip(names).map(|(number, name)| {
        number.ok_or_else(|| {
            let known = network.classes().join(", ");
            Error::Network(format!("there is no class `{name}`; there are: {known}"))
        })
    });
    let numbers = numbers.collect::<Result<Vec<usize>, Error>>()?;
    if network.heads().is_empty() || numbers.is_empty() {
        return Err(Error::Network("there are no classes to choose from".into()));
    }
    let mut cut = Cut {
        network,
        kept: vec![None; network.layers().len()],
    };
    for head in network.heads() {
        cut.select(head.source, channels(head, &numbers)?)?;
    }
    cut.rebuild(names)
}

/// The channels of a head's map that belong to these classes.
fn channels(head: &Head, classes: &[usize]) -> Result<Vec<usize>, Error> {
    let kind = &head.kind;
    let boxes = kind.boxes();
    let shared = |first: usize| {
        let numbers = 0..first;
        numbers.chain(classes.iter().map(move |class| first + class))
    };
    Ok(match kind.layout() {
        Layout::Boxes if *kind != HeadKind::FastestDet => (0..boxes)
            .flat_map(|index| shared(5).map(move |c| index * (5 + head.classes) + c))
            .collect(),
        Layout::Distances { bins } => shared(4 * bins).collect(),
        Layout::ClassesFirst { bins } => {
            let distances = head.classes..head.classes + 4 * bins;
            classes.iter().copied().chain(distances).collect()
        }
        _ => {
            let text = "its classes share a softmax, so none can be cut off";
            return Err(Error::Network(format!("a {} head: {text}", kind.name())));
        }
    })
}

/// Which output channels of each layer are kept, where not all are.
struct Cut<'a> {
    network: &'a Network,
    kept: Vec<Option<Vec<usize>>>,
}

impl Cut<'_> {
    /// Notes that of a map only these channels are kept, in this order.
    fn select(&mut self, map: Source, channels: Vec<usize>) -> Result<(), Error> {
        let Source::Layer(index) = map else {
            return Err(Error::Network("a head reads the network's input".into()));
        };
        let layer = &self.network.layers()[index];
        let refused = |why: &str| {
            let name = layer.name();
            Err(Error::Network(format!(
                "layer {name}: {why}, so classes cannot be cut off"
            )))
        };
        if self.readers(map) > 1 || self.kept[index].is_some() {
            return refused("its map is read more than once");
        }
        match layer.op() {
            Op::Convolution(convolution) if convolution.groups == 1 => {
                self.kept[index] = Some(channels);
                Ok(())
            }
            Op::Concat => self.divide(layer, &channels),
            _ => refused("its channels are not made by filters of their own"),
        }
    }

    /// Layers and heads that read a map.
    fn readers(&self, map: Source) -> usize {
        let layers = self.network.layers().iter().flat_map(Layer::inputs);
        let heads = self.network.heads().iter().map(|head| &head.source);
        layers.chain(heads).filter(|source| **source == map).count()
    }

    /// The channels of a join, each from the map that it comes from.
    fn divide(&mut self, layer: &Layer, channels: &[usize]) -> Result<(), Error> {
        let mut first = 0;
        let mut rest = channels;
        for input in layer.inputs() {
            let count = self.network.tensor(*input).0.channels;
            let own = first..first + count;
            let run = rest.iter().take_while(|c| own.contains(c)).count();
            let part: Vec<usize> = rest[..run].iter().map(|c| c - first).collect();
            rest = &rest[run..];
            first += count;
            if part.is_empty() {
                let text = "a map would have no channels left";
                return Err(Error::Network(format!("layer {}: {text}", layer.name())));
            }
            if !part.iter().copied().eq(0..count) {
                self.select(*input, part)?;
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        let text = "the kept channels are not in the order of its inputs";
        Err(Error::Network(format!("layer {}: {text}", layer.name())))
    }

    fn rebuild(&self, names: &[String]) -> Result<Network, Error> {
        let network = self.network;
        let mut builder = network.rebuild(network.input().clone(), |index, layer| {
            match (layer.op(), &self.kept[index]) {
                (Op::Convolution(convolution), Some(kept)) => {
                    Ok(Op::Convolution(convolution.with_filters(kept)?))
                }
                (op, _) => Ok::<_, Error>(op.clone()),
            }
        })?;
        builder.replace_classes(names.to_vec());
        let (few, all) = (names.len(), network.classes().len());
        builder.provenance("classes", format!("cut to {few} of {all}"));
        builder.build()
    }
}
