//! Opening a model: a file of any format, or one that is compiled in.

use crate::outcome::Usage;
use crate::zoo;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tincy_import::Options;
use tincy_network::{Fit, Network};

/// Which model to use.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// Model: a name that `tincy models` lists, a .tincy file, or anything that `tincy import` reads
    /// [env: TINCY_MODEL] [default: small]
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Class names, one a line, for models that have none
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
    /// How pictures are brought to the network's size
    #[arg(long, value_enum, default_value_t = FitArg::Model)]
    pub fit: FitArg,
}

/// How pictures are brought to the network's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FitArg {
    /// As the model was trained
    Model,
    /// The aspect ratio kept, the rest grey
    Letterbox,
    /// Both sides scaled on their own
    Stretch,
}

impl ModelArgs {
    /// Opens the model given, else that of the environment variable `TINCY_MODEL`, else the default.
    ///
    /// # Errors
    /// If it cannot be read or is not a model.
    pub fn open(&self) -> Result<Network> {
        let options = Options {
            names: self.names.clone(),
            fit: match self.fit {
                FitArg::Model => None,
                FitArg::Letterbox => Some(Fit::Letterbox { fill: 0.5 }),
                FitArg::Stretch => Some(Fit::Stretch),
            },
            ..Options::default()
        };
        open(&path(self.model.as_deref()), &options).context("model")
    }
}

/// Checks where a model is to be written, before the work for it is done.
///
/// # Errors
/// [`Usage`] if it is not named as a model, or if it is there already and `force` is not given.
pub fn check_output(output: &Path, force: bool) -> Result<()> {
    let path = output.display();
    if output.extension().is_none_or(|ending| ending != "tincy") {
        return Err(Usage(format!("{path}: model files end in .tincy")).into());
    }
    if output.exists() && !force {
        bail!("{path} is there already; --force overwrites it");
    }
    Ok(())
}

/// The model given, else that of the environment variable `TINCY_MODEL`, else the default.
pub fn path(given: Option<&Path>) -> PathBuf {
    let from_environment = || {
        let set = std::env::var_os("TINCY_MODEL").filter(|name| !name.is_empty());
        set.unwrap_or_else(|| OsString::from(zoo::DEFAULT.name))
    };
    given.map_or_else(|| from_environment().into(), Path::to_path_buf)
}

/// Opens a model by its path; one that is compiled in by its name, if no file has it.
///
/// # Errors
/// If it cannot be read or is not a model.
pub fn open(path: &Path, options: &Options) -> Result<Network> {
    let Some(entry) = built_in(path) else {
        if !path.exists() && path.extension().is_none() {
            let path = path.display();
            let names = zoo::names();
            bail!("{path}: there is no such file or folder, nor such a model; built in: {names}");
        }
        return Ok(tincy_import::import(path, options)?);
    };
    if let Some(names) = &options.names {
        let names = names.display();
        bail!("{}: has class names; leave out --names {names}", entry.name);
    }
    let mut network = entry.open()?;
    if let Some(names) = &options.keep {
        network = tincy_import::classes::keep(&network, names)?;
    }
    Ok(match options.fit {
        Some(fit) => network.with_fit(fit),
        None => network,
    })
}

/// The compiled-in model that a path names, if no file has that name.
pub fn built_in(path: &Path) -> Option<&'static zoo::Entry> {
    zoo::find(path).filter(|_| !path.exists())
}
