//! The published files, which lie beside the project.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use tincy_network::{Network, Op};

/// A folder of the shared data, or `None`, said aloud, where it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: needs ../shared/{name}");
    None
}

/// A copy of a folder that a test may damage.
pub(crate) fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(folder, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &target);
        } else {
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The sum of each layer's integer weights, to compare networks by what they compute with.
pub(crate) fn network_sums(network: &Network) -> Vec<i64> {
    let sum = |op: &Op| match op {
        Op::Convolution(c) if c.weights.as_floats().is_empty() => {
            c.weights.unpack().into_iter().map(i64::from).sum()
        }
        _ => 0,
    };
    network
        .layers()
        .iter()
        .map(|layer| sum(layer.op()))
        .collect()
}
