//! `tincy eval`: measures how well a model finds what is known to be there.

use crate::outcome::Outcome;

/// Arguments of `tincy eval`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(_args: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("tincy eval is being written")
}
