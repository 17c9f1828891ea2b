//! `tincy bench`: measures how fast a model runs.

use crate::outcome::Outcome;

/// Arguments of `tincy bench`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(_args: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("tincy bench is being written")
}
