//! Model files with something else in their header, and the sum that belongs to it.

use sha2::{Digest, Sha256};
use tincy_network::Network;
use tincy_network::file::to_bytes;

/// A network's file with text replaced in its header, its length and sum made right again.
pub(crate) fn forged_of(network: &Network, from: &str, to: &str) -> Vec<u8> {
    let bytes = to_bytes(network);
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (header, data) = bytes[8..].split_at(length);
    let header = std::str::from_utf8(header).unwrap();
    assert!(header.contains(from), "{from} is in {header}");
    let header = header.replacen(from, to, 1);
    let json: serde_json::Value = serde_json::from_str(&header).unwrap();
    let metadata = &json["__metadata__"];
    let mut sum = Sha256::new().chain_update(metadata["network"].as_str().unwrap());
    for (name, entry) in json.as_object().unwrap() {
        let Some(dtype) = entry["dtype"].as_str() else {
            continue;
        };
        let numbers = |key: &str| -> Vec<u64> {
            let list = entry[key].as_array().unwrap().iter();
            list.map(|n| n.as_u64().unwrap()).collect()
        };
        let (shape, offsets) = (numbers("shape"), numbers("data_offsets"));
        sum.update(format!("{name} {dtype} {shape:?} {offsets:?}\n"));
    }
    let sum = sum.chain_update(data).finalize();
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut header = header.replace(metadata["sha256"].as_str().unwrap(), &sum);
    header.truncate(header.trim_end().len());
    while !(8 + header.len()).is_multiple_of(64) {
        header.push(' ');
    }
    let mut forged = (header.len() as u64).to_le_bytes().to_vec();
    forged.extend(header.as_bytes());
    forged.extend(data);
    forged
}
