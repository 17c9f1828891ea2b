//! ONNX files to a network.
//!
//! Operators of opset 9 to 22, of float networks with one picture at the input. Maps are
//! `[1, channels, height, width]` there and height, width, channels here. Batch normalizations
//! and activations go into the layer before them, constants into layers; what a network computes
//! after its last maps is cut off where it is a known list of boxes, whose heads are then known
//! too. What is not supported is refused with its node, operator and opset.
//!
//! | module | subject |
//! | --- | --- |
//! | `wire` | protocol buffers: fields |
//! | `message` | the messages of ONNX |
//! | `tensor` | constants |
//! | `graph` | who makes and who reads a tensor |
//! | `node` | one node's constants and errors |
//! | `lower` | nodes to layers |
//! | `convolution` | convolutions, with what goes into them |
//! | `activation` | functions, alone and as products |
//! | `patches` | every n-th row and column, for a convolution |
//! | `layers` | layers without weights |
//! | `tail` | the end of a detector |

mod activation;
mod convolution;
mod graph;
mod layers;
mod lower;
mod message;
mod node;
mod patches;
mod tail;
mod tensor;
mod wire;

use crate::{Error, Result, files};
use graph::Graph;
use lower::Lowering;
use message::{Model, ValueInfo};
use std::path::Path;
use tail::YoloxMap;
use tincy_network::{
    ChannelOrder, Code, Fit, Head, HeadKind, Input, Network, Number, Op, Picture, Resample, Shape,
    classes,
};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Imports a file and, if there is one, a list of class names, one a line. COCO's names are taken
/// where there is none and their number fits.
///
/// The file does not say how pictures become inputs. Heads of YOLOX are taken to want what its
/// authors' networks do: blue first, samples 0 to 255, at the top left of a field of 114. Other
/// inputs of three channels are taken as red first, 0 to 1, stretched.
///
/// # Errors
/// With the node, its operator and the opset: what is not supported or does not fit.
pub fn import(path: &Path, names: Option<&Path>) -> Result<Network> {
    let bytes = files::bytes(path, MAX_BYTES)?;
    let names = names.map(files::names).transpose()?;
    read(&bytes, path, names)
}

/// [`import`] of a file that lies in memory; `path` gives the network its name and stands in messages.
///
/// # Errors
/// As [`import`].
pub fn read(bytes: &[u8], path: &Path, names: Option<Vec<String>>) -> Result<Network> {
    let model = Model::read(bytes)
        .map_err(|damage| Error::file(path, format!("not an intact ONNX model: {damage}")))?;
    let producer = model.producer.clone();
    let graph = Graph::new(path, model)?;
    let maps = tail::yolox(&graph)?;
    let input = input(&graph, maps.is_some())?;
    let ends = match &maps {
        Some(maps) => maps.iter().flat_map(|map| map.parts()).collect(),
        None => graph.outputs().iter().map(String::as_str).collect(),
    };
    let mut lowering = Lowering::run(&graph, input, ends)?;
    let heads = match &maps {
        Some(maps) => maps
            .iter()
            .map(|map| head(&mut lowering, *map))
            .collect::<Result<Vec<Head>>>()?,
        None => Vec::new(),
    };
    let results = match &maps {
        Some(_) => Vec::new(),
        None => graph
            .outputs()
            .iter()
            .map(|output| lowering.end(output))
            .collect::<Result<Vec<_>>>()?,
    };
    let mut builder = lowering.finish();
    results
        .into_iter()
        .for_each(|source| builder.output_tensor(source));
    let count = heads.first().map(|head| head.classes);
    heads.into_iter().for_each(|head| builder.head(head));
    match names {
        Some(names) => builder.classes(names),
        None if count == Some(classes::COCO.len()) => {
            builder.classes(classes::COCO.map(String::from).to_vec());
        }
        None => {}
    }
    let format = format!("ONNX, opset {}, by {producer}", graph.opset);
    builder.provenance("format", format);
    let sum = format!("SHA-256 {}", files::sum(bytes));
    builder.provenance(files::name(path), sum);
    builder.build().map_err(Error::network(path))
}

/// The input and how pictures become one.
fn input(graph: &Graph, yolox: bool) -> Result<Input> {
    let ValueInfo { name, kind, dims } = graph.input()?;
    let wrong = |what: String| Error::file(&graph.path, format!("input `{name}`: {what}"));
    if *kind != 1 {
        let found = tensor::name(*kind);
        return Err(wrong(format!("float32 is expected, found {found}")));
    }
    let [Some(1) | None, Some(channels), Some(height), Some(width)] = dims[..] else {
        let known = |dim: &Option<usize>| dim.map_or("?".to_string(), |dim| dim.to_string());
        let dims = dims.iter().map(known).collect::<Vec<_>>().join("x");
        let what = format!(
            "1 x channels x height x width is expected, found {dims}; export it with fixed sizes"
        );
        return Err(wrong(what));
    };
    let shape = Shape::new(height, width, channels);
    let is_picture = matches!(channels, 1 | 3);
    if yolox {
        let picture = Picture {
            fit: Fit::Corner {
                fill: 114.0 / 255.0,
            },
            resample: Resample::HalfPixel,
            order: ChannelOrder::Bgr,
            ..Picture::default()
        };
        return Ok(Input {
            shape,
            // Layers read the code itself: samples of 0 to 255.
            number: Number::Code(Code::unsigned(8, 1.0 / 255.0)),
            picture: is_picture.then_some(picture),
        });
    }
    let picture = Picture {
        resample: Resample::HalfPixel,
        ..Picture::default()
    };
    Ok(Input {
        shape,
        number: Number::F32,
        picture: is_picture.then_some(picture),
    })
}

/// Joins the parts of a map; its cells say how far they are apart.
fn head(lowering: &mut Lowering<'_>, map: YoloxMap<'_>) -> Result<Head> {
    let path = lowering.graph.path.clone();
    let parts = [
        lowering.end(map.boxes)?,
        lowering.end(map.objectness)?,
        lowering.end(map.classes)?,
    ];
    let [boxes, objectness, scores] = parts.map(|part| lowering.tensor(part).0);
    let (whole, _) = lowering.tensor(tincy_network::Source::Input);
    let stride = whole.width / boxes.width;
    if (boxes.channels, objectness.channels) != (4, 1)
        || (boxes.width * stride, boxes.height * stride) != (whole.width, whole.height)
    {
        let what = format!(
            "a head of {boxes}, {objectness} and {scores} for an input of {whole} is none of \
             YOLOX's"
        );
        return Err(Error::file(&path, what));
    }
    let source = lowering.layer(format!("head {stride}"), Op::Concat, &parts)?;
    Ok(Head {
        source,
        classes: scores.channels,
        kind: HeadKind::Yolox {
            stride: stride as u32,
        },
    })
}
