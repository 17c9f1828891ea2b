//! Opening a model of any format.

use crate::outcome::Usage;
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::path::PathBuf;
use tincy_network::{Fit, Network};

/// Which model to use.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// Model: a .tincy file, or anything that `tincy import` reads [env: TINCY_MODEL]
    #[arg(short, long, value_name = "PATH")]
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
    /// The path given, or that of the environment variable `TINCY_MODEL`.
    ///
    /// # Errors
    /// [`Usage`] if there is none.
    pub fn path(&self) -> Result<PathBuf> {
        let path = self.model.clone();
        path.or_else(|| std::env::var_os("TINCY_MODEL").map(PathBuf::from))
            .ok_or_else(|| Usage("which model? Give --model PATH or set TINCY_MODEL".into()).into())
    }

    /// Opens it.
    ///
    /// # Errors
    /// If there is none, or it cannot be read or is not a model.
    pub fn open(&self) -> Result<Network> {
        let path = self.path()?;
        let options = tincy_import::Options {
            names: self.names.clone(),
            fit: match self.fit {
                FitArg::Model => None,
                FitArg::Letterbox => Some(Fit::Letterbox { fill: 0.5 }),
                FitArg::Stretch => Some(Fit::Stretch),
            },
            ..tincy_import::Options::default()
        };
        tincy_import::import(&path, &options).context("model")
    }
}
