//! Opening a model of any format.

use crate::outcome::Usage;
use anyhow::{Context, Result};
use std::path::PathBuf;
use tincy_network::Network;

/// Which model to use.
#[derive(Clone, Debug, clap::Args)]
pub struct ModelArgs {
    /// Model: a .tincy file, or anything that `tincy import` reads [env: TINCY_MODEL]
    #[arg(short, long, value_name = "PATH")]
    pub model: Option<PathBuf>,
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
        tincy_network::file::open(&path).context("model")
    }
}
