//! ONNX files to a network.
//!
//! Operators of opset 8 to 22, of float networks and of such as were quantized, with one picture at
//! the input. Maps are `[1, channels, height, width]` there and height, width, channels here. Batch
//! normalizations and activations go into the layer before them, constants into layers; what only
//! moves elements is followed by its indices; what a network computes after its last maps is cut off
//! where it is a known list of boxes, whose heads are then known too. What is not supported is refused
//! with its node, operator and opset.
//!
//! | module | subject |
//! | --- | --- |
//! | `wire` | protocol buffers: fields |
//! | `message` | the messages of ONNX |
//! | `tensor` | constants |
//! | `graph` | who makes and who reads a tensor |
//! | `node` | one node's constants and errors |
//! | `lower` | nodes to layers |
//! | `fold` | nodes that read constants only |
//! | `arranged` | elements in another order |
//! | `movement` | the operators that put them there |
//! | `view` | the maps that they come to |
//! | `convolution` | convolutions, with what goes into them |
//! | `affine` | products and sums with constants |
//! | `activation` | functions, alone and as products |
//! | `patches` | every n-th row and column, for a convolution |
//! | `layers` | layers without weights |
//! | `quantized` | files of integers |
//! | `tail` | the end of a detector |
//! | `qonnx` | quantized and fully connected networks |
//! | `picture` | the input |

mod activation;
mod affine;
mod arranged;
mod convolution;
mod fold;
mod graph;
mod layers;
mod lower;
mod message;
mod movement;
mod node;
mod patches;
mod picture;
mod qonnx;
mod quantized;
mod tail;
mod tensor;
mod view;
mod wire;

use crate::{Error, Result, files};
use graph::Graph;
use lower::Lowering;
use message::Model;
use std::path::Path;
use tail::{Detector, Family};
use tincy_network::{Builder, Head, Network, classes};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// What a file does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// A list of class names, one a line. COCO's names are taken where there is none and their number
    /// fits.
    pub names: Option<&'a Path>,
    /// Rows and columns of the input, where the file leaves them open; else those that networks of its
    /// family usually have.
    pub size: Option<[usize; 2]>,
}

/// Imports a file.
///
/// The file does not say how pictures become inputs: detectors that are known by their end are
/// taken to want what their authors' networks do, other inputs of three channels red first, 0 to 1,
/// stretched.
///
/// # Errors
/// With the node, its operator and the opset: what is not supported or does not fit.
pub fn import(path: &Path, options: Options<'_>) -> Result<Network> {
    let bytes = files::bytes(path, MAX_BYTES)?;
    read(&bytes, path, options)
}

/// [`import`] of a file that lies in memory; `path` gives the network its name and stands in messages.
///
/// # Errors
/// As [`import`].
pub fn read(bytes: &[u8], path: &Path, options: Options<'_>) -> Result<Network> {
    let model = Model::read(bytes)
        .map_err(|damage| Error::file(path, format!("not an intact ONNX model: {damage}")))?;
    let producer = model.producer.clone();
    let graph = Graph::new(path, model)?;
    let format = format!("ONNX, opset {}, by {producer}", graph.opset);
    let builder = match tail::find(&graph)? {
        None if qonnx::is_quantized(&graph) => named(qonnx::lower(&graph)?, options.names)?,
        detector => lowered(&graph, detector.as_ref(), options)?,
    };
    finish(path, builder, format, bytes)
}

/// The layers of a network and, where it is a detector, its heads.
fn lowered(
    graph: &Graph,
    detector: Option<&Detector<'_>>,
    options: Options<'_>,
) -> Result<Builder> {
    let family = detector.map(|detector| &detector.family);
    let (input, step) = picture::input(graph, family, options.size)?;
    let ends: Vec<&str> = match detector {
        Some(detector) => detector.scales.iter().flatten().copied().collect(),
        None => graph.outputs().iter().map(String::as_str).collect(),
    };
    let mut lowering = Lowering::run(graph, input, step, ends)?;
    if let Some(detector) = detector {
        let heads = tail::heads(&mut lowering, detector)?;
        return detecting(lowering.finish(), detector, heads, options.names);
    }
    let results = graph.outputs().iter().map(|output| lowering.end(&[output]));
    let results = results.collect::<Result<Vec<_>>>()?;
    let mut builder = lowering.finish();
    results
        .into_iter()
        .for_each(|source| builder.output_tensor(source));
    named(builder, options.names)
}

/// The same with class names, if there are some.
fn named(mut builder: Builder, names: Option<&Path>) -> Result<Builder> {
    if let Some(names) = names {
        builder.classes(files::names(names)?);
    }
    Ok(builder)
}

/// The network of a builder, with where it came from.
fn finish(path: &Path, mut builder: Builder, format: String, bytes: &[u8]) -> Result<Network> {
    builder.provenance("format", format);
    let sum = format!("SHA-256 {}", files::sum(bytes));
    builder.provenance(files::name(path), sum);
    builder.build().map_err(Error::network(path))
}

/// The network with heads and the names of their classes.
fn detecting(
    mut builder: Builder,
    detector: &Detector<'_>,
    heads: Vec<Head>,
    names: Option<&Path>,
) -> Result<Builder> {
    let count = heads.first().map_or(0, |head| head.classes);
    heads.into_iter().for_each(|head| builder.head(head));
    match names {
        Some(names) => builder.classes(files::names(names)?),
        None if count == classes::COCO.len() => {
            builder.classes(classes::COCO.map(String::from).to_vec());
        }
        // The published networks of this form with one class find faces.
        None if count == 1 && matches!(detector.family, Family::Ssd(_)) => {
            builder.classes(vec!["face".into()]);
        }
        None => {}
    }
    Ok(builder)
}
