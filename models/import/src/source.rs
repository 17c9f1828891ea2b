//! Any model by its path: which format it has, and where its other files are.

use crate::{Error, Result, classes, darknet, finn, onnx};
use std::path::{Path, PathBuf};
use tincy_network::{Fit, Network, file};

/// What the path of a model does not say. Nothing needs to be said where the files lie beside each
/// other under one name.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The cfg of a Darknet `.weights`; else `NAME.cfg` beside it.
    pub cfg: Option<PathBuf>,
    /// The weights of a Darknet `.cfg`; else `NAME.weights` beside it.
    pub weights: Option<PathBuf>,
    /// Class names of a Darknet or ONNX network, one a line; else `NAME.names` beside it, else
    /// numbers.
    pub names: Option<PathBuf>,
    /// Rows and columns of an ONNX network's input, where the file leaves them open.
    pub size: Option<[usize; 2]>,
    /// How pictures are fitted, instead of how the model says.
    pub fit: Option<Fit>,
    /// The only classes that are kept, in this order, by any of their names; the filters of the
    /// others are cut off.
    pub keep: Option<Vec<String>>,
}

/// Opens or imports a model: a `.tincy` file, an ONNX file, a Darknet `.cfg` or `.weights`, or a
/// folder of FINN parameter files.
///
/// # Errors
/// If the path holds none of these, what was looked for; else as the format's own import.
pub fn import(path: &Path, options: &Options) -> Result<Network> {
    let network = whole(path, options)?;
    match &options.keep {
        Some(names) => classes::keep(&network, names).map_err(Error::network(path)),
        None => Ok(network),
    }
}

fn whole(path: &Path, options: &Options) -> Result<Network> {
    if path.is_dir() {
        return Ok(fitted(finn::import(path)?, options.fit));
    }
    if !path.exists() {
        return Err(Error::Nothing {
            path: path.to_path_buf(),
            what: "there is no such file or folder".into(),
        });
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("tincy") => Ok(fitted(file::open(path)?, options.fit)),
        Some("onnx") => {
            let found = path.with_extension("names");
            let own = onnx::Options {
                names: names(&found, options),
                size: options.size,
            };
            let network = onnx::import(path, own)?;
            Ok(fitted(network, options.fit))
        }
        Some("cfg") => {
            let weights = beside(path, &options.weights, "weights")?;
            pair(path, &weights, options)
        }
        Some("weights") => {
            let cfg = beside(path, &options.cfg, "cfg")?;
            pair(&cfg, path, options)
        }
        _ if darknet::backbone(path).is_some() => {
            // NAME.conv.N goes with NAME.cfg.
            let name = path.with_extension("");
            let cfg = beside(&name, &options.cfg, "cfg")?;
            pair(&cfg, path, options)
        }
        _ => Err(Error::Nothing {
            path: path.to_path_buf(),
            what: "not a model; looked for NAME.tincy, NAME.onnx, a Darknet NAME.cfg, NAME.weights or \
                   NAME.conv.N, or a folder of FINN parameter files"
                .into(),
        }),
    }
}

fn fitted(network: Network, fit: Option<Fit>) -> Network {
    match fit {
        Some(fit) => network.with_fit(fit),
        None => network,
    }
}

fn pair(cfg: &Path, weights: &Path, options: &Options) -> Result<Network> {
    let found = cfg.with_extension("names");
    let fit = options.fit;
    darknet::import(
        cfg,
        weights,
        names(&found, options),
        darknet::Options { fit },
    )
}

/// The list of names that was named, else the one that was found, if it was.
fn names<'a>(found: &'a Path, options: &'a Options) -> Option<&'a Path> {
    match &options.names {
        Some(names) => Some(names),
        None => found.is_file().then_some(found),
    }
}

/// The other file of a pair: the one that was named, else the one beside `path`.
fn beside(path: &Path, named: &Option<PathBuf>, extension: &str) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.clone());
    }
    let other = path.with_extension(extension);
    if other.is_file() {
        return Ok(other);
    }
    Err(Error::Nothing {
        path: path.to_path_buf(),
        what: format!(
            "needs its .{extension} file too; looked for {}",
            other.display()
        ),
    })
}
