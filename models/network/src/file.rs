//! The model file `NAME.tincy`: one file, versioned, checksummed, memory-mapped.
//!
//! A safetensors container: eight bytes with the length
//! of the header (little-endian), the header in JSON, then raw tensors, each at a multiple of
//! [`ALIGNMENT`](crate::values::ALIGNMENT). In the header's `__metadata__` stand
//!
//! | key | value |
//! | --- | --- |
//! | `format` | `tincy` |
//! | `version` | `2`; files of version `1`, which had fewer kinds of layers, are read too |
//! | `sha256` | of the text of `network`, the entries (`NAME TYPE [SHAPE] [OFFSETS]`, a line each, by name) and everything after the header, in hexadecimal |
//! | `network` | the graph: JSON in a string, since the container allows strings only |
//!
//! Tensors are named by the number of their layer and what they are. Which a layer has follows
//! from its weights and its finish:
//!
//! | tensor | type | of |
//! | --- | --- | --- |
//! | `LAYER.weights` | `F32`, or `U8` for packed integers | every convolution |
//! | `LAYER.scale` (may be missing), `LAYER.bias` | `F32` | affine |
//! | `LAYER.thresholds` | `I32` | thresholds |
//! | `LAYER.bias`, `LAYER.multiplier` | `I32` | requantize |
//! | `LAYER.shift`, `LAYER.table` (may be missing) | `U8` | requantize |

mod map;
mod read;
mod write;

pub use read::{open, read};
pub use write::{to_bytes, write};

use crate::{Finish, Layer, Op};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that is written.
pub const VERSION: &str = "2";

/// The versions that are read: each only added kinds of layers, heads or fits to the one before.
const READ: [&str; 2] = ["1", VERSION];

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
        Finish::Requantize(requantize) => {
            list.push(("bias", Type::I32, requantize.bias.as_bytes()));
            list.push(("multiplier", Type::I32, requantize.multiplier.as_bytes()));
            list.push(("shift", Type::U8, requantize.shift.as_bytes()));
            if let Some(table) = &requantize.table {
                list.push(("table", Type::U8, table.codes.as_bytes()));
            }
        }
    }
    list.retain(|(_, _, bytes)| !bytes.is_empty());
    list
}
