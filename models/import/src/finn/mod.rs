//! Folders of binary parameter files, as FINN's descendants publish them.
//!
//! All of them hold, for each layer and each processing element (PE), a file of weight bits and a
//! file of thresholds; output channel `n` belongs to PE `n % PE`. They differ in what a `Layout`
//! says, and in how the rest of the network is described:
//!
//! | family | hidden layers | first and last layer |
//! | --- | --- | --- |
//! | `qnn_mo` | a layers JSON, an overlay JSON | float `.npy` files and a Darknet cfg, or absent |
//! | `tiny_yolo` | a fixed table | low-bit like the others, with output scales |
//! | `cnv` | a fixed table | low-bit like the others; bits that are equal are counted |

mod cnv;
mod ends;
mod folding;
mod layers_json;
mod layout;
mod npy;
mod parameters;
mod qnn_mo;
mod tiny_yolo;

use crate::{Error, Result};
use std::path::{Path, PathBuf};
use tincy_network::Network;

/// Imports a parameter folder; which family it is follows from the files that are there.
///
/// # Errors
/// By file and layer: what is missing, has another size than the layer needs, or does not fit. If
/// no family's files are there, what was looked for.
pub fn import(folder: &Path) -> Result<Network> {
    if let Some(layers) = find(folder, "-layers.json")?.first() {
        return qnn_mo::import(folder, layers);
    }
    if folder.join(tiny_yolo::SCALES).is_file() && folder.join(tiny_yolo::FOLDER).is_dir() {
        return tiny_yolo::import(folder);
    }
    if cnv::parameters(folder).is_dir() {
        return cnv::import(folder);
    }
    Err(Error::Nothing {
        path: folder.to_path_buf(),
        what: format!(
            "no FINN parameter folder; looked for NAME-layers.json (QNN-MO), and for {}/ with {} \
             beside it (Tiny-YOLO W1A4) or without (CNV W1A1)",
            tiny_yolo::FOLDER,
            tiny_yolo::SCALES
        ),
    })
}

/// The files of a folder whose names end in `suffix`, sorted.
fn find(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let io = |source| Error::Io {
        path: folder.to_path_buf(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().ends_with(suffix))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The one file of a folder whose name ends in `suffix`.
fn find_one(folder: &Path, suffix: &str) -> Result<PathBuf> {
    let mut found = find(folder, suffix)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        n => Err(Error::file(
            folder,
            format!("one file NAME{suffix} expected, {n} found"),
        )),
    }
}
