//! Model files of our own behind their checksum: the graph, the entries of tensors (both JSON) and
//! the tensors, with zero bytes between, put into a container that is sound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tincy_fuzz::{cut, said};
use tincy_network::file;

/// The most bytes of tensors.
const MOST: usize = 1 << 20;

fn container(graph: &str, entries: &str, data: &[u8]) -> Option<Vec<u8>> {
    let mut header: Map<String, Value> = serde_json::from_str(entries).ok()?;
    let mut sum = Sha256::new().chain_update(graph);
    let mut length = 0;
    for (name, entry) in &header {
        let (kind, shape) = (entry["dtype"].as_str()?, numbers(&entry["shape"])?);
        let offsets = numbers(&entry["data_offsets"])?;
        length = length.max(*offsets.get(1)? as usize);
        sum.update(format!("{name} {kind} {shape:?} {offsets:?}\n"));
    }
    let mut data = data.to_vec();
    if length <= MOST {
        data.resize(length, 0);
    }
    let digest = sum.chain_update(&data).finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let about = json!({"format": "tincy", "version": "4", "sha256": digest, "network": graph});
    header.insert("__metadata__".into(), about);
    let mut header = serde_json::to_vec(&header).ok()?;
    header.resize((8 + header.len()).next_multiple_of(64) - 8, b' ');
    let length = (header.len() as u64).to_le_bytes();
    Some([&length[..], &header, &data].concat())
}

fn numbers(list: &Value) -> Option<Vec<u64>> {
    list.as_array()?.iter().map(Value::as_u64).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let (graph, rest) = cut(bytes, &[0]);
    let (entries, data) = cut(rest, &[0]);
    let texts = (std::str::from_utf8(graph), std::str::from_utf8(entries));
    let (Ok(graph), Ok(entries)) = texts else {
        return;
    };
    let Some(bytes) = container(graph, entries, data) else {
        return;
    };
    if let Some(network) = said(file::read(&bytes, "fuzz.tincy")) {
        let again = file::to_bytes(&network);
        file::read(&again, "again.tincy").expect("what was read can be written and read");
    }
});
