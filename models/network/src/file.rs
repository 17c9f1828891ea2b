//! The model file `NAME.tincy`: one file, versioned, checksummed, memory-mapped.
//!
//! A safetensors container: eight bytes with the length
//! of the header (little-endian), the header in JSON, then raw tensors, each at a multiple of
//! [`ALIGNMENT`](crate::values::ALIGNMENT). In the header's `__metadata__` stand
//!
//! | key | value |
//! | --- | --- |
//! | `format` | `tincy` |
//! | `version` | `1` |
//! | `sha256` | of the text of `network`, the entries (`NAME TYPE [SHAPE] [OFFSETS]`, a line each, by name) and everything after the header, in hexadecimal |
//! | `network` | the graph: JSON in a string, since the container allows strings only |
//!
//! Tensors are named `LAYER.weights`, `LAYER.bias`, `LAYER.scale` and `LAYER.thresholds` by the
//! number of their layer. Packed integer weights have the type `U8`.

mod map;
mod read;
mod write;

pub use read::{open, read};
pub use write::{to_bytes, write};

use crate::{Finish, Layer, Op};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: &str = "1";

/// The largest header that is read, in bytes.
pub const MAX_HEADER: usize = 16 << 20;

/// A tensor's entry in the header.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: Type,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The element types that are used, by their safetensors names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Type {
    F32,
    I32,
    U8,
}

/// What stands in `__metadata__`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    format: String,
    version: String,
    sha256: String,
    network: String,
}

/// The whole header.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Metadata,
    #[serde(flatten)]
    tensors: BTreeMap<String, Entry>,
}

/// The graph as the header tells it, before its tensors are attached.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Graph {
    name: String,
    input: crate::Input,
    layers: Vec<Layer>,
    outputs: Vec<crate::Source>,
    heads: Vec<crate::Head>,
    classes: Vec<String>,
    provenance: BTreeMap<String, String>,
}

/// The tensors of a layer: the end of the name, the type, the shape.
fn tensors(layer: &Layer) -> Vec<(&'static str, Type, &[u8])> {
    let Op::Convolution(convolution) = &layer.op else {
        return Vec::new();
    };
    let weights = &convolution.weights;
    let mut list = vec![if weights.as_floats().is_empty() {
        ("weights", Type::U8, weights.as_packed())
    } else {
        (
            "weights",
            Type::F32,
            bytemuck::cast_slice(weights.as_floats()),
        )
    }];
    match &convolution.finish {
        Finish::Affine(affine) => {
            list.push(("scale", Type::F32, affine.scale.as_bytes()));
            list.push(("bias", Type::F32, affine.bias.as_bytes()));
        }
        Finish::Thresholds(thresholds) => {
            list.push(("thresholds", Type::I32, thresholds.values.as_bytes()));
        }
    }
    list.retain(|(_, _, bytes)| !bytes.is_empty());
    list
}
