//! A network to a model file.

use super::{Entry, Graph, Header, Metadata, Type, VERSION, tensors};
use crate::values::ALIGNMENT;
use crate::{Error, Network};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Writes a network to a file. The file appears whole or not at all: it is written beside its
/// place and then renamed.
///
/// # Errors
/// If the folder cannot be written to.
pub fn write(network: &Network, path: &Path) -> Result<(), Error> {
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let part = part(path);
    let written = std::fs::write(&part, to_bytes(network))
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(io);
    if written.is_err() {
        // The error that matters is the first one.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Whether [`write()`] could put a file there, for callers that would find out after hours of work.
///
/// # Errors
/// What the operating system says of the attempt.
pub fn check_place(path: &Path) -> Result<(), Error> {
    let part = part(path);
    let written = match path.is_dir() {
        true => Err(std::io::ErrorKind::IsADirectory.into()),
        false => std::fs::write(&part, []).and_then(|()| std::fs::remove_file(&part)),
    };
    written.map_err(|source| Error::Io {
        path: path.to_path_buf(),
        source,
    })
}

/// What a file is called until it is whole: it lies beside its place, so that renaming is enough.
fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// The bytes of a network's model file. The same network gives the same bytes.
pub fn to_bytes(network: &Network) -> Vec<u8> {
    let (entries, data) = lay_out(network);
    let graph = json(&graph(network));
    let header = Header {
        metadata: Metadata {
            format: "tincy".into(),
            version: VERSION.into(),
            sha256: sum(&graph, &entries, &data),
            network: graph,
        },
        tensors: entries,
    };
    let mut header = json(&header).into_bytes();
    // Data begins at a multiple of the alignment; the container allows spaces after the JSON.
    let padded = (8 + header.len()).next_multiple_of(ALIGNMENT) - 8;
    header.resize(padded, b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(data);
    bytes
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("descriptions hold only what JSON can hold")
}

fn lay_out(network: &Network) -> (BTreeMap<String, Entry>, Vec<u8>) {
    let (mut entries, mut data) = (BTreeMap::new(), Vec::new());
    for (index, layer) in network.layers.iter().enumerate() {
        for (name, dtype, bytes) in tensors(layer) {
            // The container allows no holes: the space up to the alignment is a tensor too.
            let start = data.len().next_multiple_of(ALIGNMENT);
            if start > data.len() {
                entries.insert(format!("pad.{start}"), entry(Type::U8, data.len(), start));
            }
            data.resize(start, 0);
            data.extend_from_slice(&bytes);
            entries.insert(format!("{index}.{name}"), entry(dtype, start, data.len()));
        }
    }
    (entries, data)
}

fn entry(dtype: Type, start: usize, end: usize) -> Entry {
    let size = if dtype == Type::U8 { 1 } else { 4 };
    Entry {
        dtype,
        shape: vec![(end - start) / size],
        data_offsets: [start, end],
    }
}

fn graph(network: &Network) -> Graph {
    Graph {
        name: network.name.clone(),
        input: network.input.clone(),
        layers: network.layers.clone(),
        outputs: network.outputs.clone(),
        heads: network.heads.clone(),
        classes: network.classes.clone(),
        provenance: network.provenance.clone(),
    }
}

/// The SHA-256 of the graph's text, a line for each tensor's entry, and the tensors; hexadecimal.
pub(super) fn sum(graph: &str, entries: &BTreeMap<String, Entry>, data: &[u8]) -> String {
    let mut sum = Sha256::new().chain_update(graph);
    for (name, entry) in entries {
        let Entry {
            dtype,
            shape,
            data_offsets,
        } = entry;
        sum.update(format!("{name} {dtype:?} {shape:?} {data_offsets:?}\n"));
    }
    let digest = sum.chain_update(data).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
