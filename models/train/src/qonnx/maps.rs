//! What the engine computes of one input, to compare a model with.

use super::graph::Graph;
use super::{Names, layers, write};
use crate::Error;
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Options, Plan, Session};
use tincy_network::{Network, Shape, Source};
use tincy_vision::{Fitting, Frame};

/// A map as the model has it: `[1, channels, height, width]`, floats.
struct Map {
    name: String,
    shape: Shape,
    bytes: Vec<u8>,
}

/// Fits a picture, runs the engine, and writes the input and the output of every layer to a safetensors
/// file, under the names and in the order that the [`Model`](super::Model)'s tensors have.
///
/// # Errors
/// If the network reads no pictures, the engine cannot run it, or the file cannot be written.
pub fn of_picture(network: &Network, picture: &Frame, path: &Path) -> Result<(), Error> {
    let mut fitting = Fitting::new(network.input(), picture.width, picture.height)?;
    let fill = |input: TensorMut<'_>| match input {
        TensorMut::F32(values) => fitting.apply(picture, values),
        TensorMut::U8(codes) => fitting.apply(picture, codes),
        TensorMut::I8(codes) => fitting.apply(picture, codes),
    };
    of_input(network, fill, path)
}

/// As [`of_picture`], of an input that `fill` writes.
///
/// # Errors
/// If `fill` fails, the engine cannot run the network, or the file cannot be written.
pub fn of_input<E: Into<Error>>(
    network: &Network,
    fill: impl FnOnce(TensorMut<'_>) -> Result<(), E>,
    path: &Path,
) -> Result<(), Error> {
    let options = Options {
        keep_all: true,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(network, &options)?);
    fill(session.input_mut()).map_err(Into::into)?;
    session.run();
    let names = Names::new(network, &mut Graph::default());
    let sources = (0..network.layers().len()).map(Source::Layer);
    let maps = sources.chain([Source::Input]).map(|source| {
        let values = session.output(source).expect("all maps are kept");
        let shape = network.tensor(source).0;
        Map {
            name: names.of(source).into(),
            shape,
            bytes: planes(values, shape),
        }
    });
    let maps: Vec<Map> = maps.collect();
    write(path, &container(&maps))
}

/// The floats of a map, channel after channel.
fn planes(values: Tensor<'_>, shape: Shape) -> Vec<u8> {
    let (pixels, channels) = (shape.pixels(), shape.channels);
    let places = (0..shape.elements()).map(|i| i % pixels * channels + i / pixels);
    places
        .flat_map(|place| values.get(place).to_le_bytes())
        .collect()
}

fn container(maps: &[Map]) -> Vec<u8> {
    let tensors = maps.iter().map(|map| {
        let dims = layers::dims(map.shape).to_vec();
        let view = TensorView::new(Dtype::F32, dims, &map.bytes);
        (
            &map.name,
            view.expect("a map has as many elements as its shape"),
        )
    });
    safetensors::serialize(tensors, None).expect("maps have names of their own")
}
