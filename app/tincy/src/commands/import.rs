//! `tincy import`: turns a published network into a model file.

use crate::outcome::Outcome;

/// Arguments of `tincy import`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(_args: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("tincy import is being written")
}
