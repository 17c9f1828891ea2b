//! What this project's trainer writes beside a graph: how pictures become inputs, heads, class names.

use crate::onnx::graph::Graph;
use crate::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tincy_network::{HeadKind, Input};

/// The metadata of such a file.
pub(super) struct Own {
    pub(super) input: Input,
    pub(super) heads: Vec<OwnHead>,
    pub(super) classes: Vec<String>,
}

/// A head, by the tensor that it reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnHead {
    pub(super) tensor: String,
    pub(super) classes: usize,
    pub(super) kind: HeadKind,
}

/// The metadata, if the file has all of it.
pub(super) fn read(graph: &Graph) -> Result<Option<Own>> {
    fn part<T: DeserializeOwned>(graph: &Graph, subject: &str) -> Option<T> {
        serde_json::from_str(graph.metadata.get(subject)?).ok()
    }
    let (Some(input), Some(heads), Some(classes)) = (
        part(graph, "input"),
        part(graph, "heads"),
        part(graph, "classes"),
    ) else {
        return Ok(None);
    };
    let own = Own {
        input,
        heads,
        classes,
    };
    let shape = own.input.shape;
    let dims = [1, shape.channels, shape.height, shape.width].map(Some);
    if graph.input()?.dims != dims {
        let what = format!("its metadata tells of an input of {shape}, its graph has another");
        return Err(Error::file(&graph.path, what));
    }
    Ok(Some(own))
}
