//! `tincy inspect`: prints what a model is made of.

use crate::outcome::Outcome;

/// Arguments of `tincy inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(_args: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("tincy inspect is being written")
}
