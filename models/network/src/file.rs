//! The model file `NAME.tincy`: one file, versioned, checksummed, memory-mapped.
//!
//! A safetensors container: eight bytes with the length
//! of the header (little-endian), the header in JSON, then raw tensors, each at a multiple of
//! [`ALIGNMENT`](crate::values::ALIGNMENT). In the header's `__metadata__` stand
//!
//! | key | value |
//! | --- | --- |
//! | `format` | `tincy` |
//! | `version` | `6`; files of versions `1` to `5`, which had fewer kinds of layers and heads, no runs, no multipliers and no tables by channel, are read too |
//! | `sha256` | of the text of `network`, the entries (`NAME TYPE [SHAPE] [OFFSETS]`, a line each, by name) and everything after the header, in hexadecimal |
//! | `network` | the graph: JSON in a string, since the container allows strings only; [multipliers](crate::multipliers) stand here |
//!
//! Tensors are named by the number of their layer and what they are. Which a layer has follows
//! from its weights and its finish:
//!
//! | tensor | type | of |
//! | --- | --- | --- |
//! | `LAYER.weights` | `F32`, or `U8` for packed integers | every convolution, but where there are runs |
//! | `LAYER.runs` | `U8` | ternary weights of which most are zero: runs of zeros and signs |
//! | `LAYER.scale` (may be missing), `LAYER.bias` | `F32` | affine |
//! | `LAYER.thresholds` | `I32` | thresholds |
//! | `LAYER.steps` | `F32` | steps |
//! | `LAYER.bias`, `LAYER.multiplier` | `I32` | requantize |
//! | `LAYER.shift`, `LAYER.table` (may be missing) | `U8` | requantize |

mod map;
mod read;
mod write;

pub use read::{open, read};
pub use write::{check_place, to_bytes, write};

use crate::{Finish, Layer, Op, WeightKind, Weights, runs};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of the format that is written.
pub const VERSION: &str = "6";

/// The versions that are read: each only added kinds of layers, weights, heads or fits to the one before.
const READ: [&str; 6] = ["1", "2", "3", "4", "5", VERSION];

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
fn tensors(layer: &Layer) -> Vec<(&'static str, Type, Cow<'_, [u8]>)> {
    let convolution = match &layer.op {
        Op::Convolution(convolution) => convolution,
        Op::Steps(steps) => {
            let bytes = Cow::Borrowed(steps.values.as_bytes());
            return vec![("steps", Type::F32, bytes)];
        }
        _ => return Vec::new(),
    };
    let mut list = vec![weights(&convolution.weights)];
    let mut add = |name, dtype, bytes| list.push((name, dtype, Cow::Borrowed(bytes)));
    match &convolution.finish {
        Finish::Affine(affine) => {
            add("scale", Type::F32, affine.scale.as_bytes());
            add("bias", Type::F32, affine.bias.as_bytes());
        }
        Finish::Thresholds(thresholds) => {
            add("thresholds", Type::I32, thresholds.values.as_bytes());
        }
        Finish::Requantize(requantize) => {
            add("bias", Type::I32, requantize.bias.as_bytes());
            add("multiplier", Type::I32, requantize.multiplier.as_bytes());
            add("shift", Type::U8, requantize.shift.as_bytes());
            if let Some(table) = &requantize.table {
                add("table", Type::U8, table.codes.as_bytes());
            }
        }
    }
    list.retain(|(_, _, bytes)| !bytes.is_empty());
    list
}

/// The tensor of weights in its shortest form.
fn weights(weights: &Weights) -> (&'static str, Type, Cow<'_, [u8]>) {
    let packed = weights.as_packed();
    match weights.kind() {
        WeightKind::F32 => {
            let bytes = bytemuck::cast_slice(weights.as_floats());
            ("weights", Type::F32, Cow::Borrowed(bytes))
        }
        WeightKind::Ternary => match runs::encode(&weights.signs(), packed.len()) {
            Some(code) => ("runs", Type::U8, Cow::Owned(code)),
            None => ("weights", Type::U8, Cow::Borrowed(packed)),
        },
        _ => ("weights", Type::U8, Cow::Borrowed(packed)),
    }
}
