//! `tincy-train export`: a network for other tools.

use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;
use tincy_dataset::picture::{self, Limit};
use tincy_train::qonnx::{Model, maps};

/// What is written.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The network: a .tincy file, or anything else that `tincy import` reads; layers of floats stay floats.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The QONNX model.
    #[arg(long, value_name = "FILE.onnx")]
    out: PathBuf,
    /// A picture to run the engine on, so that the model can be compared with it.
    #[arg(long, value_name = "FILE", requires = "maps")]
    picture: Option<PathBuf>,
    /// Every map that the engine computes of the picture, under the names of the model's tensors.
    #[arg(long, value_name = "FILE.safetensors", requires = "picture")]
    maps: Option<PathBuf>,
}

/// Writes what the arguments say.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let network = tincy_import::import(&arguments.model, &Default::default())?;
    let model = Model::new(&network)?;
    model.write(&arguments.out)?;
    let (nodes, bytes) = (model.nodes, model.bytes.len());
    eprintln!("{}: {nodes} nodes, {bytes} bytes", arguments.out.display());
    if let (Some(picture), Some(path)) = (&arguments.picture, &arguments.maps) {
        let named = || picture.display().to_string();
        let frame = picture::read(picture, Limit::default(), &mut |_| {}).with_context(named)?;
        maps::of_picture(&network, &frame, path)?;
        eprintln!(
            "{}: what the engine computes of {}",
            path.display(),
            named()
        );
    }
    Ok(())
}
